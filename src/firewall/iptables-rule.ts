import { type Family, parseNetwork } from "../text/address.ts";
import type { Match, Range, Region, Rule, Verdict } from "./model.ts";
import { parseRange, rangeOf } from "./range.ts";

/** Reads one rule as iptables takes it, without `-A CHAIN`; `chains` are the table's own, to tell a jump from a target. */
export function parseIptablesRule(text: string, family: Family, chains: { has(name: string): boolean }): Rule {
  const reader: Reading = { family, matches: [], target: undefined, goto: false, options: [], policy: [], owner: "match" };
  const words = splitWords(text);
  for (let at = 0; at < words.length; ) at = readOption(words, at, reader);
  if (reader.policy.length > 0) reader.matches.push(policyMatch(reader.policy));
  return { text: text.trim(), matches: reader.matches, ...outcome(reader, chains), ...comment(reader) };
}

/** Words as iptables-restore splits them: blanks, and double quotes with backslash escapes inside. */
export function splitWords(text: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? "";
    if (quoted && char === "\\") {
      at += 1;
      word = (word ?? "") + (text[at] ?? "");
    } else if (char === '"') {
      quoted = !quoted;
      word ??= "";
    } else if (!quoted && (char === " " || char === "\t")) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + char;
  }
  return word === undefined ? words : [...words, word];
}

interface Reading {
  readonly family: Family;
  readonly matches: Match[];
  target: string | undefined;
  goto: boolean;
  comment?: string;
  /** The options of the target, values after their option. */
  readonly options: string[];
  readonly policy: string[];
  /** To what an option that is not understood belongs: the last `-m` or the last `-j`. */
  owner: "match" | "target";
}

/** Reads the option at `at` and returns where the next one starts. */
function readOption(words: readonly string[], at: number, reader: Reading): number {
  const negated = words[at] === "!";
  const start = negated ? at + 1 : at;
  const option = words[start] ?? "";
  // Hand-written files may still negate the value: `-s ! 10.0.0.0/8`.
  const inner = words[start + 1] === "!";
  const value = words[start + (inner ? 2 : 1)] ?? "";
  const after = start + (inner ? 3 : 2);
  const not = negated !== inner;
  const add = (match: Match): number => {
    reader.matches.push(match);
    return after;
  };
  switch (option) {
    case "-s":
    case "--source":
    case "--src":
      return add(addresses("source", value.split(","), not));
    case "-d":
    case "--destination":
    case "--dst":
      return add(addresses("destination", value.split(","), not));
    case "--src-range":
      return add(addresses("source", [value], not));
    case "--dst-range":
      return add(addresses("destination", [value], not));
    case "-i":
    case "--in-interface":
      return add({ kind: "interface", side: "in", names: [value.replace(/\+$/, "*")], negated: not });
    case "-o":
    case "--out-interface":
      return add({ kind: "interface", side: "out", names: [value.replace(/\+$/, "*")], negated: not });
    case "-p":
    case "--protocol":
    case "--proto":
      reader.owner = "match";
      return value === "all" || value === "0" ? after : add({ kind: "protocol", protocols: [protocolName(value)], negated: not });
    case "-m":
    case "--match":
      reader.owner = "match";
      return after;
    case "-j":
    case "--jump":
    case "-g":
    case "--goto":
      reader.owner = "target";
      reader.target = value;
      reader.goto = option === "-g" || option === "--goto";
      return after;
    case "--comment":
      reader.comment = value;
      return after;
    case "--tcp-flags":
      reader.matches.push(tcpFlags(value, words[after] ?? "", not));
      return after + 1;
    case "--syn":
      reader.matches.push(tcpFlags("FIN,SYN,RST,ACK", "SYN", not));
      return start + 1;
    case "--ctstate":
    case "--state":
      return add({ kind: "state", states: value.toLowerCase().split(","), negated: not });
    case "-4":
    case "--ipv4":
    case "-6":
    case "--ipv6":
      reader.matches.push({ kind: "family", family: option.includes("4") ? "ipv4" : "ipv6", negated: false });
      return start + 1;
    default:
      return readOtherOption(words, start, not, reader);
  }
}

const PORT_OPTIONS: { readonly [option: string]: "source" | "destination" | "either" } = {
  "--sport": "source",
  "--source-port": "source",
  "--sports": "source",
  "--source-ports": "source",
  "--dport": "destination",
  "--destination-port": "destination",
  "--dports": "destination",
  "--destination-ports": "destination",
  "--ports": "either",
};

function readOtherOption(words: readonly string[], start: number, negated: boolean, reader: Reading): number {
  const option = words[start] ?? "";
  let end = start + (TEXT_OPTIONS.has(option) ? 2 : 1);
  while (end < words.length && words[end] !== "!" && !/^--?[A-Za-z]/.test(words[end] ?? "")) end += 1;
  const values = words.slice(start + 1, end);
  const side = PORT_OPTIONS[option];
  const ports = values[0]?.split(",").map(portRange) ?? [];
  if (reader.owner === "target") reader.options.push(option, ...values);
  else if (["--dir", "--pol"].includes(option) && !negated) reader.policy.push(`${option} ${values.join(" ")}`);
  else if (POLICY_DETAILS.has(option)) reader.policy.push(words.slice(start, end).join(" "));
  else if (side && values.length === 1 && ports.every((range) => range !== undefined))
    reader.matches.push({ kind: "port", side, ranges: ports, negated });
  else reader.matches.push({ kind: "unknown", text: `${negated ? "! " : ""}${words.slice(start, end).join(" ")}` });
  return end;
}

