import type { Rule } from "./model.ts";
import { type NftExpression, parseNftExpressions } from "./nft-expression.ts";
import { nftRuleText } from "./nft-rule-text.ts";

/**
 * Reads a rule of nftables' own language, as far as this program writes it: addresses, interfaces, protocols, ports, TCP flags,
 * IPsec, the MSS, counters and verdicts. From the first word that it does not know, the rest is one unknown condition.
 */
export function parseNftRule(text: string): Rule {
  const words = nftWords(text);
  const expressions: NftExpression[] = [];
  let comment: string | undefined;
  let at = 0;
  while (at < words.length) {
    if (words[at] === "comment") {
      comment = unquoted(words[at + 1] ?? "");
      at += 2;
      continue;
    }
    const read = readMatch(words, at) ?? readStatement(words, at);
    if (read === undefined) break;
    expressions.push(read.expression);
    at = read.next;
  }
  const meaning = parseNftExpressions(expressions, () => undefined);
  const rest = words.slice(at).join(" ");
  const parts = comment === undefined ? {} : { comment };
  if (rest === "") return { text: nftRuleText(expressions, comment), ...parts, ...meaning };
  return {
    text: text.trim(),
    ...parts,
    ...meaning,
    matches: [...meaning.matches, { kind: "unknown", text: rest }],
    verdict: { kind: "unknown", name: rest },
  };
}

interface Read {
  readonly expression: NftExpression;
  readonly next: number;
}

/** Strings keep their quotes, so that a quoted word is never taken for a statement; `{`, `}` and `,` stand alone. */
function nftWords(text: string): readonly string[] {
  return text.match(/"[^"]*"|[{},()&|]|[^\s{},()&|"]+/g) ?? [];
}

function unquoted(word: string): string {
  return word.replace(/^"|"$/g, "");
}

const FIELDS: { readonly [words: string]: NftExpression } = {
  "ip saddr": { payload: { protocol: "ip", field: "saddr" } },
  "ip daddr": { payload: { protocol: "ip", field: "daddr" } },
  "ip6 saddr": { payload: { protocol: "ip6", field: "saddr" } },
  "ip6 daddr": { payload: { protocol: "ip6", field: "daddr" } },
  "ip protocol": { payload: { protocol: "ip", field: "protocol" } },
  "tcp dport": { payload: { protocol: "tcp", field: "dport" } },
  "tcp sport": { payload: { protocol: "tcp", field: "sport" } },
  "udp dport": { payload: { protocol: "udp", field: "dport" } },
  "udp sport": { payload: { protocol: "udp", field: "sport" } },
  "meta nfproto": { meta: { key: "nfproto" } },
  "meta l4proto": { meta: { key: "l4proto" } },
};

const TCP_FLAGS: NftExpression = { payload: { protocol: "tcp", field: "flags" } };

function readMatch(words: readonly string[], at: number): Read | undefined {
  const [first = "", second = "", third = ""] = words.slice(at, at + 3);
  if (first === "oifname" || first === "iifname") return comparison(words, at + 1, { meta: { key: first } });
  if (first === "rt" && second === "ipsec" && (third === "exists" || third === "missing"))
    return { expression: { match: { op: "==", left: { rt: { key: "ipsec" } }, right: third === "exists" } }, next: at + 3 };
  if (first === "tcp" && second === "flags") return tcpFlags(words, at + 2);
  if (first === "ct" && second === "state") {
    const states = listAt(words, at + 2);
    return { expression: { match: { op: "in", left: { ct: { key: "state" } }, right: states.values } }, next: states.next };
  }
  const field = FIELDS[`${first} ${second}`];
  return field && comparison(words, at + 2, field);
}

function comparison(words: readonly string[], at: number, left: NftExpression): Read | undefined {
  const negated = words[at] === "!=";
  const start = words[at] === "!=" || words[at] === "==" ? at + 1 : at;
  const op = negated ? "!=" : "==";
  if (words[start] !== "{") {
    const right = readValue(words[start] ?? "");
    return right === undefined ? undefined : { expression: { match: { op, left, right } }, next: start + 1 };
  }
  const end = words.indexOf("}", start);
  if (end < 0) return undefined;
  const set = words.slice(start + 1, end).flatMap((word) => (word === "," ? [] : [readValue(word)]));
  return { expression: { match: { op, left, right: { set } } }, next: end + 1 };
}

/** A word in the form that nft's JSON gives it. Named sets are not known here, so a reference stays unreadable. */
function readValue(word: string): unknown {
  const prefix = /^([0-9A-Fa-f.:]+)\/(\d+)$/.exec(word);
  const range = /^([0-9A-Fa-f.:]+)-([0-9A-Fa-f.:]+)$/.exec(word);
  const bound = (text: string): string | number => (/^\d+$/.test(text) ? Number(text) : text);
  if (prefix) return { prefix: { addr: prefix[1], len: Number(prefix[2]) } };
  if (range) return { range: [bound(range[1] ?? ""), bound(range[2] ?? "")] };
  return word === "" || /^[{}&|()!<>@$]/.test(word) ? undefined : bound(unquoted(word));
}

/** `syn`, `syn / syn,rst` or `& (syn | rst) == syn`. */
function tcpFlags(words: readonly string[], at: number): Read | undefined {
  if (words[at] === "&" && words[at + 1] === "(") {
    const end = words.indexOf(")", at);
    if (end < 0 || words[end + 1] !== "==") return undefined;
    const mask = words.slice(at + 2, end).filter((word) => word !== "|");
    return { expression: { match: { op: "==", left: { "&": [TCP_FLAGS, mask] }, right: words[end + 2] } }, next: end + 3 };
  }
  const set = listAt(words, at);
  if (words[set.next] !== "/") return { expression: { match: { op: "in", left: TCP_FLAGS, right: set.values } }, next: set.next };
  const mask = listAt(words, set.next + 1);
  return { expression: { match: { op: "==", left: { "&": [TCP_FLAGS, mask.values] }, right: set.values } }, next: mask.next };
}

function listAt(words: readonly string[], at: number): { readonly values: readonly string[]; readonly next: number } {
  const values = [words[at] ?? ""];
  let next = at + 1;
  for (; words[next] === "," && words[next + 1] !== undefined; next += 2) values.push(words[next + 1] ?? "");
  return { values, next };
}

function readStatement(words: readonly string[], at: number): Read | undefined {
  const [first = "", second = ""] = words.slice(at, at + 2);
  switch (first) {
    case "accept":
    case "return":
    case "drop":
    case "masquerade":
    case "notrack":
      return { expression: { [first]: null }, next: at + 1 };
    case "jump":
    case "goto":
      return { expression: { [first]: { target: second } }, next: at + 2 };
    case "counter":
      return { expression: { counter: null }, next: second === "packets" ? at + 5 : at + 1 };
    case "tcp":
      return maximumSegment(words, at);
    default:
      return undefined;
  }
}

/** `tcp option maxseg size set 1380`, or `set rt mtu`. */
function maximumSegment(words: readonly string[], at: number): Read | undefined {
  if (words.slice(at, at + 5).join(" ") !== "tcp option maxseg size set") return undefined;
  const key = { "tcp option": { name: "maxseg", field: "size" } };
  const size = words[at + 5] ?? "";
  if (size === "rt" && words[at + 6] === "mtu")
    return { expression: { mangle: { key, value: { rt: { key: "mtu" } } } }, next: at + 7 };
  return /^\d+$/.test(size) ? { expression: { mangle: { key, value: Number(size) } }, next: at + 6 } : undefined;
}
