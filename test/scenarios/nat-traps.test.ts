import { afterAll, beforeAll, expect, it } from "vitest";
import { masquerade } from "../lab/faults.ts";
import type { LabHost } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { startTraffic } from "../lab/traffic.ts";
import { hostOf, ipsecFix, ipsecFixJson, resourceOf, resources, told } from "./cli.ts";
import { hostState, stateDifference } from "./host-state.ts";

const EXEMPTION = "nat_exemption: { conn: myvpn }";
const CLAMP = "tcp_mss_clamp: { mss: pmtu }";
const NFT_SAVED = "#!/usr/sbin/nft -f\nflush ruleset\n\n";
const MYNAT =
  'table ip mynat {\n  chain out {\n    type nat hook postrouting priority srcnat; policy accept;\n    oifname "eth0" counter packets 7 bytes 420 masquerade\n  }\n}\n';

// Hosts that are as declared already, however their administrators spelled it.
const AS_DECLARED = ["commented", "accepted", "conditional", "clamped", "no-nat"];
// Hosts where something is missing, or stands where it does nothing.
const FAULTY = ["missing", "stale-file", "native", "legacy", "two-chains"];

let lab: Lab;
beforeAll(async () => {
  lab = await startLab({ hosts: [...AS_DECLARED, ...FAULTY].map((name) => ({ name })) });
  const prepared: Record<string, (host: LabHost) => Promise<unknown>> = {
    commented: (host) =>
      nat(host, '-A POSTROUTING -s 10.0.2.0/24 -d 192.168.0.0/16 -m comment --comment "tunnel east" -j RETURN'),
    accepted: (host) => nat(host, "-A POSTROUTING -d 192.168.0.0/16 -s 10.0.2.0/24 -j ACCEPT"),
    conditional: (host) => nat(host, "", "-A POSTROUTING ! -d 192.168.0.0/16 -o eth0 -j MASQUERADE"),
    clamped: async (host) => {
      const rule = "FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu";
      await nat(host, "-A POSTROUTING -s 10.0.2.0/24 -d 192.168.0.0/16 -j RETURN");
      await host.must(`iptables-nft -t mangle -I ${rule}; iptables-nft-save >/etc/iptables/rules.v4`);
    },
    "no-nat": async () => undefined,
    missing: (host) => masquerade(host, { backend: "iptables-nft", exemption: "none" }),
    "stale-file": async (host) => {
      await masquerade(host, { backend: "iptables-nft", exemption: "none" });
      await host.must("iptables-nft -t nat -I POSTROUTING -s 10.0.2.0/24 -d 192.168.0.0/16 -j RETURN");
    },
    native: async (host) => {
      await host.must("iptables-nft -t nat -A POSTROUTING -s 10.99.0.0/16 -j ACCEPT && nft -f -", MYNAT);
      await host.write("/etc/nftables.conf", NFT_SAVED + MYNAT);
    },
    legacy: (host) => masquerade(host, { backend: "iptables-legacy", exemption: "none" }),
    "two-chains": async (host) => {
      await nat(host, "-A POSTROUTING -s 10.0.2.0/24 -d 192.168.0.0/16 -j RETURN");
      await host.must("nft -f -", MYNAT);
      await host.write("/etc/nftables.conf", NFT_SAVED + MYNAT);
    },
  };
  await Promise.all(lab.hosts.map((host) => prepared[host.name]?.(host)));
});
afterAll(async () => lab.stop());

/** A saved and loaded nat table with these rules, in which everything else that leaves by eth0 is masqueraded. */
async function nat(host: LabHost, exemption: string, masquerading = "-A POSTROUTING -o eth0 -j MASQUERADE"): Promise<void> {
  const rules = [exemption, masquerading].filter((rule) => rule !== "").join("\n");
  const text = `*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n${rules}\nCOMMIT\n`;
  await host.must("iptables-nft-restore && mkdir -p /etc/iptables && iptables-nft-save >/etc/iptables/rules.v4", text);
}

/** With which address a packet of the tunnel, and any other one, leaves the host. */
async function sources(host: LabHost): Promise<readonly (string | undefined)[]> {
  const traffic = await startTraffic(host);
  try {
    return [
      await traffic.source({ from: "10.0.2.33", to: "192.168.0.1" }),
      await traffic.source({ from: "10.0.2.33", to: "198.51.100.7" }),
    ];
  } finally {
    await traffic.stop();
  }
}

