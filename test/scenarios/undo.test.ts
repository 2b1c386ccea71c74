import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPluto } from "../lab/daemons.ts";
import { fillDisk, makeReadOnly, masquerade } from "../lab/faults.ts";
import type { LabHost } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { hostOf, ipsecFix, ipsecFixJson, playbook, told } from "./cli.ts";
import { type HostState, hostState, stateDifference } from "./host-state.ts";

// What goes wrong on each host once its transaction has begun to write, and how it is mended again.
const FAULTS: Readonly<Record<string, { readonly make: (host: LabHost) => Promise<unknown>; readonly mend: string }>> = {
  "conf-read-only": { make: (host) => makeReadOnly(host, "/etc/ipsec.d"), mend: "umount /etc/ipsec.d" },
  "conf-full": { make: (host) => fillDisk(host, "/etc/ipsec.d"), mend: "rm /etc/ipsec.d/filler" },
  "rules-read-only": { make: (host) => makeReadOnly(host, "/etc/iptables"), mend: "umount /etc/iptables" },
  "etc-read-only": { make: (host) => makeReadOnly(host, "/etc"), mend: "umount /etc" },
  "kernel-read-only": {
    make: (host) => makeReadOnly(host, "/proc/sys/net/ipv4/ip_forward"),
    mend: "umount /proc/sys/net/ipv4/ip_forward",
  },
};
const PLUTO = "pluto-refuses";
const CHECK = "check-fails";

const RESOURCES = `
    - nat_exemption: { conn: myvpn }
    - tcp_mss_clamp: { mss: pmtu }
    - gateway_sysctls: { forwarding: true, redirects: false }
    - libreswan_setup: { options: { plutodebug: all } }
    - libreswan_conn: { name: myvpn, options: { mtu: 1400 } }
`;

let lab: Lab;
const before = new Map<string, HostState>();

beforeAll(async () => {
  lab = await startLab({ hosts: [...Object.keys(FAULTS), PLUTO, CHECK].map((name) => ({ name })) });
  await Promise.all(
    lab.hosts.map(async (host) => {
      await masquerade(host, { backend: "iptables-nft", exemption: "below" });
      // What a careless rewrite loses: mode, owner, a label, an attribute, a second name.
      await host.must(`chmod 640 /etc/ipsec.d/myvpn.conf && chown 0:4242 /etc/ipsec.d/myvpn.conf
setfattr -n security.selinux -v system_u:object_r:ipsec_conf_file_t:s0 /etc/ipsec.d/myvpn.conf
setfattr -n user.note -v kept /etc/iptables/rules.v4; chmod 600 /etc/iptables/rules.v4; chmod 751 /etc/ipsec.d`);
      if (host.name === PLUTO) await startPluto(host);
      await FAULTS[host.name]?.make(host);
      before.set(host.name, await hostState(host));
    }),
  );
});
afterAll(async () => lab.stop());

const CHECK_THAT_FAILS = "  verify:\n    - command: { argv: [test, -e, /etc/never-there] }\n";

/** Applies resources to one host. */
async function apply(host: string, lines: readonly string[], verify = ""): ReturnType<typeof ipsecFixJson> {
  const list = lines.map((line) => `    - ${line}\n`).join("");
  return await ipsecFixJson(
    lab,
    "apply",
    playbook(lab, `- hosts: ${host}\n  become: true\n  resources:\n${list}${verify}`),
    "-y",
  );
}

async function expectAsBefore(name: string): Promise<void> {
  expect(stateDifference(before.get(name) ?? new Map(), await hostState(lab.host(name))), name).toEqual([]);
}

