// Generated from schemas/ by `npm run generate`; do not edit.
// A spec of these types has passed its schema: defaults are filled in, so only what has none is optional.

/**
 * A bond offloads ESP to its ports' hardware: mode active-backup, every port capable, the feature on in NetworkManager's profile and at run time.
 */
export interface BondEspOffload {
  /**
   * The bonding interface.
   */
  bond: string;
  /**
   * Name of the bond's NetworkManager profile; looked up by default.
   */
  connection?: string;
  /**
   * `true` blocks the change while a port cannot offload ESP; `false` makes it and warns. (default: true)
   */
  require_capable_ports: boolean;
}

/**
 * Whether the host's Libreswan follows the system-wide crypto policy, that is, whether the line `include /etc/crypto-policies/back-ends/libreswan.config` of /etc/ipsec.conf is active. The policy itself is never changed.
 */
export interface CryptoPolicy {
  /**
   * `false` comments the include out; conns that then have no `ike=` or `esp=` of their own are reported.
   */
  follow: boolean;
}

/**
 * The kernel settings that a gateway needs, at run time and in /etc/sysctl.d. Only what is named is managed; without any parameter all three are, with forwarding on, redirects off and the reverse-path filter loose.
 */
export interface GatewaySysctls {
  /**
   * Whether the host forwards packets.
   */
  forwarding?: boolean;
  /**
   * Whether the host sends and accepts ICMP redirects.
   */
  redirects?: boolean;
  /**
   * `loose` lets tunnel traffic through that comes in by another interface than the route back; `strict` drops it.
   */
  rp_filter?: "off" | "strict" | "loose";
}

/**
 * UDP 500 and 4500, TCP 4500 where a conn uses it, and ESP pass the host's own firewall.
 */
export interface IkeAccess {
  /**
   * `present` makes it so; `absent` takes away what ipsec-fix itself put there, and nothing else. (default: "present")
   */
  state: "present" | "absent";
  /**
   * Who may come in: addresses or networks. `any` opens it to everyone. (default: "any")
   */
  peers: "any" | string[];
  /**
   * Who owns the rules on the host. `auto` finds out; name one to insist on it. (default: "auto")
   */
  backend: "auto" | "iptables" | "nftables" | "firewalld";
  /**
   * Whether the saved ruleset, which the host loads at boot, is part of the state as well as the running one. (default: true)
   */
  persist: boolean;
}

/**
 * The ipsec service starts at boot, runs, and has loaded what is on disk.
 */
export interface IpsecService {
  /**
   * Whether it starts at boot. (default: true)
   */
  enabled: boolean;
  /**
   * Whether it runs now. (default: true)
   */
  running: boolean;
}

/**
 * These options have these effective values in the conn, with `include`, `also=` and `conn %default` resolved as the host's Libreswan does. Edits change the lines they must and no others.
 */
export interface LibreswanConn {
  /**
   * `absent` removes the whole conn; it is blocked while another conn names it in `also=`. (default: "present")
   */
  state: "present" | "absent";
  /**
   * Name of the conn.
   */
  name: string;
  /**
   * Option and value as in ipsec.conf; `null` means that the option shall not be set. Values that the host's Libreswan version spells differently are translated, those it does not know are refused with the reason.
   */
  options?: {
    [k: string]: string | null;
  };
  /**
   * Where to create the conn if no file has it yet. Without it a missing conn is a problem, never created.
   */
  file?: string;
}

/**
 * Options of `config setup`, such as `plutodebug` and `logfile`. The daemon restarts only where an option can take effect in no other way.
 */
export interface LibreswanSetup {
  /**
   * Option and value as in ipsec.conf; `null` means that the option shall not be set.
   */
  options: {
    [k: string]: string | null;
  };
  /**
   * How long the options hold from their first apply: seconds, minutes, hours or days. Then the host reverts them by itself, and the resource counts as satisfied until it is edited.
   */
  expires?: string;
}

/**
 * Traffic between the tunnel's networks leaves every NAT chain of the postrouting hook before a rule can rewrite it. A property of packets, not of one rule: where they are exempt already, by whatever rule, nothing changes. The repair is the least edit of the base chain, before the first rule or jump that may lead to the rewrite.
 */
export interface NatExemption {
  /**
   * `present` makes it so; `absent` takes away what ipsec-fix itself put there, and nothing else. (default: "present")
   */
  state: "present" | "absent";
  /**
   * Exempt every local × remote subnet pair of this conn, as the host's ipsec.conf has it after the playbook's earlier edits.
   */
  conn?: string;
  /**
   * Globs over the names of the host's conns; each conn that matches one of them is meant.
   *
   * @minItems 1
   */
  conns?: string[];
  /**
   * Local network, instead of a conn.
   */
  source?: string;
  /**
   * Remote network, instead of a conn.
   */
  destination?: string;
  /**
   * Which address families to look at. Without it the networks decide.
   */
  family?: "ipv4" | "ipv6" | "both";
  /**
   * Who owns the rules on the host. `auto` finds out; name one to insist on it. (default: "auto")
   */
  backend: "auto" | "iptables" | "nftables" | "firewalld";
  /**
   * How the exempting rule ends the packet's way: `return` leaves the chain, `accept` ends the hook for this table's priority. (default: "return")
   */
  verdict: "return" | "accept";
  /**
   * `subnets` writes one rule for each pair of networks. `policy` writes one rule for whatever has an outbound IPsec policy (`-m policy --dir out --pol ipsec`), which is what a conn to 0.0.0.0/0 or with `%any` needs. (default: "subnets")
   */
  match: "subnets" | "policy";
  /**
   * Whether the saved ruleset, which the host loads at boot, is part of the state as well as the running one. (default: true)
   */
  persist: boolean;
}

