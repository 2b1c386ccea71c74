/** The counters of `/proc/net/xfrm_stat` by name, in the order of the file. */
export type XfrmStat = ReadonlyMap<string, bigint>;

/** Where to look when a counter grows. */
export interface CounterMeaning {
  /** What happened to the packet. */
  readonly meaning: string;
  /** What to do about it. */
  readonly advice: string;
}

/** Reads `/proc/net/xfrm_stat`; names that this program does not know are kept. */
export function parseXfrmStat(text: string): XfrmStat {
  return new Map(
    text.split("\n").flatMap((line) => {
      const [, name, count] = /^(\w+)\s+(\d+)\s*$/.exec(line) ?? [];
      return name === undefined || count === undefined ? [] : [[name, BigInt(count)] as const];
    }),
  );
}

/** The counters that are greater in the later reading, with what they grew by. A counter that fell was reset by a boot. */
export function grown(earlier: XfrmStat, later: XfrmStat): XfrmStat {
  const growth = [...later].map(([name, count]) => [name, count - (earlier.get(name) ?? 0n)] as const);
  return new Map(growth.filter(([, by]) => by > 0n));
}

/** What a counter says. */
export function counterMeaning(name: string): CounterMeaning {
  return (
    meanings.get(name) ?? {
      meaning: "a counter that this program does not know",
      advice: "see the kernel's xfrm_proc documentation",
    }
  );
}

const meanings: ReadonlyMap<string, CounterMeaning> = new Map([
  ["XfrmInError", { meaning: "an inbound packet failed", advice: "look at the kernel log and the driver" }],
  [
    "XfrmInBufferError",
    { meaning: "no memory for an inbound packet, or too many nested transforms", advice: "look at memory and nested tunnels" },
  ],
  ["XfrmInHdrError", { meaning: "a malformed ESP or AH header came in", advice: "look for corruption on the path" }],
  [
    "XfrmInNoStates",
    { meaning: "ESP came in for an SPI that is not here: the peer kept SAs that we dropped", advice: "re-establish the tunnel" },
  ],
  [
    "XfrmInStateProtoError",
    {
      meaning: "decryption or authentication of a packet failed",
      advice: "compare keys and algorithms (sha2-truncbug) with the peer",
    },
  ],
  [
    "XfrmInStateModeError",
    { meaning: "a packet was of the other mode (tunnel, transport)", advice: "compare type= with the peer" },
  ],
  [
    "XfrmInStateSeqError",
    { meaning: "a packet was replayed or too late", advice: "look for reordering on the path, or raise replay-window=" },
  ],
  ["XfrmInStateExpired", { meaning: "a packet came in for an SA past its lifetime", advice: "see why the rekey fails" }],
  [
    "XfrmInStateMismatch",
    { meaning: "UDP encapsulation differs from that of the SA", advice: "look for NAT on one side; see encapsulation=" },
  ],
  ["XfrmInStateInvalid", { meaning: "a packet came in for an SA that is being deleted", advice: "transient; look again" }],
  [
    "XfrmInTmplMismatch",
    {
      meaning: "clear text came in for protected networks, or by an SA of another policy",
      advice: "the peer leaks: check its NAT exemption and policies",
    },
  ],
  [
    "XfrmInNoPols",
    { meaning: "a decrypted packet has no in or fwd policy", advice: "compare the SPD with the conn, and load the conn again" },
  ],
  ["XfrmInPolBlock", { meaning: "a policy blocked an inbound packet", advice: "see failureshunt= and type=drop conns" }],
  ["XfrmInPolError", { meaning: "the lookup of an inbound policy failed", advice: "look at the kernel log" }],
  ["XfrmOutError", { meaning: "an outbound packet failed", advice: "look at the kernel log" }],
  ["XfrmOutBundleGenError", { meaning: "no route for the encapsulated packet", advice: "check the route to the peer" }],
  ["XfrmOutBundleCheckError", { meaning: "the route of a tunnel changed under way", advice: "check routes and MTU to the peer" }],
  [
    "XfrmOutNoStates",
    {
      meaning: "a policy matched and no SA was there: the tunnel is down, or an on-demand tunnel got its first packet",
      advice: "bring the tunnel up",
    },
  ],
  ["XfrmOutStateProtoError", { meaning: "encryption failed", advice: "look at the driver and ESP offload" }],
  [
    "XfrmOutStateModeError",
    {
      meaning: "a packet does not fit the SA's mode, such as one too big with DF set",
      advice: "check the MTU: tcp_mss_clamp, mtu=",
    },
  ],
  ["XfrmOutStateSeqError", { meaning: "the sequence number wrapped", advice: "use esn=yes, or rekey more often" }],
  ["XfrmOutStateExpired", { meaning: "the SA reached its hard limit", advice: "see why the rekey fails" }],
  ["XfrmOutPolBlock", { meaning: "a policy blocked an outbound packet", advice: "see failureshunt= and type=drop conns" }],
  ["XfrmOutPolDead", { meaning: "a policy was deleted while in use", advice: "transient; look again" }],
  ["XfrmOutPolError", { meaning: "the lookup of an outbound policy failed", advice: "look at the kernel log" }],
  ["XfrmFwdHdrError", { meaning: "a packet could not be forwarded into a tunnel", advice: "check routing" }],
  ["XfrmOutStateInvalid", { meaning: "the SA is being replaced", advice: "transient; look again" }],
  ["XfrmAcquireError", { meaning: "the kernel could not ask pluto for a tunnel", advice: "check that the ipsec service runs" }],
]);
