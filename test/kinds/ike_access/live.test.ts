import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ikeAccess } from "../../../src/kinds/ike-access.ts";
import type { IkeAccess } from "../../../src/model/specs.generated.ts";
import { clear, listing } from "../../firewall/live.ts";
import { startFirewalld } from "../../lab/daemons.ts";
import { type LabHost, labIsPossible } from "../../lab/host.ts";
import { type Lab, startLab } from "../../lab/lab.ts";
import { inNetwork, type Namespace, startNamespace } from "../../lab/namespace.ts";
import { applyTo, lookAt } from "../live-kind.ts";

const SPEC: IkeAccess = { state: "present", peers: ["172.16.0.254"], backend: "auto", persist: true };

const backends = [
  {
    name: "iptables-legacy",
    file: "/etc/iptables/rules.v4",
    saved: "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -j REJECT\nCOMMIT\n",
    boot: "iptables-legacy-restore /etc/iptables/rules.v4",
    target: "iptables-legacy filter INPUT",
  },
  {
    name: "iptables-nft",
    file: "/etc/iptables/rules.v4",
    saved: "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -j REJECT\nCOMMIT\n",
    boot: "iptables-nft-restore /etc/iptables/rules.v4",
    target: "iptables filter INPUT",
  },
  {
    name: "nftables",
    file: "/etc/nftables.conf",
    saved:
      "flush ruleset\ntable inet fw {\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\t\ttcp dport 22 accept\n\t\tcounter reject # the rest\n\t}\n}\n",
    boot: "nft -f /etc/nftables.conf",
    target: "nftables inet fw input",
  },
] as const;

/** A peer at the far end of the host's eth0. */
async function startPeer(host: LabHost): Promise<Namespace> {
  const peer = await startNamespace();
  const { wire, wan } = host.links;
  await inNetwork(wire, `ip link set ${wan} netns ${peer.pid} name far`);
  await inNetwork(peer.pid, "ip link set far up; ip address add 172.16.0.254/24 dev far");
  return peer;
}

/** Which of IKE's packets from the peer reach the host itself, as a chain behind all others counts them. */
async function arrivals(host: LabHost, { pid }: Namespace): Promise<string> {
  await host.must(`nft -f - <<'END'
table inet seen
delete table inet seen
table inet seen {
  chain late {
    type filter hook input priority 2000;
    udp dport 500 counter
    udp dport 4500 counter
    meta l4proto esp counter
  }
}
END`);
  await inNetwork(pid, "for port in 500 4500; do echo x | nc.openbsd -u -q0 -w1 172.16.0.1 $port; done; :");
  await inNetwork(pid, ESP);
  const counted = await host.must("nft list chain inet seen late; nft delete table inet seen");
  return (counted.match(/packets \d+/g) ?? []).map((count) => (count === "packets 0" ? "-" : "+")).join("");
}

/** One packet of protocol 50, which takes a raw socket. */
const ESP = `python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 50)
s.sendto(b"\\0" * 32, ("172.16.0.1", 0))'`;

describe.runIf(labIsPossible())("ike_access on a gateway", () => {
  let lab: Lab;
  let peer: Namespace;

  beforeAll(async () => {
    lab = await startLab({ hosts: 2 });
    peer = await startPeer(lab.host("gw1"));
  });

  afterAll(async () => {
    await peer?.stop();
    await lab?.stop();
  });

  it.each(backends)("with $name: the peers' packets come in, also after a boot, until it is taken back", async (backend) => {
    const host = lab.host("gw1");
    await clear(host);
    await host.must(`iptables-legacy -P INPUT ACCEPT; rm -f /etc/iptables/rules.v4 /etc/nftables.conf; mkdir -p /etc/iptables
cat > ${backend.file} <<'END'\n${backend.saved}END\n${backend.boot}`);
    const before = await listing(host);
    expect(await arrivals(host, peer)).toBe("---");
    const first = await lookAt(host, ikeAccess, SPEC);
    expect(first.actions).toEqual([`create ${backend.target}`, `create ${backend.file}`]);
    await applyTo(host, first);
    expect(await arrivals(host, peer)).toBe("+++");
    expect((await lookAt(host, ikeAccess, SPEC)).actions).toEqual([]);
    await clear(host);
    await host.must(`iptables-legacy -P INPUT ACCEPT; ${backend.boot}`);
    expect(await arrivals(host, peer)).toBe("+++");
    expect((await lookAt(host, ikeAccess, SPEC)).actions).toEqual([]);
    await applyTo(host, await lookAt(host, ikeAccess, { ...SPEC, state: "absent" }));
    expect(await arrivals(host, peer)).toBe("---");
    expect(await host.must(`cat ${backend.file}`)).toBe(backend.saved);
    expect(plain(await listing(host))).toBe(plain(before));
  });

  it("goes through firewalld's zone where that runs, and survives its reload", async () => {
    const host = lab.host("gw2");
    await startFirewalld(host);
    const other = await startPeer(host);
    expect(await arrivals(host, other)).toBe("---");
    for (const peers of [SPEC.peers, "any" as const]) {
      const spec = { ...SPEC, peers };
      const first = await lookAt(host, ikeAccess, spec);
      expect(first.actions).toEqual(["create firewalld zone external", "create firewalld zone external (permanent)"]);
      await applyTo(host, first);
      expect(await arrivals(host, other)).toBe("+++");
      if (peers !== "any") await host.must("firewall-cmd --reload");
      expect(await arrivals(host, other)).toBe("+++");
      expect((await lookAt(host, ikeAccess, spec)).actions).toEqual([]);
      await applyTo(host, await lookAt(host, ikeAccess, { ...spec, state: "absent" }));
      expect(await arrivals(host, other)).toBe(peers === "any" ? "+++" : "---");
    }
    await other.stop();
    // Each firewall-cmd starts a Python of a quarter of a second.
  }, 120_000);
});

/** Without counters, which the packets of the test move. */
function plain(text: string): string {
  return text.replace(/\[\d+:\d+\]/g, "").replace(/packets \d+ bytes \d+/g, "");
}
