import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tcpMssClamp } from "../../../src/kinds/tcp-mss-clamp.ts";
import type { TcpMssClamp } from "../../../src/model/specs.generated.ts";
import { clear, listing } from "../../firewall/live.ts";
import { startFirewalld } from "../../lab/daemons.ts";
import { labIsPossible } from "../../lab/host.ts";
import { type Lab, startLab } from "../../lab/lab.ts";
import { startTraffic, type Traffic } from "../../lab/traffic.ts";
import { applyTo, lookAt } from "../live-kind.ts";

const SPEC: TcpMssClamp = { state: "present", mss: 1340, in: "lan0", family: "ipv4", backend: "auto", persist: true };
const PACKET = { from: "10.0.2.33", to: "192.168.7.9" };

/** How each tool lets forwarded traffic through, where its saved rules stand, and what loads them at boot. */
const backends = [
  {
    name: "iptables-legacy",
    rules: "iptables-legacy -A FORWARD -i lan0 -j ACCEPT",
    file: "/etc/iptables/rules.v4",
    saved: "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -i lan0 -j ACCEPT\nCOMMIT\n",
    boot: "iptables-legacy-restore /etc/iptables/rules.v4",
    target: "iptables-legacy mangle FORWARD",
  },
  {
    name: "iptables-nft",
    rules: "iptables-nft -A FORWARD -i lan0 -j ACCEPT",
    file: "/etc/iptables/rules.v4",
    saved: "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -i lan0 -j ACCEPT\nCOMMIT\n",
    boot: "iptables-nft-restore /etc/iptables/rules.v4",
    target: "iptables mangle FORWARD",
  },
  {
    name: "an nftables chain",
    rules: "nft -f /etc/nftables.conf",
    file: "/etc/nftables.conf",
    saved:
      "flush ruleset\ntable inet fw {\n\tchain forward {\n\t\ttype filter hook forward priority filter;\n\t\tiifname lan0 accept\n\t}\n}\n",
    boot: "nft -f /etc/nftables.conf",
    target: "nftables inet fw forward",
  },
  {
    name: "nftables without a chain for it",
    rules: "nft -f /etc/nftables.conf",
    file: "/etc/nftables.conf",
    saved:
      "flush ruleset\ntable ip nat {\n\tchain postrouting {\n\t\ttype nat hook postrouting priority srcnat;\n\t\tcounter\n\t}\n}\n",
    boot: "nft -f /etc/nftables.conf",
    target: "nftables inet ipsec_fix forward",
  },
] as const;

describe.runIf(labIsPossible())("tcp_mss_clamp on a gateway", () => {
  let lab: Lab;
  let traffic: Traffic;

  beforeAll(async () => {
    lab = await startLab({ hosts: 2 });
    traffic = await startTraffic(lab.host("gw1"));
  });

  afterAll(async () => {
    await traffic?.stop();
    await lab?.stop();
  });

  it.each(backends)(
    "with $name: the SYN that leaves carries the wanted MSS, also after a boot, until it is taken back",
    async (backend) => {
      const host = lab.host("gw1");
      await clear(host);
      await host.must(`rm -f /etc/iptables/rules.v4 /etc/nftables.conf; mkdir -p /etc/iptables
cat > ${backend.file} <<'END'\n${backend.saved}END\n${backend.rules}`);
      const before = await listing(host);
      expect(await traffic.segmentSize(PACKET)).toBe(1460);
      const first = await lookAt(host, tcpMssClamp, SPEC);
      expect(first.actions).toEqual([`create ${backend.target}`, `create ${backend.file}`]);
      await applyTo(host, first);
      expect(await traffic.segmentSize(PACKET)).toBe(1340);
      expect((await lookAt(host, tcpMssClamp, SPEC)).actions).toEqual([]);

      await clear(host);
      await host.must(backend.boot);
      expect(await traffic.segmentSize(PACKET)).toBe(1340);
      expect((await lookAt(host, tcpMssClamp, SPEC)).actions).toEqual([]);

      await applyTo(host, await lookAt(host, tcpMssClamp, { ...SPEC, mss: 1300 }));
      expect(await traffic.segmentSize(PACKET)).toBe(1300);
      await applyTo(host, await lookAt(host, tcpMssClamp, { ...SPEC, state: "absent" }));
      expect(await traffic.segmentSize(PACKET)).toBe(1460);
      expect(await host.must(`cat ${backend.file}`)).toBe(backend.saved + (backend.file.endsWith("v4") ? EMPTY_MANGLE : ""));
      const after = await listing(host);
      for (const line of before.split("\n").filter((rule) => rule.includes("lan0"))) expect(plain(after)).toContain(plain(line));
      expect(after).not.toContain("ipsec-fix");
    },
  );

  it("runs, is saved, or neither: all four states converge", async () => {
    const host = lab.host("gw1");
    const { file, saved, rules } = backends[1];
    const setUp = `mkdir -p /etc/iptables; rm -f /etc/nftables.conf; cat > ${file} <<'END'\n${saved}END\n`;
    await clear(host);
    await host.must(`${setUp}\n${rules}`);
    await applyTo(host, await lookAt(host, tcpMssClamp, SPEC));
    await host.must(setUp);
    const stale = await lookAt(host, tcpMssClamp, SPEC);
    expect(stale.actions).toEqual([`create ${file}`]);
    await applyTo(host, stale);
    expect((await lookAt(host, tcpMssClamp, SPEC)).actions).toEqual([]);
    await clear(host);
    const lost = await lookAt(host, tcpMssClamp, SPEC);
    expect(lost.assessment.changes.every(({ target }) => target !== file)).toBe(true);
    await applyTo(host, lost);
    expect((await lookAt(host, tcpMssClamp, SPEC)).actions).toEqual([]);
  });

  it("goes through firewalld where that runs, and survives its reload", async () => {
    const host = lab.host("gw2");
    await startFirewalld(host);
    const ours = await startTraffic(host);
    const first = await lookAt(host, tcpMssClamp, SPEC);
    expect(first.actions).toEqual(["create firewalld", "create firewalld (permanent)"]);
    await applyTo(host, first);
    expect(await ours.segmentSize(PACKET)).toBe(1340);
    expect((await lookAt(host, tcpMssClamp, SPEC)).actions).toEqual([]);
    await host.must("firewall-cmd --reload");
    expect(await ours.segmentSize(PACKET)).toBe(1340);
    expect((await lookAt(host, tcpMssClamp, SPEC)).actions).toEqual([]);
    const other = await lookAt(host, tcpMssClamp, { ...SPEC, mss: 1300 });
    expect(other.actions).toEqual(["update firewalld", "update firewalld (permanent)"]);
    await applyTo(host, other);
    expect(await ours.segmentSize(PACKET)).toBe(1300);
    await applyTo(host, await lookAt(host, tcpMssClamp, { ...SPEC, state: "absent" }));
    expect(await ours.segmentSize(PACKET)).toBe(1460);
    await ours.stop();
    // Each firewall-cmd starts a Python of a quarter of a second.
  }, 120_000);
});

const EMPTY_MANGLE =
  "*mangle\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n";

/** Without counters, which the traffic of the test moves. */
function plain(text: string): string {
  return text
    .replace(/\[\d+:\d+\] /g, "")
    .replace(/packets \d+ bytes \d+/g, "")
    .trim();
}
