import type { Match, Range, Region, Rule, Verdict } from "./model.ts";
import { parseRange } from "./range.ts";

/** One object of nft's JSON, whose shape is checked where it is read. */
export type NftExpression = { readonly [key: string]: unknown };

/** The set or map object behind `@name`. */
export type SetLookup = (reference: string) => NftExpression | undefined;

export function isRecord(value: unknown): value is NftExpression {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type Meaning = Pick<Rule, "matches" | "verdict"> & Partial<Pick<Rule, "mss" | "untracks" | "alsoActs">>;

/** What the statements of one rule do, in nft's JSON form. */
export function parseNftExpressions(expressions: readonly NftExpression[], lookup: SetLookup): Meaning {
  return expressions.reduce<Meaning>((rule, expression) => withStatement(rule, expression, lookup), {
    matches: [],
    verdict: { kind: "none" },
  });
}

/** Statements that neither end the walk nor change the source. */
const HARMLESS = new Set(["log", "set", "map", "dup", "ct helper", "ct timeout", "ct expectation"]);

function withStatement(rule: Meaning, expression: NftExpression, lookup: SetLookup): Meaning {
  const [name = "", body] = Object.entries(expression)[0] ?? [];
  if (name === "match" && isRecord(body))
    return { ...rule, matches: [...rule.matches, ...impliedProtocol(body["left"]), readMatch(body, lookup)] };
  if (name === "counter") return rule;
  if (HARMLESS.has(name)) return { ...rule, alsoActs: true };
  if (name === "notrack") return { ...rule, untracks: true };
  if (name === "mangle" && isRecord(body)) return { ...rule, ...mangled(body) };
  // A limit or quota may or may not let the packet on to the statements behind it; so may a match extension of iptables.
  if (["limit", "quota", "ct count"].includes(name) || (name === "xt" && isRecord(body) && body["type"] === "match"))
    return { ...rule, matches: [...rule.matches, { kind: "unknown", text: name }] };
  const { verdict, matches = [] } = readVerdict(name, body, lookup);
  return { ...rule, matches: [...rule.matches, ...matches], verdict };
}

function mangled(body: NftExpression): Partial<Pick<Rule, "mss" | "verdict" | "alsoActs">> {
  const { key, value } = body;
  const option = isRecord(key) ? key["tcp option"] : undefined;
  if (isRecord(option) && option["name"] === "maxseg") {
    if (typeof value === "number") return { mss: value };
    if (isRecord(value) && isRecord(value["rt"]) && value["rt"]["key"] === "mtu") return { mss: "pmtu" };
  }
  // Writing an address into the header is NAT by hand.
  const payload = isRecord(key) ? key["payload"] : undefined;
  if (isRecord(payload) && (payload["field"] === "saddr" || payload["field"] === "daddr"))
    return { verdict: { kind: "rewrite", name: `${payload["field"]} set`, identity: [] } };
  return { alsoActs: true };
}

function readVerdict(name: string, body: unknown, lookup: SetLookup): { verdict: Verdict; matches?: readonly Match[] } {
  switch (name) {
    case "accept":
    case "return":
    case "drop":
      return { verdict: { kind: name } };
    case "reject":
      return { verdict: { kind: "drop" } };
    case "continue":
      return { verdict: { kind: "none" } };
    case "jump":
    case "goto":
      return { verdict: { kind: name, chain: isRecord(body) ? String(body["target"]) : "" } };
    case "vmap":
      return { verdict: verdictMap(body, lookup) };
    case "masquerade":
      return { verdict: { kind: "rewrite", name: "masquerade", identity: [] } };
    case "snat":
      return sourceNat(body, lookup);
    case "xt": {
      const target = isRecord(body) ? String(body["name"] ?? "") : "";
      const rewrites = ["MASQUERADE", "SNAT", "NETMAP"].includes(target);
      return { verdict: rewrites ? { kind: "rewrite", name: target, identity: [] } : { kind: "unknown", name: target || "xt" } };
    }
    default:
      return { verdict: { kind: "unknown", name } };
  }
}

/**
 * `snat ip prefix to ip saddr map { P : P }` keeps every source in P; a source that the map lacks ends the rule. In a table of
 * both families `snat ip to` leaves IPv6 alone.
 */
function sourceNat(body: unknown, lookup: SetLookup): { verdict: Verdict; matches: readonly Match[] } {
  const { addr: address, family, type_flags: flags } = isRecord(body) ? body : {};
  const only: readonly Match[] =
    family === "ip" || family === "ip6" ? [{ kind: "family", family: family === "ip" ? "ipv4" : "ipv6", negated: false }] : [];
  const map = isRecord(address) ? address["map"] : undefined;
  const data = isRecord(map) ? mapEntries(map["data"], lookup) : undefined;
  const plain: Verdict = { kind: "rewrite", name: "snat", identity: [] };
  if (!isRecord(map) || data === undefined || addressSide(map["key"]) !== "source") return { verdict: plain, matches: only };
  const pairs = data.map((pair) => (Array.isArray(pair) ? [elementRange(elementValue(pair[0])), elementRange(pair[1])] : []));
  const keys = pairs.map(([key]) => key);
  if (!keys.every((key) => key !== undefined)) return { verdict: plain, matches: only };
  const prefixes = JSON.stringify(flags ?? "").includes("prefix");
  const identity = pairs.flatMap(([key, value]) =>
    key && value && same(key, value) && (prefixes || key.first === key.last) ? [key] : [],
  );
  return {
    verdict: { ...plain, identity },
    matches: [...only, { kind: "address", regions: keys.map((source) => ({ source })), negated: false, exact: true }],
  };
}

/** The entries of a map that stays as it is: an anonymous one, or a named one that no rule fills. */
function mapEntries(data: unknown, lookup: SetLookup): readonly unknown[] | undefined {
  if (typeof data !== "string") return isRecord(data) && Array.isArray(data["set"]) ? data["set"] : undefined;
  const map = lookup(data);
  if (map === undefined || changesByItself(map)) return undefined;
  return Array.isArray(map["elem"]) ? map["elem"] : [];
}

function same(one: Range, other: Range): boolean {
  return one.family === other.family && one.first === other.first && one.last === other.last;
}

function verdictMap(body: unknown, lookup: SetLookup): Verdict {
  if (!isRecord(body)) return { kind: "unknown", name: "vmap" };
  const { key, data } = body;
  const elements = mapEntries(data, lookup);
  if (elements === undefined) return { kind: "unknown", name: "vmap" };
  const entries = elements.map((element) => {
    const [wanted, verdict] = Array.isArray(element) ? element : [];
    const [name = "", target] = isRecord(verdict) ? (Object.entries(verdict)[0] ?? []) : [];
    const matches = wanted === "*" ? [] : [readMatch({ op: "==", left: key, right: { set: [elementValue(wanted)] } }, lookup)];
    return { matches, verdict: readVerdict(name, target, lookup).verdict };
  });
  return { kind: "map", entries };
}

/** Reads one `match`; whatever has no exact meaning here stays `unknown`. */
function readMatch(body: NftExpression, lookup: SetLookup): Match {
  const { op, left, right } = body;
  const unknown: Match = { kind: "unknown", text: JSON.stringify({ left, op, right }) };
  if (op !== "==" && op !== "!=" && op !== "in") return unknown;
  const negated = op === "!=";
  const values = elements(right, lookup);
  if (values === undefined || !isRecord(left)) return unknown;
  if (Array.isArray(left["concat"])) return concatMatch(left["concat"], values, negated) ?? unknown;
  const side = addressSide(left);
  if (side) {
    const ranges = values.map(elementRange);
    if (!ranges.every((range) => range !== undefined)) return unknown;
    // A negated address still asks for its family: `ip saddr != A` never matches an IPv6 packet.
    return { kind: "address", regions: ranges.map((range) => ({ [side]: range })), negated, exact: true };
  }
  return fieldMatch(left, values, { negated, op }) ?? unknown;
}

/** `tcp dport 80` asks for TCP, too. */
function impliedProtocol(left: unknown): readonly Match[] {
  const masked = isRecord(left) && Array.isArray(left["&"]) ? left["&"][0] : left;
  const payload = isRecord(masked) ? masked["payload"] : undefined;
  const protocol = isRecord(payload) ? payload["protocol"] : undefined;
  return protocol === "tcp" || protocol === "udp" ? [{ kind: "protocol", protocols: [protocol], negated: false }] : [];
}

function fieldMatch(
  left: NftExpression,
  values: readonly unknown[],
  { negated, op }: { negated: boolean; op: string },
): Match | undefined {
  const words = values.flatMap((value) => (typeof value === "string" ? [value] : []));
  const allWords = words.length === values.length;
  const payload = isRecord(left["payload"]) ? left["payload"] : {};
  const field = payload["field"];
  switch (isRecord(left["meta"]) ? left["meta"]["key"] : undefined) {
    case "nfproto":
    case "protocol": {
      const family = ({ ipv4: "ipv4", ip: "ipv4", ipv6: "ipv6", ip6: "ipv6" } as const)[words[0] ?? ""];
      return family && values.length === 1 ? { kind: "family", family, negated } : undefined;
    }
    case "oifname":
    case "oif":
      return allWords ? { kind: "interface", side: "out", names: words, negated } : undefined;
    case "iifname":
    case "iif":
      return allWords ? { kind: "interface", side: "in", names: words, negated } : undefined;
    case "l4proto":
      return allWords ? { kind: "protocol", protocols: words.map(icmpName), negated } : undefined;
  }
  if (payload["protocol"] === "ip" && field === "protocol" && allWords) return { kind: "protocol", protocols: words, negated };
  if (payload["protocol"] === "ip6" && field === "nexthdr" && allWords)
    return { kind: "protocol", protocols: words.map(icmpName), negated };
  if (field === "dport" || field === "sport") {
    const ranges = values.map(portRange);
    if (!ranges.every((range) => range !== undefined)) return undefined;
    return { kind: "port", side: field === "dport" ? "destination" : "source", ranges, negated };
  }
  if (isRecord(left["rt"]) && left["rt"]["key"] === "ipsec" && typeof values[0] === "boolean")
    return { kind: "ipsec", exists: values[0] !== negated };
  if (isRecord(left["ct"]) && left["ct"]["key"] === "state" && allWords && op !== "==")
    return { kind: "state", states: words, negated };
  return tcpFlags(left, words, { negated, op });
}

function tcpFlags(
  left: NftExpression,
  set: readonly string[],
  { negated, op }: { negated: boolean; op: string },
): Match | undefined {
  const isFlags = (value: unknown): boolean =>
    isRecord(value) &&
    isRecord(value["payload"]) &&
    value["payload"]["protocol"] === "tcp" &&
    value["payload"]["field"] === "flags";
  const masked = Array.isArray(left["&"]) ? left["&"] : [];
  if (isFlags(masked[0])) {
    const mask = [masked[1]].flat().flatMap((flag) => (typeof flag === "string" ? [flag] : []));
    return { kind: "tcp-flags", mask: mask.toSorted(), set: set.toSorted(), negated };
  }
  // `tcp flags syn` asks for at least one of the flags, which with one flag is the same as the masked form.
  return isFlags(left) && op === "in" && set.length === 1 ? { kind: "tcp-flags", mask: set, set, negated } : undefined;
}

/** The values that a match compares with: one, an anonymous set, or the elements of a named one that stays as it is. */
function elements(right: unknown, lookup: SetLookup): readonly unknown[] | undefined {
  if (typeof right === "string" && right.startsWith("@")) {
    const set = lookup(right);
    if (set === undefined || changesByItself(set)) return undefined;
    return Array.isArray(set["elem"]) ? set["elem"].map(elementValue) : [];
  }
  if (isRecord(right) && Array.isArray(right["set"])) return right["set"].map(elementValue);
  return Array.isArray(right) ? right : [right];
}

/** Rules or time-outs add and drop elements. */
function changesByItself(set: NftExpression | undefined): boolean {
  const flags = [set?.["flags"]].flat();
  return set?.["timeout"] !== undefined || flags.includes("timeout") || flags.includes("dynamic");
}

function elementValue(element: unknown): unknown {
  return isRecord(element) && isRecord(element["elem"]) ? element["elem"]["val"] : element;
}

function addressSide(left: unknown): "source" | "destination" | undefined {
  const payload = isRecord(left) ? left["payload"] : undefined;
  if (!isRecord(payload) || (payload["protocol"] !== "ip" && payload["protocol"] !== "ip6")) return undefined;
  return payload["field"] === "saddr" ? "source" : payload["field"] === "daddr" ? "destination" : undefined;
}

function concatMatch(keys: readonly unknown[], values: readonly unknown[], negated: boolean): Match | undefined {
  const sides = keys.map(addressSide);
  if (sides.every((side) => side === undefined)) return undefined;
  const regions = values.map((value) =>
    regionOf(isRecord(value) && Array.isArray(value["concat"]) ? value["concat"] : [], sides),
  );
  if (!regions.every((region) => region !== undefined)) return undefined;
  return { kind: "address", regions, negated, exact: sides.every((side) => side !== undefined) };
}

function regionOf(values: readonly unknown[], sides: readonly ("source" | "destination" | undefined)[]): Region | undefined {
  if (values.length !== sides.length) return undefined;
  const parts = sides.map((side, index) => (side ? { [side]: elementRange(values[index]) } : {}));
  return parts.some((part) => Object.values(part).includes(undefined)) ? undefined : Object.assign({}, ...parts);
}

function elementRange(value: unknown): Range | undefined {
  if (typeof value === "string") return value === "*" ? undefined : parseRange(value);
  if (!isRecord(value)) return undefined;
  const { prefix, range } = value;
  if (isRecord(prefix)) return parseRange(`${prefix["addr"]}/${prefix["len"]}`);
  return Array.isArray(range) ? parseRange(`${range[0]}-${range[1]}`) : undefined;
}

function portRange(value: unknown): readonly [number, number] | undefined {
  if (typeof value === "number") return [value, value];
  const range = isRecord(value) ? value["range"] : undefined;
  return Array.isArray(range) && typeof range[0] === "number" && typeof range[1] === "number" ? [range[0], range[1]] : undefined;
}

function icmpName(protocol: string): string {
  return protocol === "ipv6-icmp" ? "icmpv6" : protocol;
}
