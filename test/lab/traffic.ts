import type { LabHost } from "./host.ts";
import { inNetwork, startNamespace } from "./namespace.ts";

/** A packet to send through a gateway, from its LAN to the far side of its WAN. */
export interface Packet {
  readonly from: string;
  readonly to: string;
  /** The same source port twice is the same flow to connection tracking (a new one each time). */
  readonly port?: number;
}

/** A client in the gateway's LAN and a machine beyond its WAN, each in a network namespace of its own. One call at a time. */
export interface Traffic {
  /** Sends one UDP packet and tells the source address with which it arrived; undefined when it did not arrive. */
  source(packet: Packet): Promise<string | undefined>;
  /** The same for many packets at once, all of one address family. */
  sources(packets: readonly Packet[]): Promise<readonly (string | undefined)[]>;
  /** Sends a TCP SYN and tells the maximum segment size that the far side reads in it. */
  segmentSize(packet: Packet): Promise<number | undefined>;
  /** The host's eth0 and lan0 go with it. */
  stop(): Promise<void>;
}

/**
 * Puts the far ends of the host's eth0 and lan0 into the two namespaces and lets it forward. What arrives is recorded by the far side's own
 * nftables, before anything answers.
 */
export async function startTraffic(host: LabHost): Promise<Traffic> {
  const [client, far] = await Promise.all([startNamespace(), startNamespace()]);
  const { wire, wan, lan } = host.links;
  await inNetwork(
    wire,
    `ip link set ${lan} netns ${client.pid} name lan0far && ip link set ${wan} netns ${far.pid} name eth0far`,
  );
  await inNetwork(client.pid, "ip link set lo up; ip link set lan0far up");
  await inNetwork(
    far.pid,
    "ip link set lo up; ip link set eth0far up; ip address add 172.16.0.254/24 dev eth0far; ip address add 2001:db8:16::254/64 dev eth0far nodad; " +
      "ip route add default via 172.16.0.1; ip route add default via 2001:db8:16::1; nft -f -",
    RECORDER,
  );
  await host.must("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
  await inNetwork(far.pid, MEET);

  const send = async (packets: readonly Packet[], protocol: "udp" | "tcp"): Promise<readonly (string | undefined)[]> => {
    const six = packets.some(({ from }) => from.includes(":"));
    const [length, router] = six ? [128, "fd00:10:2::1"] : [32, "10.0.2.1"];
    const each = (line: (packet: Packet, index: number) => string): string => [...new Set(packets.map(line))].join("\n");
    const set = `${protocol}${six ? 6 : 4}`;
    await inNetwork(far.pid, `${each(({ to }) => `ip address replace ${to}/${length} dev lo`)}\nnft flush set inet seen ${set}`);
    await inNetwork(
      client.pid,
      `${each(({ from }) => `ip address replace ${from}/${length} dev lan0far ${six ? "nodad" : ""}`)}
ip route replace default via ${router} dev lan0far onlink
${each(({ from, to, port }, index) => `echo x | nc.openbsd ${protocol === "udp" ? "-u -q0" : ""} -w1 -s ${from} ${port === undefined ? "" : `-p ${port}`} ${to} ${FIRST_PORT + index}`)}
:`,
    );
    return seen(far.pid, set, packets.length);
  };
  return {
    source: async (packet) => (await send([packet], "udp"))[0],
    sources: (packets) => send(packets, "udp"),
    segmentSize: async (packet) => {
      const [size] = await send([packet], "tcp");
      return size === undefined ? undefined : Number(size);
    },
    stop: async () => {
      await Promise.all([client.stop(), far.stop()]);
    },
  };
}

// A link that has just moved may lose the first question for an address, and the next comes a second later: the far side asks
// first, and the host learns its address from the question. A host that drops pings answers ARP and neighbour discovery all the same.
const MEET = `for host in 172.16.0.1 2001:db8:16::1; do
  for try in 1 2 3 4 5; do
    ping -n -c 1 -W 1 "$host" >/dev/null 2>&1
    if ip neigh show "$host" dev eth0far | grep -q lladdr; then break; fi
  done
done`;

// The packets of one call are told apart by their destination port, counted from here.
const FIRST_PORT = 7000;

const RECORDER = `table inet seen {
  set udp4 { type inet_service . ipv4_addr; flags dynamic; size 999; }
  set udp6 { type inet_service . ipv6_addr; flags dynamic; size 999; }
  set tcp4 { typeof tcp dport . tcp option maxseg size; flags dynamic; size 999; }
  set tcp6 { typeof tcp dport . tcp option maxseg size; flags dynamic; size 999; }
  chain record {
    type filter hook prerouting priority raw;
    meta nfproto ipv4 udp dport 7000-7999 add @udp4 { udp dport . ip saddr }
    meta nfproto ipv6 udp dport 7000-7999 add @udp6 { udp dport . ip6 saddr }
    meta nfproto ipv4 tcp dport 7000-7999 tcp flags syn add @tcp4 { tcp dport . tcp option maxseg size }
    meta nfproto ipv6 tcp dport 7000-7999 tcp flags syn add @tcp6 { tcp dport . tcp option maxseg size }
  }
}
`;

// A packet is through within a millisecond, but for the first, which waits for the neighbours' link addresses.
async function seen(pid: number, set: string, count: number): Promise<readonly (string | undefined)[]> {
  let found = new Map<number, string>();
  for (let tries = 0; tries < 25; tries++) {
    const listing = await inNetwork(pid, `nft -n list set inet seen ${set}`);
    found = new Map([...listing.matchAll(/\b(7\d\d\d) \. ([^\s,]+)/g)].map(([, port, value = ""]) => [Number(port), value]));
    if (found.size === count) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return Array.from({ length: count }, (_, index) => found.get(FIRST_PORT + index));
}
