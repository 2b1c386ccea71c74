import type { Json } from "../model/plan.ts";
import type { NftWord } from "./saved-nft-words.ts";

/** What `define NAME = …` stands for. */
export type NftDefinitions = ReadonlyMap<string, readonly NftWord[]>;

/** A rule on its way from words to expressions: `at` is the next word. */
export interface Reader {
  readonly words: readonly NftWord[];
  at: number;
  readonly expr: Json[];
  comment?: string;
}

/** Definitions may name others; ten levels are more than a person writes, and end a circle. */
export function expand(words: readonly NftWord[], definitions: NftDefinitions, depth = 10): readonly NftWord[] {
  return words.flatMap((word) => {
    const value = word.kind === "word" && word.text.startsWith("$") ? definitions.get(word.text.slice(1)) : undefined;
    return value && depth > 0 ? expand(value, definitions, depth - 1) : [word];
  });
}

/** The word to read next; an end word after the last one. */
export function current(reader: Reader): NftWord {
  return reader.words[reader.at] ?? { kind: "end", text: "", start: 0, end: 0 };
}

/** The text of a word further on; empty after the last one. */
export function peek(reader: Reader, ahead: number): string {
  return reader.words[reader.at + ahead]?.text ?? "";
}

/** Takes `length` words for one statement. */
export function statement(reader: Reader, json: Json, length: number): Reader {
  reader.expr.push(json);
  reader.at += length;
  return reader;
}

/** A match as nft's JSON has it. */
export function match(op: string, left: Json, right: Json): Json {
  return { match: { op, left, right } };
}

/** A header field as nft's JSON has it. */
export function payload(protocol: string, field: string): Json {
  return { payload: { protocol, field } };
}

/** Words joined by `,` or `|`, in parentheses, braces or bare: one is a text, several a list. */
export function readList(reader: Reader): Json {
  const items: string[] = [];
  for (let open = 0; reader.at < reader.words.length; reader.at += 1) {
    const { text } = current(reader);
    if (text === "(" || text === "{") open += 1;
    else if (text === ")" || text === "}") open -= 1;
    else if (text !== "," && text !== "|") {
      items.push(text);
      if (open === 0 && ![",", "|"].includes(peek(reader, 1))) break;
    }
    if (open === 0 && (text === ")" || text === "}")) break;
  }
  reader.at += 1;
  const [only] = items;
  return items.length === 1 && only !== undefined ? only : items;
}

/** One value: a word, range, prefix, set or set name. */
export function readValue(reader: Reader, names: Names): Json {
  const { text } = current(reader);
  if (text !== "{") {
    const value = single(current(reader), names);
    reader.at += 1;
    return value;
  }
  const elements: Json[] = [];
  let parts: Json[] = [];
  let plain = true;
  reader.at += 1;
  for (; reader.at < reader.words.length; reader.at += 1) {
    const word = current(reader);
    if (word.kind === "end" || word.text === ".") continue;
    if (word.text === "," || word.text === "}") {
      if (parts.length > 0) elements.push(parts.length === 1 ? (parts[0] ?? null) : { concat: parts });
      parts = [];
      plain = true;
      if (word.text === "}") break;
      // What follows the key (`timeout 1h`, `comment "x"`, `counter`) is not part of it.
    } else if (/^(timeout|expires|comment|counter)$/.test(word.text)) plain = false;
    else if (plain) parts.push(single(word, names));
  }
  reader.at += 1;
  return { set: elements };
}

function single({ text, kind }: NftWord, names: Names): Json {
  if (kind === "string" || text.startsWith("@")) return text;
  const named = names[text];
  if (named !== undefined) return named;
  if (/^\d+$/.test(text)) return Number(text);
  if (/^[\da-fA-F.:]+\/\d+$/.test(text)) return prefix(text);
  const [from, to, ...more] = text.split("-");
  if (from && to && more.length === 0 && /^[\da-fA-F.:]+$/.test(from) && /^[\da-fA-F.:]+$/.test(to))
    return { range: /^\d+$/.test(from) ? [Number(from), Number(to)] : [from, to] };
  return text;
}

export type Names = { readonly [name: string]: number | string };

/** `nft -j` prints protocols by name, however they were written. */
export const PROTOCOLS: Names = { "1": "icmp", "6": "tcp", "17": "udp", "50": "esp", "51": "ah", "58": "ipv6-icmp" };

/** Names that stand for a port in the rules of a gateway; `nft -j` prints the number. */
export const PORTS: Names = {
  ssh: 22,
  domain: 53,
  http: 80,
  https: 443,
  isakmp: 500,
  "ipsec-nat-t": 4500,
};

/** An address with a prefix length, or the text as it is. */
export function prefix(text: string): Json {
  const [addr = "", len] = text.split("/");
  return { prefix: { addr, len: Number(len) } };
}
