import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LabHost } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { hostOf, ipsecFix, ipsecFixJson, resourceOf, resources, told } from "./cli.ts";
import { changedFiles, hostState, stateDifference } from "./host-state.ts";

const BACK_END = "/etc/crypto-policies/back-ends/libreswan.config";

// Everything that Libreswan reads stands in one file, so that four resources meet in it.
const IPSEC_CONF = `# one file for all
config setup
\tuniqueids=no

include ${BACK_END}

conn myvpn
    left=172.16.0.1
    leftsubnet=10.0.2.0/24
    right=203.0.113.9
    rightsubnet=192.168.0.0/16   # the head office
    authby=secret
    auto=add

conn other
    left=172.16.0.1
    leftsubnet=10.0.3.0/24
    right=203.0.113.10
    rightsubnet=172.20.0.0/16
    authby=secret
    mtu=1500
    auto=add
`;

// A masquerade in iptables and a second one in a native table, and an INPUT chain that lets only ssh in.
const IPTABLES = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
[7:420] -A POSTROUTING -o eth0 -j MASQUERADE
[3:252] -A POSTROUTING -s 10.99.0.0/16 -m comment --comment "guests, see wiki" -j ACCEPT
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
[21:1764] -A INPUT -p tcp -m tcp --dport 2222 -j ACCEPT
[2:120] -A INPUT -i lo -j ACCEPT
COMMIT
`;
const NFT = `table ip extra {
  chain postrouting {
    type nat hook postrouting priority 90; policy accept;
    oifname "eth0" counter packets 5 bytes 300 masquerade
  }
}
`;

const present = (state: "present" | "absent"): readonly string[] => [
  `gateway_sysctls: { forwarding: true, redirects: false, rp_filter: loose }`,
  `ike_access: { peers: [203.0.113.9, 203.0.113.10], state: ${state} }`,
  `{ name: east, nat_exemption: { conn: myvpn, state: ${state} } }`,
  `{ name: west, nat_exemption: { source: 10.0.3.0/24, destination: 172.20.0.0/16, state: ${state} } }`,
  `tcp_mss_clamp: { mss: pmtu, state: ${state} }`,
];
const ALL = [
  ...present("present"),
  "libreswan_conn: { name: myvpn, options: { mtu: 1400, dpddelay: 30s } }",
  "libreswan_conn: { name: other, options: { mtu: 1400 } }",
  "libreswan_setup: { options: { plutodebug: all, logfile: /var/log/pluto.log } }",
  "crypto_policy: { follow: false }",
  "{ name: never up, tunnel: { conn: myvpn, state: down } }",
  "{ name: no counters grow, xfrm_health: {} }",
];
const BACK = [
  ...present("absent").filter((line) => !line.startsWith("gateway_sysctls")),
  "libreswan_conn: { name: myvpn, options: { mtu: null, dpddelay: null } }",
  "libreswan_conn: { name: other, options: { mtu: 1500 } }",
  "libreswan_setup: { options: { plutodebug: null, logfile: null } }",
  "crypto_policy: { follow: true }",
];

let lab: Lab;
let host: LabHost;
beforeAll(async () => {
  lab = await startLab({
    hosts: [{ files: { "/etc/ipsec.conf": IPSEC_CONF, "/etc/ipsec.d/myvpn.conf": "", "/etc/ipsec.d/other.conf": "" } }],
  });
  host = lab.host("gw1");
  await host.must(`mkdir -p ${BACK_END.slice(0, BACK_END.lastIndexOf("/"))} /etc/iptables && : >${BACK_END}`);
  await host.must("iptables-nft-restore --counters", IPTABLES);
  await host.write("/etc/iptables/rules.v4", IPTABLES.replaceAll(/^\[\d+:\d+\] /gm, ""));
  await host.must("nft -f -", NFT);
  await host.write("/etc/nftables.conf", `#!/usr/sbin/nft -f\n${NFT}`);
});
afterAll(async () => lab.stop());

