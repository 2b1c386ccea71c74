import type { Json } from "../model/plan.ts";
import {
  current,
  expand,
  match,
  type Names,
  type NftDefinitions,
  PORTS,
  PROTOCOLS,
  payload,
  peek,
  prefix,
  type Reader,
  readList,
  readValue,
  statement,
} from "./saved-nft-value.ts";
import type { NftWord } from "./saved-nft-words.ts";

/** One rule as `nft -j` would print it; a part that is not understood becomes a condition that may or may not hold. */
export interface NftRuleJson {
  readonly expr: readonly Json[];
  readonly comment?: string;
}

/** Reads the words of one rule. */
export function nftRuleJson(words: readonly NftWord[], definitions: NftDefinitions): NftRuleJson {
  const reader: Reader = { words: expand(words, definitions), at: 0, expr: [] };
  while (reader.at < reader.words.length) readPart(reader);
  return { expr: reader.expr, ...(reader.comment === undefined ? {} : { comment: reader.comment }) };
}

/** The elements of a set or the right side of a match, as `nft -j` prints them. */
export function nftElements(words: readonly NftWord[], definitions: NftDefinitions): readonly Json[] {
  const value = readValue({ words: expand(words, definitions), at: 0, expr: [] }, PORTS);
  return typeof value === "object" && value !== null && "set" in value && Array.isArray(value["set"]) ? value["set"] : [];
}

const VERDICTS = new Set(["accept", "drop", "return", "continue"]);
const INTERFACES = new Set(["iifname", "oifname", "iif", "oif"]);
const META = new Set(["l4proto", "nfproto", "mark", ...INTERFACES]);
/** Statements whose operands say nothing of which packets pass. */
const NOTES = new Set(["log", "limit", "quota", "notrack"]);
const REWRITES = new Set(["masquerade", "snat", "dnat", "redirect"]);
const ADDRESSES = new Set(["saddr", "daddr"]);

function readPart(reader: Reader): Reader {
  const { text, kind } = current(reader);
  const next = peek(reader, 1);
  if (kind === "string") return unknown(reader);
  if (VERDICTS.has(text)) return statement(reader, { [text]: null }, 1);
  if (text === "jump" || text === "goto") return statement(reader, { [text]: { target: next } }, 2);
  if (text === "comment") {
    reader.comment = next;
    reader.at += 2;
    return reader;
  }
  if (text === "counter") return readCounter(reader);
  if (text === "reject" || text === "queue") return statement(reader, { [text]: null }, restOfStatement(reader));
  if (REWRITES.has(text)) return readRewrite(reader);
  if (NOTES.has(text))
    return text === "limit" || text === "quota" ? unknown(reader) : statement(reader, { [text]: null }, noteLength(reader));
  if ((text === "ip" || text === "ip6") && ADDRESSES.has(next)) return readAddress(reader);
  if ((text === "ip" && next === "protocol") || (text === "ip6" && next === "nexthdr"))
    return readMatch(reader, payload(text, next), 2, PROTOCOLS);
  if ((text === "tcp" || text === "udp" || text === "th") && /^[ds]port$/.test(next))
    return readMatch(reader, payload(text, next), 2);
  if (text === "tcp" && next === "flags") return readFlags(reader);
  if (text === "tcp" && next === "option") return readOption(reader);
  if (INTERFACES.has(text)) return readMatch(reader, { meta: { key: text } }, 1);
  if (text === "meta" && META.has(next) && peek(reader, 2) !== "set")
    return readMatch(reader, { meta: { key: next } }, 2, next === "l4proto" ? PROTOCOLS : PORTS);
  if ((text === "mark" || text === "meta") && [next, peek(reader, 2)].includes("set"))
    return statement(reader, { mangle: { key: { meta: { key: "mark" } }, value: 0 } }, restOfMatch(reader));
  if (text === "ct" && next === "state") return readState(reader);
  if (text === "ct" && next === "status") return readMatch(reader, { ct: { key: next } }, 2);
  if (text === "rt" && next === "ipsec")
    return statement(reader, match("==", { rt: { key: "ipsec" } }, peek(reader, 2) !== "missing"), 3);
  return unknown(reader);
}

function readCounter(reader: Reader): Reader {
  if (peek(reader, 1) === "packets") return statement(reader, { counter: { packets: 0, bytes: 0 } }, 5);
  return statement(reader, { counter: null }, peek(reader, 1) === "name" ? 3 : 1);
}

function readRewrite(reader: Reader): Reader {
  const { text } = current(reader);
  const end = restOfStatement(reader);
  const words = reader.words.slice(reader.at, reader.at + end).map((word) => word.text);
  const map = words.indexOf("map");
  const address = words[words.indexOf("to") + 1];
  const family = words[1] === "ip" || words[1] === "ip6" ? { family: words[1] } : {};
  const simple = text === "snat" && address ? { ...family, addr: address } : null;
  if (map < 0) return statement(reader, { [text]: simple }, end);
  // `snat ip prefix to ip saddr map { P : P }` keeps every address in P.
  const entries = mapEntries(words.slice(map + 1));
  if (entries === undefined) return statement(reader, { [text]: null }, end);
  const key = payload(words[map - 2] ?? "ip", words[map - 1] ?? "saddr");
  const flags = words.includes("prefix") ? { type_flags: "prefix" } : {};
  return statement(reader, { [text]: { ...family, addr: { map: { key, data: { set: entries } } }, ...flags } }, end);
}