it("puts every host back to the byte when a later step fails, and finishes once the fault is gone", async () => {
  const names = Object.keys(FAULTS);
  const file = playbook(lab, `- hosts: ${names.join(",")}\n  become: true\n  resources:${RESOURCES}`);
  const failed = await ipsecFixJson(lab, "apply", file, "-y", "--max-fail", "9");
  expect(failed.exit, told(failed)).toBe(4);
  for (const name of names) {
    expect(hostOf(failed.plan, name), name).toMatchObject({ status: "rolled-back", exit: 4 });
    expect(hostOf(failed.plan, name).reason, name).toMatch(/Read-only file system|No space left/);
    await expectAsBefore(name);
    await lab.host(name).must(FAULTS[name]?.mend ?? ":");
  }
  const applied = await ipsecFixJson(lab, "apply", file, "-y");
  expect(applied.exit, told(applied)).toBe(0);
  for (const name of names) {
    const kept = await lab.host(name).must(`stat -c '%a %u:%g' /etc/ipsec.d/myvpn.conf /etc/iptables/rules.v4
getfattr --absolute-names -n security.selinux --only-values /etc/ipsec.d/myvpn.conf; getfattr --absolute-names -n user.note --only-values /etc/iptables/rules.v4`);
    expect(kept, name).toBe("640 0:4242\n600 0:0\nsystem_u:object_r:ipsec_conf_file_t:s0kept");
  }
});

// What of a loaded conn is not the same after it was loaded again: its number, and numbers of tunnels.
async function loadedConns(host: LabHost): Promise<string> {
  const lines = (await host.must("ipsec whack --status")).match(/^000 "[^"]*":.*$/gm) ?? [];
  return lines.filter((line) => !/newest IKE SA|eroute owner/.test(line)).join("\n");
}

describe("a daemon", () => {
  it("that refuses a conn has what it had, and its own words are told", async () => {
    const host = lab.host(PLUTO);
    const had = await loadedConns(host);
    const options = '{ mtu: 1400, authby: rsasig, leftcert: nobody-has-it, rightid: "%fromcert" }';
    const failed = await apply(PLUTO, ["nat_exemption: { conn: myvpn }", `libreswan_conn: { name: myvpn, options: ${options} }`]);
    expect(failed.exit, told(failed)).toBe(4);
    expect(hostOf(failed.plan, PLUTO).reason).toMatch(/nobody-has-it/);
    await expectAsBefore(PLUTO);
    expect(await loadedConns(host)).toBe(had);
  });

  it("has what it had when conns that were made, changed, brought down and removed come back", async () => {
    const host = lab.host(PLUTO);
    const had = await loadedConns(host);
    const made =
      "{ left: 172.16.0.1, leftsubnet: 10.0.2.0/24, right: 203.0.113.50, rightsubnet: 10.50.0.0/16, authby: secret, auto: start }";
    const failed = await apply(
      PLUTO,
      [
        `libreswan_conn: { name: made, file: /etc/ipsec.d/made.conf, options: ${made} }`,
        "libreswan_conn: { name: myvpn, options: { mtu: 1400 } }",
        "libreswan_conn: { name: other, state: absent }",
        "tunnel: { conn: myvpn, state: down }",
      ],
      CHECK_THAT_FAILS,
    );
    expect(failed.exit, told(failed)).toBe(4);
    expect(hostOf(failed.plan, PLUTO).reason).toMatch(/never-there/);
    await expectAsBefore(PLUTO);
    expect(await loadedConns(host)).toBe(had);
  });
});

it("takes back what a check of the playbook does not bear out", async () => {
  const file = playbook(
    lab,
    `- hosts: ${CHECK}\n  become: true\n  resources:${RESOURCES}  verify:\n    - command: { argv: [test, -e, /etc/never-there] }\n`,
  );
  const failed = await ipsecFixJson(lab, "apply", file, "-y");
  expect(failed.exit, told(failed)).toBe(4);
  expect(hostOf(failed.plan, CHECK).status).toBe("rolled-back");
  await expectAsBefore(CHECK);
});

it("writes nothing at all where it has no room for what it must keep", async () => {
  const host = lab.host(CHECK);
  await fillDisk(host, "/var/lib/ipsec-fix");
  const file = playbook(lab, `- hosts: ${CHECK}\n  become: true\n  resources:${RESOURCES}`);
  const refused = await ipsecFix(lab, "apply", file, "-y");
  expect(refused.exit, told(refused)).toBe(1);
  expect(refused.stdout).toMatch(/nothing was written/);
  await expectAsBefore(CHECK);
  await host.must("umount /var/lib/ipsec-fix");
});