describe("every kind on one gateway", () => {
  it("writes each file and each table once, and then has nothing left to do", async () => {
    const before = await hostState(host);
    const applied = await ipsecFixJson(lab, "apply", resources(lab, ...ALL), "-y");
    expect(applied.exit, told(applied)).toBe(0);
    expect(hostOf(applied.plan, "gw1").status).toBe("changed");

    const touched = changedFiles(before, await hostState(host));
    expect(touched).toEqual([
      "/etc/ipsec.conf",
      "/etc/iptables/rules.v4",
      "/etc/nftables.conf",
      "/etc/sysctl.d/99-ipsec-fix.conf",
    ]);
    const [txn = ""] = (await host.must("ls -d /var/lib/ipsec-fix/txn/*")).trim().split("\n");
    const kept = (await host.must(`ls ${txn}/files | sed 's/\\.absent$//'`)).trim().split("\n");
    expect(kept).toHaveLength(touched.length);
    const tables = (await host.must(`ls ${txn}`)).match(/^table-/gm);
    expect(tables, "iptables nat, filter and mangle, and the native table").toHaveLength(4);

    const again = await ipsecFix(lab, "plan", resources(lab, ...ALL));
    expect(again.exit, told(again)).toBe(0);
    expect(again.stdout).toContain("Plan: 0 to add, 0 to change, 0 to move, 0 to delete");
    const twice = await ipsecFix(lab, "apply", resources(lab, ...ALL), "-y");
    expect(twice.exit, told(twice)).toBe(0);
    expect((await host.must("ls /var/lib/ipsec-fix/txn")).trim().split("\n")).toHaveLength(1);

    const foreign = (await host.must("iptables-nft-save -c; nft list ruleset")).split("\n");
    for (const line of IPTABLES.split("\n").filter((text) => text.startsWith("["))) expect(foreign).toContain(line);
    expect(foreign.join("\n")).toContain("counter packets 5 bytes 300 masquerade");
  });

  it("is led back to where it began by the same resources, absent", async () => {
    const applied = await ipsecFixJson(lab, "apply", resources(lab, ...BACK), "-y");
    expect(applied.exit, told(applied)).toBe(0);
    expect(await host.read("/etc/ipsec.conf")).toBe(IPSEC_CONF);
    expect(await host.must("iptables-nft-save; nft list ruleset")).not.toContain("ipsec-fix:");
    expect(await host.read("/etc/iptables/rules.v4")).not.toContain("ipsec-fix:");
    expect(await host.read("/etc/nftables.conf")).toBe(`#!/usr/sbin/nft -f\n${NFT}`);
    const again = await ipsecFix(lab, "plan", resources(lab, ...BACK));
    expect(again.exit, told(again)).toBe(0);
  });

  it("says plainly why what needs the daemon, NetworkManager or a bond cannot be had, and does the rest", async () => {
    const before = await hostState(host);
    const rest = [
      "tunnel: { conn: myvpn, state: established }",
      "bond_esp_offload: { bond: bond0 }",
      "ipsec_service: { running: true }",
      "libreswan_conn: { name: myvpn, options: { mtu: 1390 } }",
    ];
    const applied = await ipsecFixJson(lab, "apply", resources(lab, ...rest), "-y");
    expect(applied.exit, told(applied)).toBe(7);
    expect(resourceOf(applied.plan, "gw1", "tunnel")).toMatchObject({ outcome: "blocked" });
    expect(resourceOf(applied.plan, "gw1", "tunnel").reason).toMatch(/service does not run/);
    expect(resourceOf(applied.plan, "gw1", "bond_esp_offload")).toMatchObject({ outcome: "blocked" });
    expect(resourceOf(applied.plan, "gw1", "bond_esp_offload").reason).toMatch(/no bond bond0/);
    expect(resourceOf(applied.plan, "gw1", "ipsec_service")).toMatchObject({ outcome: "blocked" });
    expect(resourceOf(applied.plan, "gw1", "ipsec_service").reason).toMatch(/systemd/);
    expect(resourceOf(applied.plan, "gw1", "libreswan_conn").outcome).toBe("changed");
    expect(changedFiles(before, await hostState(host))).toEqual(["/etc/ipsec.conf"]);
  });

  it("prints byte-identical plans of one state, in every form", async () => {
    const playbook = resources(lab, ...ALL);
    const forms = ["text", "jsonl", "markdown", "junit", "html"];
    const planned = async (run: string): Promise<readonly string[]> => {
      const files = forms.map((form) => join(lab.directory, `${run}.${form}`));
      const reports = forms.flatMap((form, index) => ["--report", `${form}=${files[index]}`]);
      const ended = await ipsecFix(lab, "plan", playbook, "--json", ...reports);
      expect(ended.exit, told(ended)).toBe(2);
      return [ended.stdout, ...files.map((file) => readFileSync(file, "utf8"))];
    };
    const before = await hostState(host);
    const first = await planned("one");
    await host.must("iptables-nft -t nat -C POSTROUTING -o eth0 -j MASQUERADE; ip route get 192.168.0.1 >/dev/null");
    expect(await planned("other")).toEqual(first);
    expect(stateDifference(before, await hostState(host))).toEqual([]);
  });
});