/** Options whose value is free text, which may look like an option. */
const TEXT_OPTIONS = new Set("--string --hex-string --log-prefix --nflog-prefix --ulog-prefix --bytecode --u32".split(" "));

const POLICY_DETAILS = new Set(["--strict", "--reqid", "--spi", "--proto", "--mode", "--tunnel-src", "--tunnel-dst", "--next"]);

/** Only the plain form says something of every packet; a request for one SA may or may not match. */
function policyMatch(options: readonly string[]): Match {
  const [dir, pol] = options.toSorted();
  if (options.length === 2 && dir === "--dir out" && (pol === "--pol ipsec" || pol === "--pol none"))
    return { kind: "ipsec", exists: pol === "--pol ipsec" };
  return { kind: "unknown", text: options.join(" ") };
}

function addresses(side: "source" | "destination", texts: readonly string[], negated: boolean): Match {
  const ranges = texts.map(parseRange);
  if (!ranges.every((range) => range !== undefined)) return { kind: "unknown", text: `${side} ${texts.join(",")}` };
  return { kind: "address", regions: ranges.map((range): Region => ({ [side]: range })), negated, exact: true };
}

function tcpFlags(mask: string, set: string, negated: boolean): Match {
  const flags = (text: string): readonly string[] => {
    const lower = text.toLowerCase();
    if (lower === "none") return [];
    return (lower === "all" ? "fin,syn,rst,psh,ack,urg" : lower).split(",").toSorted();
  };
  return { kind: "tcp-flags", mask: flags(mask), set: flags(set), negated };
}

function portRange(text: string): readonly [number, number] | undefined {
  const found = /^(\d*)(:?)(\d*)$/.exec(text);
  if (!found || text === "") return undefined;
  const from = found[1] ? Number(found[1]) : 0;
  return [from, found[2] ? Number(found[3] || "65535") : from];
}

function protocolName(text: string): string {
  const names: { readonly [number: string]: string } = {
    "1": "icmp",
    "6": "tcp",
    "17": "udp",
    "50": "esp",
    "51": "ah",
    "58": "icmpv6",
    "ipv6-icmp": "icmpv6",
  };
  return names[text.toLowerCase()] ?? text.toLowerCase();
}

/** Targets after which the walk goes on and whose packet keeps its source. */
const HARMLESS = new Set(
  "LOG NFLOG ULOG MARK CONNMARK SECMARK CONNSECMARK CLASSIFY TOS DSCP TTL HL TCPMSS TCPOPTSTRIP TRACE CT NOTRACK SET AUDIT IDLETIMER LED RATEEST HMARK CHECKSUM ECN TEE".split(
    " ",
  ),
);
const REWRITING = new Set("MASQUERADE SNAT SAME NETMAP".split(" "));

function outcome(
  { target, goto, options }: Reading,
  chains: { has(name: string): boolean },
): Pick<Rule, "verdict"> & Partial<Pick<Rule, "mss" | "untracks">> {
  if (target === undefined) return { verdict: { kind: "none" } };
  if (goto || chains.has(target)) return { verdict: { kind: goto ? "goto" : "jump", chain: target } };
  return { verdict: targetVerdict(target, options), ...mss(target, options), ...untracks(target, options) };
}

function targetVerdict(target: string, options: readonly string[]): Verdict {
  if (target === "ACCEPT") return { kind: "accept" };
  if (target === "RETURN") return { kind: "return" };
  if (target === "DROP" || target === "REJECT") return { kind: "drop" };
  if (REWRITING.has(target)) return { kind: "rewrite", name: target, identity: netmapIdentity(target, options) };
  return HARMLESS.has(target) ? { kind: "none" } : { kind: "unknown", name: target };
}

/** NETMAP keeps the host bits, so a source inside `--to` keeps its address. */
function netmapIdentity(target: string, options: readonly string[]): readonly Range[] {
  const to = options.indexOf("--to");
  const network = target === "NETMAP" && to >= 0 ? parseNetwork(options[to + 1] ?? "") : undefined;
  return network ? [rangeOf(network)] : [];
}

function mss(target: string, options: readonly string[]): Partial<Pick<Rule, "mss">> {
  if (target !== "TCPMSS") return {};
  if (options.includes("--clamp-mss-to-pmtu")) return { mss: "pmtu" };
  const at = options.indexOf("--set-mss");
  return at < 0 ? {} : { mss: Number(options[at + 1]) };
}

function untracks(target: string, options: readonly string[]): Partial<Pick<Rule, "untracks">> {
  return target === "NOTRACK" || (target === "CT" && options.includes("--notrack")) ? { untracks: true } : {};
}

function comment(reader: Reading): Partial<Pick<Rule, "comment">> {
  return reader.comment === undefined ? {} : { comment: reader.comment };
}
