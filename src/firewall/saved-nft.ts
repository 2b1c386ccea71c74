import type { FileFact } from "../model/fact.ts";
import type { Json } from "../model/plan.ts";
import type { Ruleset } from "./model.ts";
import { parseNftJson } from "./nft-json.ts";
import {
  familyAndName,
  type Loading,
  type OpenTable,
  openTable,
  problem,
  type SavedNftChain,
  type Script,
  statementWords,
  take,
} from "./saved-nft-document.ts";
import { readChain, readRule, readSet, readTable } from "./saved-nft-table.ts";
import { nftWords } from "./saved-nft-words.ts";

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