it("lets every spelling count that has the effect (A2, A3)", async () => {
  const names = AS_DECLARED.join(",");
  const before = await Promise.all(AS_DECLARED.map(async (name) => hostState(lab.host(name))));
  const run = await ipsecFixJson(lab, "apply", resources(lab, EXEMPTION), "-y", "-l", names);
  expect(run.exit, told(run)).toBe(0);
  for (const [index, name] of AS_DECLARED.entries()) {
    expect(hostOf(run.plan, name).status, name).toBe("ok");
    expect(stateDifference(before[index] ?? new Map(), await hostState(lab.host(name))), name).toEqual([]);
  }
  const clamped = await ipsecFix(lab, "plan", resources(lab, CLAMP), "-l", "clamped");
  expect(clamped.exit, told(clamped)).toBe(0);
});

it("shows the rule and its place before anything is written, and says so by its exit code (B, J)", async () => {
  const run = await ipsecFix(lab, "plan", resources(lab, EXEMPTION, CLAMP), "-l", "missing", "-v");
  expect(run.exit, told(run)).toBe(2);
  expect(run.stdout).toMatch(/iptables nat POSTROUTING/);
  expect(run.stdout).toMatch(/-s 10\.0\.2\.0\/24 -d 192\.168\.0\.0\/16 .*-j RETURN/);
  expect(run.stdout).toMatch(/rule 1 \(MASQUERADE -o eth0\)/);
  expect(run.stdout).toMatch(/iptables mangle FORWARD[\s\S]*TCPMSS --clamp-mss-to-pmtu/);
  expect(run.stdout).toMatch(/\+\+\+ \/etc\/iptables\/rules\.v4/);
});

it("puts each exemption where it has effect, on the wire too (F, G, H, I)", async () => {
  const names = FAULTY.join(",");
  const live = await lab.host("stale-file").must("iptables-nft-save -t nat | sed '/^#/d'");
  const run = await ipsecFixJson(lab, "apply", resources(lab, EXEMPTION, CLAMP), "-y", "-l", names);
  expect(run.exit, told(run)).toBe(0);
  const again = await ipsecFix(lab, "plan", resources(lab, EXEMPTION, CLAMP), "-l", names);
  expect(again.exit, told(again)).toBe(0);

  const stale = resourceOf(run.plan, "stale-file", "nat_exemption").changes;
  expect(stale.map(({ target }) => target)).toEqual(["/etc/iptables/rules.v4"]);
  expect(await lab.host("stale-file").must("iptables-nft-save -t nat | sed '/^#/d'")).toBe(live);
  expect(await lab.host("stale-file").read("/etc/iptables/rules.v4")).toMatch(/-s 10\.0\.2\.0\/24 -d 192\.168\.0\.0\/16/);
  expect(await lab.host("native").must("nft list table ip mynat")).toMatch(/192\.168\.0\.0\/16 .*return[\s\S]*masquerade/);
  expect(await lab.host("native").must("iptables-nft-save -t nat")).not.toContain("192.168.0.0/16");
  expect(await lab.host("legacy").must("iptables-legacy-save -t nat")).toMatch(/192\.168\.0\.0\/16 .*RETURN\n.*MASQUERADE/);
  for (const name of FAULTY) expect(await sources(lab.host(name)), name).toEqual(["10.0.2.33", "172.16.0.1"]);
});

it("never adds a clamp twice, and puts a narrower one beside a broader one (C)", async () => {
  const host = lab.host("clamped");
  const clamps = async (): Promise<readonly string[]> =>
    (await host.must("iptables-nft-save -t mangle")).split("\n").filter((line) => line.includes("TCPMSS"));
  const fixed = resources(lab, "tcp_mss_clamp: { mss: 1360, conn: myvpn }");
  const run = await ipsecFix(lab, "apply", fixed, "-y", "-l", "clamped");
  expect(run.exit, told(run)).toBe(0);
  const rules = await clamps();
  expect(rules.filter((rule) => rule.includes("--set-mss 1360")).length).toBeGreaterThan(0);
  const twice = await ipsecFix(lab, "apply", fixed, "-y", "-l", "clamped");
  expect(twice.exit, told(twice)).toBe(0);
  expect(await clamps()).toEqual(rules);
  const absent = resources(lab, "tcp_mss_clamp: { mss: 1360, conn: myvpn, state: absent }");
  const gone = await ipsecFix(lab, "apply", absent, "-y", "-l", "clamped");
  expect(gone.exit, told(gone)).toBe(0);
  expect(await clamps()).toHaveLength(1);
});
