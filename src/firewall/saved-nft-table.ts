import {
  familyAndName,
  here,
  type Loading,
  type NftPlace,
  type OpenChain,
  type OpenTable,
  openTable,
  problem,
  type SavedNftRule,
  type Script,
  statementWords,
  take,
} from "./saved-nft-document.ts";
import { nftElements, nftRuleJson } from "./saved-nft-rule.ts";
import type { NftWord } from "./saved-nft-words.ts";

/** `table ip nat { … }`, from behind the first word. */
export function readTable(script: Script, start: number): void {
  const table = openTable(script, familyAndName(script));
  if (here(script)?.text !== "{") return;
  script.at += 1;
  while (script.at < script.words.length && here(script)?.text !== "}") {
    const word = take(script);
    if (word === "chain") readChain(script, table, "block");
    else if (word === "set" || word === "map") readSet(script, table, word);
    else if (word !== "\n" && word !== ";") statementWords(script);
  }
  const close = here(script);
  const opened = script.words[start];
  if (opened && close) table.blocks.push({ path: script.path, start: opened.start, end: close.end, form: "block" });
  script.at += 1;
}

/** A set or map with its elements, from behind `set`. */
export function readSet(script: Script, table: OpenTable, kind: "set" | "map"): void {
  const name = take(script);
  const words = statementWords(script);
  const at = words.findIndex((word) => word.text === "elements");
  const flags = words.flatMap((word) => (["interval", "timeout", "dynamic", "constant"].includes(word.text) ? [word.text] : []));
  const elem = at < 0 ? [] : nftElements(words.slice(at + 2), script.loading.definitions);
  table.sets.push({ [kind]: { family: table.family, name, table: table.name, type: "ipv4_addr", handle: 0, flags, elem } });
}

/** A chain with its header and rules, from behind `chain`; a command may leave the braces out. */
export function readChain(script: Script, table: OpenTable, form: "block" | "add"): void {
  const name = take(script);
  const place = (from: number, to: number): NftPlace => ({ path: script.path, start: from, end: to, form });
  const opened = here(script);
  const known = table.chains.get(name);
  const head = known?.head ?? place(opened?.end ?? 0, opened?.end ?? 0);
  const chain = known ?? { family: table.family, table: table.name, name, head, blocks: table.blocks, rules: [] };
  table.chains.set(name, chain);
  if (opened?.text !== "{") return;
  script.at += 1;
  while (script.at < script.words.length && here(script)?.text !== "}") {
    if (here(script)?.kind === "end") {
      script.at += 1;
      continue;
    }
    const words = statementWords(script);
    if (words.length === 0) break;
    const stop = here(script);
    const end = stop?.text === ";" ? stop.end : (words.at(-1)?.end ?? 0);
    if (isHeader(words)) {
      chain.base = header(script, words, chain.base);
      if (form === "block") chain.head = place(end, end);
    } else chain.rules.push(readRule(script.loading, words, place(words[0]?.start ?? 0, words.at(-1)?.end ?? 0)));
  }
  const close = here(script);
  script.at += 1;
  if (form === "add") chain.head = place(close?.end ?? 0, close?.end ?? 0);
}

function isHeader([first]: readonly NftWord[]): boolean {
  return first?.kind === "word" && ["type", "policy", "comment", "devices", "flags"].includes(first.text);
}

function header(script: Script, words: readonly NftWord[], base: OpenChain["base"]): NonNullable<OpenChain["base"]> {
  const after = (key: string): string => words[words.findIndex((word) => word.text === key) + 1]?.text ?? "";
  const known = base ?? { type: "filter", hook: "", prio: 0, policy: "accept" };
  if (words[0]?.text === "policy") return { ...known, policy: words[1]?.text ?? "accept" };
  if (words[0]?.text !== "type") return known;
  const at = words.findIndex((word) => word.text === "priority");
  return { ...known, type: after("type"), hook: after("hook"), prio: priority(script, words.slice(at + 1), after("hook")) };
}

const PRIORITIES: { readonly [name: string]: number } = {
  raw: -300,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  out: 100,
  security: 50,
  srcnat: 100,
};

function priority(script: Script, words: readonly NftWord[], hook: string): number {
  const text = words
    .flatMap((word) => script.loading.definitions.get(word.text.slice(1)) ?? [word])
    .map((word) => word.text)
    .join("");
  const [, name = "", sign = "", amount = ""] = /^([a-z]*)([+-]?)(\d*)$/.exec(text) ?? [];
  const start = name === "" ? 0 : PRIORITIES[name];
  if (start === undefined || (name === "" && amount === ""))
    problem(script, `the priority "${text}" of a ${hook} chain is not understood`);
  return (start ?? 0) + Number(amount || "0") * (sign === "-" ? -1 : 1);
}

/** One rule, with a handle of its own. */
export function readRule(loading: Loading, words: readonly NftWord[], place: NftPlace): SavedNftRule {
  loading.handles += 1;
  return { handle: loading.handles, place, ...nftRuleJson(words, loading.definitions) };
}
