import { afterAll, beforeAll, expect, it } from "vitest";
import { type Masquerade, masquerade } from "../lab/faults.ts";
import type { LabHost } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { startTraffic } from "../lab/traffic.ts";
import { ipsecFix, ipsecFixJson, resourceOf, resources, told } from "./cli.ts";

const BACKENDS = ["iptables-legacy", "iptables-nft", "nft-ip", "nft-inet"] as const;
const CASES: readonly Masquerade[] = BACKENDS.flatMap((backend) =>
  (["base", "user"] as const).map((chain): Masquerade => ({ backend, chain, exemption: "below" })),
);
const nameOf = (index: number): string => `gw${index + 1}`;
const EXEMPTION = "nat_exemption: { conn: myvpn }";

let lab: Lab;
beforeAll(async () => {
  lab = await startLab({ hosts: CASES.length });
  await Promise.all(CASES.map((fault, index) => masquerade(lab.host(nameOf(index)), fault)));
});
afterAll(async () => lab.stop());

/** Every rule of the host with its counters, our own and the moved one left out. */
async function foreignRules(host: LabHost, backend: Masquerade["backend"]): Promise<readonly string[]> {
  const native = backend === "nft-ip" || backend === "nft-inet";
  const listing = await host.must(native ? "nft -a list ruleset" : `${backend}-save -c | sed '/^#/d'`);
  return listing.split("\n").filter((line) => !/ipsec-fix:|10\.0\.2\.0\/24.*192\.168\.0\.0\/16/.test(line));
}

it("moves up a RETURN below the MASQUERADE in one apply, in every backend and chain, and touches nothing else", async () => {
  const playbook = resources(lab, EXEMPTION);
  const foreign = (): Promise<readonly (readonly string[])[]> =>
    Promise.all(CASES.map(({ backend }, index) => foreignRules(lab.host(nameOf(index)), backend)));
  const before = await foreign();
  const planned = await ipsecFixJson(lab, "plan", playbook);
  expect(planned.exit, told(planned)).toBe(2);
  for (const host of CASES.keys()) {
    const { changes } = resourceOf(planned.plan, nameOf(host), "nat_exemption");
    expect(changes.map(({ action }) => action)).toContain("move");
  }
  expect(await foreign()).toEqual(before);

  const applied = await ipsecFixJson(lab, "apply", playbook, "-y");
  expect(applied.exit, told(applied)).toBe(0);
  expect(applied.plan.hosts.map(({ status }) => status)).toEqual(CASES.map(() => "changed"));
  expect(await foreign()).toEqual(before);

  const again = await ipsecFixJson(lab, "plan", playbook);
  expect(again.exit, told(again)).toBe(0);
  expect(again.plan.hosts.map(({ status }) => status)).toEqual(CASES.map(() => "ok"));

  for (const { name } of lab.hosts) {
    const traffic = await startTraffic(lab.host(name));
    try {
      expect(await traffic.source({ from: "10.0.2.33", to: "192.168.0.1" }), name).toBe("10.0.2.33");
      expect(await traffic.source({ from: "10.0.2.33", to: "198.51.100.7" }), name).toBe("172.16.0.1");
    } finally {
      await traffic.stop();
    }
  }
});

it("says what drifted when somebody breaks the rule by hand, and corrects it", async () => {
  await using own = await startLab({ hosts: 1 });
  const host = own.host("gw1");
  await masquerade(host, { backend: "iptables-nft", exemption: "none" });
  const playbook = resources(own, EXEMPTION);
  const applied = await ipsecFix(own, "apply", playbook, "-y");
  expect(applied.exit, told(applied)).toBe(0);
  await host.must("iptables-nft -t nat -I POSTROUTING -o eth0 -j MASQUERADE");
  const found = await ipsecFix(own, "drift", playbook);
  expect(found.exit, told(found)).toBe(2);
  const over = await ipsecFix(own, "drift", playbook, "--fix", "--max-changes", "0");
  expect(over.exit, told(over)).toBe(7);
  expect((await ipsecFix(own, "drift", playbook)).exit).toBe(2);
  const fixed = await ipsecFix(own, "drift", playbook, "--fix");
  expect(fixed.exit, told(fixed)).toBe(0);
  expect((await ipsecFix(own, "drift", playbook)).exit).toBe(0);
});
