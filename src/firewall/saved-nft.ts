import type { FileFact } from "../model/fact.ts";
import type { Json } from "../model/plan.ts";
import type { Ruleset } from "./model.ts";
import { parseNftJson } from "./nft-json.ts";
import { nftElements, nftRuleJson } from "./saved-nft-rule.ts";
import { type NftWord, nftWords } from "./saved-nft-words.ts";

/** Where something of a saved script stands; a `command` (`add rule …`) needs its own line, a `block` belongs to a chain's braces. */
export interface NftPlace {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly form: "block" | "add" | "insert";
}

export interface SavedNftRule {
  readonly handle: number;
  readonly comment?: string;
  readonly place: NftPlace;
  readonly expr: readonly Json[];
}

export interface SavedNftChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly base?: { readonly type: string; readonly hook: string; readonly prio: number; readonly policy: string };
  /** Behind the declaration: where the first rule of the chain would stand. */
  readonly head: NftPlace;
  /** The blocks of the chain's table, `table … { … }`, braces included. */
  readonly blocks: readonly NftPlace[];
  readonly rules: readonly SavedNftRule[];
}

/** A saved nftables script with all that it includes; each rule's handle names its place in the text. */
export interface SavedNft {
  readonly main: string;
  readonly chains: readonly SavedNftChain[];
  readonly ruleset: Ruleset;
  /** What could not be followed; the rule set may then differ from what the kernel would get. */
  readonly problems: readonly string[];
}

/** Reads what `nft -f MAIN` would load into an empty kernel. */
export function parseSavedNft(files: ReadonlyMap<string, FileFact>, main: string): SavedNft {
  const loading: Loading = { files, tables: new Map(), definitions: new Map(), problems: [], handles: 0 };
  loadFile(loading, main, 0);
  const chains = [...loading.tables.values()].flatMap((table) => [...table.chains.values()]);
  return { main, chains, ruleset: parseNftJson(rulesetJson(loading)) ?? { tables: [] }, problems: loading.problems };
}

interface OpenTable {
  readonly family: string;
  readonly name: string;
  readonly chains: Map<string, OpenChain>;
  readonly sets: Json[];
  readonly blocks: NftPlace[];
}

interface OpenChain extends SavedNftChain {
  base?: { readonly type: string; readonly hook: string; readonly prio: number; readonly policy: string };
  head: NftPlace;
  readonly rules: SavedNftRule[];
}

interface Loading {
  readonly files: ReadonlyMap<string, FileFact>;
  readonly tables: Map<string, OpenTable>;
  readonly definitions: Map<string, readonly NftWord[]>;
  readonly problems: string[];
  handles: number;
}

interface Script {
  readonly loading: Loading;
  readonly path: string;
  readonly depth: number;
  readonly words: readonly NftWord[];
  at: number;
}

/** nft itself stops at 16 nested includes. */
const DEEPEST = 16;

function loadFile(loading: Loading, path: string, depth: number): void {
  const file = loading.files.get(path);
  if (!file) return;
  const script: Script = { loading, path, depth, words: nftWords(file.content), at: 0 };
  while (script.at < script.words.length) readCommand(script);
}

function readCommand(script: Script): void {
  const start = script.at;
  const verb = take(script);
  switch (verb) {
    case "\n":
    case ";":
      return;
    case "include":
      include(script, take(script));
      break;
    case "define":
    case "redefine":
      define(script);
      break;
    case "table":
      readTable(script, start);
      break;
    case "add":
    case "create":
    case "insert":
      readAddition(script, verb, start);
      break;
    case "flush":
    case "delete":
    case "destroy":
      readRemoval(script, verb);
      break;
    default:
      problem(script, `"${verb}" is not understood`);
  }
  statementWords(script);
}

function define(script: Script): void {
  const name = take(script);
  script.at += 1;
  script.loading.definitions.set(name, statementWords(script));
}

function take(script: Script): string {
  const word = script.words[script.at];
  script.at += 1;
  return word?.text ?? "";
}

function here(script: Script): NftWord | undefined {
  return script.words[script.at];
}

/** The words up to the end of the statement; a line's end inside braces does not end it. */
function statementWords(script: Script): readonly NftWord[] {
  const from = script.at;
  for (let depth = 0; script.at < script.words.length; script.at += 1) {
    const word = here(script);
    if (word?.text === "{" && word.kind === "symbol") depth += 1;
    if (word?.text === "}" && word.kind === "symbol") {
      if (depth === 0) break;
      depth -= 1;
    }
    if (word?.kind === "end" && depth === 0) break;
  }
  return script.words.slice(from, script.at);
}

function problem({ loading, path }: Script, message: string): void {
  loading.problems.push(`${path}: ${message}`);
}