/** `{ A : B, C : D }`; undefined where an entry is no pair of addresses: such a map counts as a rewrite of any packet. */
function mapEntries(words: readonly string[]): readonly (readonly Json[])[] | undefined {
  const entries = words
    .join(" ")
    .replace(/^\{|\}.*$/g, "")
    .split(",")
    .map((entry) => /^\s*([\da-fA-F.:]+(?:\/\d+)?) : ([\da-fA-F.:]+(?:\/\d+)?)\s*$/.exec(entry));
  const pairs = entries.flatMap((entry) => (entry === null ? [] : [[entry[1] ?? "", entry[2] ?? ""].map(addressValue)]));
  return pairs.length === entries.length ? pairs : undefined;
}

function addressValue(text: string): Json {
  return text.includes("/") ? prefix(text) : text;
}

function readAddress(reader: Reader): Reader {
  const left = [payload(current(reader).text, peek(reader, 1))];
  let length = 2;
  while (peek(reader, length) === "." && ADDRESSES.has(peek(reader, length + 2))) {
    left.push(payload(peek(reader, length + 1), peek(reader, length + 2)));
    length += 3;
  }
  if (peek(reader, length) === "." || peek(reader, length) === "vmap") return unknown(reader);
  const [first = null] = left;
  return readMatch(reader, left.length === 1 ? first : { concat: left }, length);
}

function readMatch(reader: Reader, left: Json, length: number, names: Names = PORTS): Reader {
  if (peek(reader, length) === "vmap" || peek(reader, length) === ".") return unknown(reader);
  reader.at += length;
  const op = readOperator(reader);
  return statement(reader, match(op ?? "==", left, readValue(reader, names)), 0);
}

function readOperator(reader: Reader): string | undefined {
  const { text } = current(reader);
  if (!["==", "!=", "<", ">", "<=", ">="].includes(text)) return undefined;
  reader.at += 1;
  return text;
}

function readState(reader: Reader): Reader {
  reader.at += 2;
  const op = readOperator(reader);
  const value = current(reader).text === "vmap" ? undefined : readList(reader);
  if (value === undefined) return unknown(reader);
  return statement(reader, match(op ?? "in", { ct: { key: "state" } }, value), 0);
}

/** `syn`, `syn / syn,rst`, `& (syn|rst) == syn`. */
function readFlags(reader: Reader): Reader {
  const left = payload("tcp", "flags");
  reader.at += 2;
  if (current(reader).text === "&") {
    reader.at += 1;
    const mask = readList(reader);
    const op = readOperator(reader) ?? "==";
    return statement(reader, match(op, { "&": [left, mask] }, readList(reader)), 0);
  }
  const op = readOperator(reader);
  const value = readList(reader);
  if (current(reader).text !== "/") return statement(reader, match(op ?? "in", left, value), 0);
  reader.at += 1;
  return statement(reader, match(op ?? "==", { "&": [left, readList(reader)] }, value), 0);
}

function readOption(reader: Reader): Reader {
  const key = { "tcp option": { name: peek(reader, 2), field: peek(reader, 3) } };
  if (peek(reader, 4) !== "set") return readMatch(reader, key, 4);
  if (peek(reader, 5) === "rt" && peek(reader, 6) === "mtu")
    return statement(reader, { mangle: { key, value: { rt: { key: "mtu" } } } }, 7);
  return statement(reader, { mangle: { key, value: Number(peek(reader, 5)) } }, 6);
}

/** Words up to the next statement that this reader knows: an unknown condition ends there. A verdict map may do anything. */
function unknown(reader: Reader): Reader {
  const length = restOfMatch(reader);
  const words = reader.words.slice(reader.at, reader.at + length).map((word) => word.text);
  return statement(reader, { xt: { type: words.includes("vmap") ? "target" : "match", name: words.join(" ") } }, length);
}

/** A verdict inside braces belongs to a map, not to the rule. */
function restOfMatch(reader: Reader): number {
  let depth = 0;
  for (let length = 1; ; length += 1) {
    const word = reader.words[reader.at + length];
    if (!word) return length;
    if (word.text === "{") depth += 1;
    else if (word.text === "}") depth -= 1;
    else if (depth === 0 && word.kind === "word" && STARTS.has(word.text)) return length;
  }
}

const STARTS = new Set([...VERDICTS, ...REWRITES, "jump", "goto", "comment", "counter", "reject", "queue", "log"]);

/** A terminal statement takes all that follows but the comment. */
function restOfStatement(reader: Reader): number {
  const rest = reader.words.slice(reader.at);
  const comment = rest.findIndex((word) => word.kind === "word" && word.text === "comment");
  return comment < 0 ? rest.length : comment;
}

function noteLength(reader: Reader): number {
  if (current(reader).text === "notrack") return 1;
  let length = 1;
  while (LOG_OPTIONS.has(peek(reader, length))) length += 2;
  return length;
}

const LOG_OPTIONS = new Set(["prefix", "level", "group", "snaplen", "queue-threshold", "flags"]);