/**
 * Forwarded TCP connections announce a segment size that fits the tunnel, so that they do not stall where ICMP is filtered.
 */
export interface TcpMssClamp {
  /**
   * `present` makes it so; `absent` takes away what ipsec-fix itself put there, and nothing else. (default: "present")
   */
  state: "present" | "absent";
  /**
   * `pmtu` clamps to the route's path MTU; a number is a fixed size; `auto` computes it from cipher, NAT traversal and the route's MTU. (default: "pmtu")
   */
  mss: ("pmtu" | "auto") | number;
  /**
   * Clamp only the traffic between this conn's networks.
   */
  conn?: string;
  /**
   * Globs over the names of the host's conns; each conn that matches one of them is meant.
   *
   * @minItems 1
   */
  conns?: string[];
  /**
   * Clamp only what comes in by this interface.
   */
  in?: string;
  /**
   * Clamp only what leaves by this interface.
   */
  out?: string;
  /**
   * Which address families to clamp. Without it, those of the conn's networks, else both where the host forwards them.
   */
  family?: "ipv4" | "ipv6" | "both";
  /**
   * Who owns the rules on the host. `auto` finds out; name one to insist on it. (default: "auto")
   */
  backend: "auto" | "iptables" | "nftables" | "firewalld";
  /**
   * Whether the saved ruleset, which the host loads at boot, is part of the state as well as the running one. (default: true)
   */
  persist: boolean;
}

/**
 * The conn is loaded as it stands on disk, up, and its policies and keys are in the kernel.
 */
export interface Tunnel {
  /**
   * Name of a conn, as in `conn NAME` of the host's ipsec.conf.
   */
  conn?: string;
  /**
   * Globs over the names of the host's conns; each conn that matches one of them is meant.
   *
   * @minItems 1
   */
  conns?: string[];
  /**
   * `established`: loaded, up, policies and SAs as the conn promises. `loaded`: known to the daemon as on disk. `down`: no SA.
   */
  state: "established" | "loaded" | "down";
}

/**
 * No error counter of /proc/net/xfrm_stat grows between the start of the run (or the last recorded run) and the end of its probes, and the kernel's policies and SAs match every loaded conn. A check: it has no repair, and says what to look at.
 */
export interface XfrmHealth {
  /**
   * Counters that may grow. (default: [])
   */
  ignore: string[];
}

/**
 * A command on the host ends with the expected exit status.
 */
export interface CommandProbe {
  /**
   * Program and arguments; no shell reads them.
   *
   * @minItems 1
   */
  argv: string[];
  /**
   * The expected exit status. (default: 0)
   */
  exit: number;
}

/**
 * A bounded capture sees no packet of the tunnel's networks in the clear.
 */
export interface NoCleartextProbe {
  /**
   * Name of a conn, as in `conn NAME` of the host's ipsec.conf.
   */
  conn: string;
  /**
   * Where to look: the interface that carries the encrypted packets.
   */
  interface: string;
}

/**
 * The IPsec counters of the bond's active port grow with a ping.
 */
export interface OffloadCountersProbe {
  /**
   * The bonding interface.
   */
  bond: string;
  /**
   * Name of the ping of this play that makes the traffic.
   */
  during: string;
}

/**
 * Echo requests from the host get their answers; with `through`, only if the byte counters of that conn's SA move too.
 */
export interface PingProbe {
  /**
   * Address of the host to send from.
   */
  source?: string;
  /**
   * Address to reach.
   */
  destination: string;
  /**
   * Bytes of payload; the IPv4 packet is 28 bytes longer. (default: 56)
   */
  size: number;
  /**
   * Whether the packets carry the don't-fragment bit. (default: false)
   */
  dont_fragment: boolean;
  /**
   * How many requests. (default: 3)
   */
  count: number;
  /**
   * Conn whose SA must carry the packets.
   */
  through?: string;
}

/**
 * A new login to the host works. Always there, also when not listed.
 */
export interface SshProbe {}

/**
 * A TCP connection from the host opens, and carries so many bytes.
 */
export interface TcpProbe {
  /**
   * Address or name to connect to.
   */
  destination: string;
  /**
   * TCP port.
   */
  port: number;
  /**
   * How many bytes to send once it is open. (default: 0)
   */
  bytes: number;
}

/**
 * Bytes in and out of the conn's SA grow while the other probes run.
 */
export interface TunnelCountersProbe {
  /**
   * Name of a conn, as in `conn NAME` of the host's ipsec.conf.
   */
  conn: string;
}

/** What each probe of `verify:` takes. */
export interface ProbeByName {
  readonly command: CommandProbe;
  readonly no_cleartext: NoCleartextProbe;
  readonly offload_counters: OffloadCountersProbe;
  readonly ping: PingProbe;
  readonly ssh: SshProbe;
  readonly tcp: TcpProbe;
  readonly tunnel_counters: TunnelCountersProbe;
}
