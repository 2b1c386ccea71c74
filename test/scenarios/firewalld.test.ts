import { expect, it } from "vitest";
import { startFirewalld } from "../lab/daemons.ts";
import type { LabHost } from "../lab/host.ts";
import { startLab } from "../lab/lab.ts";
import { startTraffic } from "../lab/traffic.ts";
import { hostOf, ipsecFix, ipsecFixJson, playbook, resources, told } from "./cli.ts";

const rules = (state: "present" | "absent"): readonly string[] => [
  `nat_exemption: { conn: myvpn, state: ${state} }`,
  `tcp_mss_clamp: { mss: 1360, conn: myvpn, state: ${state} }`,
  `ike_access: { peers: [203.0.113.9], state: ${state} }`,
];

/** What firewalld itself says that it has, at run time and for good. */
function saysFirewalld(host: LabHost): Promise<string> {
  return host.must(`for when in "" --permanent; do
firewall-cmd $when --direct --get-all-rules; firewall-cmd $when --zone=external --list-all
done`);
}

it("goes through firewalld, survives its reload, and takes back what did not hold", async () => {
  await using lab = await startLab({ hosts: 1 });
  const host = lab.host("gw1");
  await startFirewalld(host);
  const before = await saysFirewalld(host);

  const list = rules("present").map((line) => `    - ${line}\n`);
  const check = "  verify:\n    - command: { argv: [test, -e, /etc/never-there] }\n";
  const failed = await ipsecFixJson(
    lab,
    "apply",
    playbook(lab, `- hosts: gw1\n  become: true\n  resources:\n${list.join("")}${check}`),
    "-y",
  );
  expect(failed.exit, told(failed)).toBe(4);
  expect(hostOf(failed.plan, "gw1").status).toBe("rolled-back");
  expect(await saysFirewalld(host)).toBe(before);

  const applied = await ipsecFix(lab, "apply", resources(lab, ...rules("present")), "-y");
  expect(applied.exit, told(applied)).toBe(0);
  await host.must("firewall-cmd --reload");
  const again = await ipsecFix(lab, "plan", resources(lab, ...rules("present")));
  expect(again.exit, told(again)).toBe(0);

  const traffic = await startTraffic(host);
  try {
    expect(await traffic.source({ from: "10.0.2.33", to: "192.168.0.1" })).toBe("10.0.2.33");
    expect(await traffic.source({ from: "10.0.2.33", to: "198.51.100.7" })).toBe("172.16.0.1");
    expect(await traffic.segmentSize({ from: "10.0.2.33", to: "192.168.0.1" })).toBe(1360);

    const gone = await ipsecFix(lab, "apply", resources(lab, ...rules("absent")), "-y");
    expect(gone.exit, told(gone)).toBe(0);
    expect(await saysFirewalld(host)).toBe(before);
  } finally {
    await traffic.stop();
  }
});
