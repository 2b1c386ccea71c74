import { type Box, subtract } from "./box.ts";
import { type Reach, reach } from "./matching.ts";
import { type Chain, carries, findChain, type Match, type Rule, type Table, type Verdict } from "./model.ts";

/** Packets of one sort on their way through a hook; whatever is undefined may be anything. */
export interface Packets {
  readonly family: "ipv4" | "ipv6";
  readonly boxes: readonly Box[];
  readonly protocol: string;
  readonly destinationPort?: number;
  readonly in?: string;
  readonly out?: string;
  /** They set up TCP connections: SYN set, RST clear; with ACK or without. */
  readonly isSyn?: boolean;
  /** An IPsec policy takes them on their way out. */
  readonly protected: boolean;
}

/** A base chain and what it does to packets. */
export interface Passage {
  readonly table: Table;
  readonly chain: Chain;
  /** The first rule of the chain that may keep some of the packets from passing; its policy counts as one behind the last. */
  readonly hindrance: { readonly index: number; readonly rule: Rule | undefined } | undefined;
  /** The first rule of the chain that may let some of the packets out of it: what stands behind it does not meet them. */
  readonly firstExit: number | undefined;
  /** Packets that surely meet a rule that `counts`. */
  readonly met: readonly Box[];
}

/** How the packets fare in every base chain of a hook, in the order of priority; `counts` marks the rules that the caller looks for. */
export function passages(tables: readonly Table[], hook: string, walked: WalkedPackets): readonly Passage[] {
  return tables
    .filter((table) => carries(table, walked.packets.family))
    .flatMap((table) =>
      table.chains.flatMap((chain) => (chain.base?.hook === hook && chain.base.type !== "nat" ? [{ table, chain }] : [])),
    )
    .toSorted((one, other) => (one.chain.base?.priority ?? 0) - (other.chain.base?.priority ?? 0))
    .map(({ table, chain }) => passage(table, chain, walked));
}

export interface WalkedPackets {
  readonly packets: Packets;
  readonly counts: (rule: Rule) => boolean;
}

interface Walk {
  /** Packets that may still be in the chain, and those that surely are. */
  may: readonly Box[];
  sure: readonly Box[];
  /** Packets that may leave the chain by its end or a return. */
  through: readonly Box[];
  readonly met: Box[];
  hindered: boolean;
  exits: boolean;
}

interface Place {
  readonly table: Table;
  readonly walked: WalkedPackets;
  readonly depth: number;
}

/** The kernel refuses deeper nesting; a saved file may still hold a circle. */
const DEEPEST = 16;

function passage(table: Table, chain: Chain, walked: WalkedPackets): Passage {
  const { boxes } = walked.packets;
  const walk: Walk = { may: boxes, sure: boxes, through: [], met: [], hindered: false, exits: false };
  let hindrance: Passage["hindrance"];
  let firstExit: number | undefined;
  for (const [index, rule] of chain.rules.entries()) {
    if (walk.may.length === 0) break;
    visit(walk, { rule, matches: rule.matches, verdict: rule.verdict, place: { table, walked, depth: 0 } });
    if (walk.hindered) hindrance ??= { index, rule };
    if (walk.exits) firstExit ??= index;
  }
  const remains = walk.may.length > 0 || walk.through.length > 0;
  if (chain.base?.policy === "drop" && remains) hindrance ??= { index: chain.rules.length, rule: undefined };
  return { table, chain, hindrance, firstExit, met: walk.met };
}

interface Visit {
  readonly rule: Rule;
  readonly matches: readonly Match[];
  readonly verdict: Verdict;
  readonly place: Place;
}

function visit(walk: Walk, { rule, matches, verdict, place }: Visit): void {
  const hit = reachOf(matches, walk.may, place.walked.packets);
  if (hit.may.length === 0) return;
  const surely = reachOf(matches, walk.sure, place.walked.packets).sure;
  if (place.walked.counts(rule)) walk.met.push(...surely);
  switch (verdict.kind) {
    case "none":
      return;
    case "accept":
    case "rewrite":
      leave(walk, hit);
      return;
    case "return":
      walk.through = [...walk.through, ...hit.may];
      leave(walk, hit);
      return;
    case "drop":
      // Those that survive are as surely here as before.
      walk.hindered = true;
      walk.may = subtract(walk.may, hit.sure) ?? walk.may;
      return;
    case "map":
      for (const entry of verdict.entries)
        visit(walk, { rule, place, matches: [...matches, ...entry.matches], verdict: entry.verdict });
      return;
    case "jump":
    case "goto":
      enter(walk, hit, { rule, matches, verdict, place });
      return;
    case "unknown":
      walk.hindered = true;
      walk.exits = true;
      walk.sure = subtract(walk.sure, hit.may) ?? [];
  }
}

