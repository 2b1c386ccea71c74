import type { FileFact } from "../model/fact.ts";
import type { Json } from "../model/plan.ts";
import type { NftWord } from "./saved-nft-words.ts";

/** Where something of a saved script stands; a `command` (`add rule …`) needs its own line, a `block` belongs to a chain's braces. */
export interface NftPlace {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly form: "block" | "add" | "insert";
}

/** A rule of a saved script. */
export interface SavedNftRule {
  readonly handle: number;
  readonly comment?: string;
  readonly place: NftPlace;
  readonly expr: readonly Json[];
}

/** A chain of a saved script, wherever its parts stand. */
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

/** A table while its script is read. */
export interface OpenTable {
  readonly family: string;
  readonly name: string;
  readonly chains: Map<string, OpenChain>;
  readonly sets: Json[];
  readonly blocks: NftPlace[];
}

/** A chain while its script is read. */
export interface OpenChain extends SavedNftChain {
  base?: { readonly type: string; readonly hook: string; readonly prio: number; readonly policy: string };
  head: NftPlace;
  readonly rules: SavedNftRule[];
}

/** All that the scripts have said so far. */
export interface Loading {
  readonly files: ReadonlyMap<string, FileFact>;
  readonly tables: Map<string, OpenTable>;
  readonly definitions: Map<string, readonly NftWord[]>;
  readonly problems: string[];
  handles: number;
}

/** A script, and the word that comes next. */
export interface Script {
  readonly loading: Loading;
  readonly path: string;
  readonly depth: number;
  readonly words: readonly NftWord[];
  at: number;
}

/** The next word, which then is behind us. */
export function take(script: Script): string {
  const word = script.words[script.at];
  script.at += 1;
  return word?.text ?? "";
}

/** The next word. */
export function here(script: Script): NftWord | undefined {
  return script.words[script.at];
}

/** The words up to the end of the statement; a line's end inside braces does not end it. */
export function statementWords(script: Script): readonly NftWord[] {
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

/** Notes what could not be followed. */
export function problem({ loading, path }: Script, message: string): void {
  loading.problems.push(`${path}: ${message}`);
}

/** `ip nat`, `nat` (which means the same), `inet fw`. */
export function familyAndName(script: Script): { readonly family: string; readonly name: string } {
  const first = take(script);
  return FAMILIES.has(first) ? { family: first, name: take(script) } : { family: "ip", name: first };
}

const FAMILIES = new Set(["ip", "ip6", "inet", "arp", "bridge", "netdev"]);

/** The table of that name, which a script may open several times. */
export function openTable(script: Script, { family, name }: { readonly family: string; readonly name: string }): OpenTable {
  const { tables } = script.loading;
  const key = `${family} ${name}`;
  const table = tables.get(key) ?? { family, name, chains: new Map<string, OpenChain>(), sets: [], blocks: [] };
  tables.set(key, table);
  return table;
}