function include(script: Script, pattern: string): void {
  const absolute = pattern.startsWith("/") ? pattern : `/etc/${pattern.replace(/^\.\//, "")}`;
  const glob = globPattern(absolute);
  const paths = [...script.loading.files.keys()].filter((path) => glob.test(path)).sort();
  if (paths.length === 0 && !/[*?[]/.test(absolute)) problem(script, `includes ${absolute}, which was not found`);
  if (script.depth >= DEEPEST) problem(script, "includes itself");
  else for (const path of paths) loadFile(script.loading, path, script.depth + 1);
}

function globPattern(glob: string): RegExp {
  const escaped = glob
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  try {
    return new RegExp(`^${escaped}$`, "u");
  } catch {
    return /^$/;
  }
}

function readTable(script: Script, start: number): void {
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

function familyAndName(script: Script): { readonly family: string; readonly name: string } {
  const first = take(script);
  return FAMILIES.has(first) ? { family: first, name: take(script) } : { family: "ip", name: first };
}

const FAMILIES = new Set(["ip", "ip6", "inet", "arp", "bridge", "netdev"]);

function openTable(script: Script, { family, name }: { readonly family: string; readonly name: string }): OpenTable {
  const { tables } = script.loading;
  const key = `${family} ${name}`;
  const table = tables.get(key) ?? { family, name, chains: new Map<string, OpenChain>(), sets: [], blocks: [] };
  tables.set(key, table);
  return table;
}

function readSet(script: Script, table: OpenTable, kind: "set" | "map"): void {
  const name = take(script);
  const words = statementWords(script);
  const at = words.findIndex((word) => word.text === "elements");
  const flags = words.flatMap((word) => (["interval", "timeout", "dynamic", "constant"].includes(word.text) ? [word.text] : []));
  const elem = at < 0 ? [] : nftElements(words.slice(at + 2), script.loading.definitions);
  table.sets.push({ [kind]: { family: table.family, name, table: table.name, type: "ipv4_addr", handle: 0, flags, elem } });
}

function readChain(script: Script, table: OpenTable, form: "block" | "add"): void {
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

function readRule(loading: Loading, words: readonly NftWord[], place: NftPlace): SavedNftRule {
  loading.handles += 1;
  return { handle: loading.handles, place, ...nftRuleJson(words, loading.definitions) };
}

function readAddition(script: Script, verb: "add" | "create" | "insert", start: number): void {
  const what = take(script);
  if (what === "table") readTable(script, start);
  else if (what === "rule") readRuleCommand(script, verb, start);
  else if (what === "element") problem(script, "adds elements to a set by a command");
  else {
    const table = openTable(script, familyAndName(script));
    if (what === "chain") readChain(script, table, "add");
    else if (what === "set" || what === "map") readSet(script, table, what);
  }
}

function readRuleCommand(script: Script, verb: "add" | "create" | "insert", start: number): void {
  const table = openTable(script, familyAndName(script));
  const chain = table.chains.get(take(script));
  const words = statementWords(script);
  if (["position", "handle", "index"].includes(words[0]?.text ?? "")) problem(script, "places a rule by its handle or index");
  const form = verb === "insert" ? "insert" : "add";
  const place = { path: script.path, start: script.words[start]?.start ?? 0, end: words.at(-1)?.end ?? 0, form } as const;
  const rule = readRule(script.loading, words, place);
  if (verb === "insert") chain?.rules.unshift(rule);
  else chain?.rules.push(rule);
}

function readRemoval(script: Script, verb: "flush" | "delete" | "destroy"): void {
  const { tables } = script.loading;
  const what = take(script);
  if (what === "ruleset") {
    tables.clear();
    return;
  }
  const { family, name } = familyAndName(script);
  const table = tables.get(`${family} ${name}`);
  if (what === "table" && verb !== "flush") tables.delete(`${family} ${name}`);
  else if (what === "table") for (const chain of table?.chains.values() ?? []) chain.rules.length = 0;
  else if (what === "chain" && verb === "flush") table?.chains.get(take(script))?.rules.splice(0);
  else if (what === "chain") table?.chains.delete(take(script));
  else problem(script, `"${verb} ${what}" is not understood`);
}

/** The same document that `nft -j list ruleset` would print, so that one reader gives it its meaning. */
function rulesetJson({ tables }: { readonly tables: ReadonlyMap<string, OpenTable> }): string {
  const objects: Json[] = [];
  for (const { family, name, chains, sets } of tables.values()) {
    objects.push({ table: { family, name, handle: 0 } }, ...sets);
    for (const chain of chains.values()) {
      objects.push({ chain: { family, table: name, name: chain.name, handle: 0, ...chain.base } });
      for (const { handle, comment, expr } of chain.rules)
        objects.push({ rule: { family, table: name, chain: chain.name, handle, expr, ...(comment ? { comment } : {}) } });
    }
  }
  return JSON.stringify({ nftables: objects });
}