/** The packets that surely match are gone; those that may match are no longer surely here. */
function leave(walk: Walk, hit: Reach): void {
  walk.exits = true;
  walk.may = subtract(walk.may, hit.sure) ?? walk.may;
  walk.sure = subtract(walk.sure, hit.may) ?? [];
}

function enter(
  walk: Walk,
  hit: Reach,
  { matches, verdict, place }: Visit & { readonly verdict: Extract<Verdict, { readonly chain: string }> },
): void {
  const target = findChain(place.table, verdict.chain);
  const sure = reachOf(matches, walk.sure, place.walked.packets).sure;
  const exited = walk.exits;
  const outside = { may: subtract(walk.may, hit.sure) ?? walk.may, sure: subtract(walk.sure, hit.may) ?? [] };
  if (target === undefined || place.depth >= DEEPEST) {
    walk.hindered = true;
    walk.exits = true;
    walk.sure = outside.sure;
    return;
  }
  const inner: Walk = { may: hit.may, sure, through: [], met: walk.met, hindered: false, exits: false };
  for (const rule of target.rules) {
    if (inner.may.length === 0) break;
    visit(inner, { rule, matches: rule.matches, verdict: rule.verdict, place: { ...place, depth: place.depth + 1 } });
  }
  walk.hindered ||= inner.hindered;
  const back = [...inner.through, ...inner.may];
  if (verdict.kind === "goto") {
    walk.through = [...walk.through, ...back];
    walk.may = outside.may;
    walk.sure = outside.sure;
    walk.exits = true;
    return;
  }
  // What nothing in the inner chain could take is as surely here as before.
  const untouched = !inner.exits && inner.through.length === 0;
  walk.exits = exited || inner.exits;
  walk.may = untouched ? walk.may : [...outside.may, ...back];
  walk.sure = untouched ? walk.sure : [...outside.sure, ...inner.sure];
}

/** Three-valued matching, with what is known of these packets besides their addresses. */
function reachOf(matches: readonly Match[], boxes: readonly Box[], packets: Packets): Reach {
  const decided = matches.map((match) => ({ match, matched: decide(match, packets) }));
  if (decided.some(({ matched }) => matched === false)) return { may: [], sure: [] };
  const open = decided.flatMap(({ match, matched }) => (matched === undefined ? [match] : []));
  return reach(open, boxes, packets);
}

/** Whether the packets match, where their ports, flags, interfaces or state decide it; undefined where they don't. */
function decide(match: Match, packets: Packets): boolean | undefined {
  const known = (matched: boolean | undefined): boolean | undefined =>
    matched === undefined ? undefined : matched !== negated(match);
  switch (match.kind) {
    case "port":
      return packets.destinationPort === undefined && packets.protocol !== "udp" && packets.protocol !== "tcp"
        ? false
        : known(portMatches(match, packets));
    case "interface":
      return known(interfaceMatches(match.names, match.side === "in" ? packets.in : packets.out, match.side));
    case "tcp-flags":
      return packets.isSyn ? known(synMatches(match.mask, match.set)) : packets.protocol === "tcp" ? undefined : false;
    case "state":
      return known(stateMatches(match.states));
    default:
      return undefined;
  }
}

function negated(match: Match): boolean {
  return "negated" in match && match.negated;
}

function portMatches(match: Extract<Match, { readonly kind: "port" }>, { destinationPort }: Packets): boolean | undefined {
  if (destinationPort === undefined || match.side === "source") return undefined;
  const inside = match.ranges.some(([from, to]) => from <= destinationPort && destinationPort <= to);
  return match.side === "either" && !inside ? undefined : inside;
}

/** Nothing of what comes from outside or is forwarded uses the loopback interface. */
function interfaceMatches(names: readonly string[], device: string | undefined, side: "in" | "out"): boolean | undefined {
  if (names.every((name) => name === "lo")) return false;
  if (names.includes("*")) return true;
  if (device === undefined || side === undefined) return undefined;
  return names.some((name) => (name.endsWith("*") ? device.startsWith(name.slice(0, -1)) : device === name));
}

/** SYN is set, RST and FIN are clear; ACK is set in every second one. */
function synMatches(mask: readonly string[], set: readonly string[]): boolean | undefined {
  const known = new Map([
    ["syn", true],
    ["rst", false],
    ["fin", false],
  ]);
  if (mask.some((flag) => known.has(flag) && known.get(flag) !== set.includes(flag))) return false;
  return mask.every((flag) => known.has(flag)) ? true : undefined;
}

/** The first packets are new, the later ones established; none is invalid. */
function stateMatches(states: readonly string[]): boolean | undefined {
  const has = (state: string): boolean => states.includes(state);
  if (has("new") && has("established")) return true;
  return has("new") || has("established") ? undefined : false;
}
