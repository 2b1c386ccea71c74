import type { Facts, FileFact } from "../model/fact.ts";
import type { Change } from "../model/plan.ts";
import type { FirewallBatch, FirewallEdit, Step } from "../model/step.ts";
import type { Family } from "../text/address.ts";
import { builtinChain, parseIptablesSave } from "./iptables-save.ts";
import { mergeBatches } from "./layout.ts";
import { type Chain, carries, findChain, type Rule, type Table } from "./model.ts";
import { isOwn } from "./owner.ts";
import { type Loader, type PersistenceState, readPersistence } from "./persist.ts";
import { editIptablesSave } from "./saved-iptables-edit.ts";
import { parseSavedNft } from "./saved-nft.ts";
import { editSavedNft } from "./saved-nft-edit.ts";

/** What rules of one sort a saved file holds. */
export type SavedSort = "iptables" | "nftables";

/** How a rule set, once loaded, has to be; the planner that serves the running rules serves the saved ones too. */
export interface SavedWanted {
  /** The least edits that make these tables as wanted; none where they are. */
  readonly plan: (tables: readonly Table[], families: readonly Family[]) => readonly FirewallBatch[];
  readonly families: readonly Family[];
  /** The one sort of rule set that has to carry the rule; undefined where every sort has to be right by itself. */
  readonly sort?: SavedSort;
  /**
   * Whether a foreign rule of the running kernel would stand in the way again after a boot, because whoever made it will make
   * it anew. What helps us there is nobody's promise, and does not count.
   */
  readonly hinders: (rule: Rule) => boolean;
  /** Why the saved file has to change, such as `after a boot the tunnel's packets would be masqueraded`. */
  readonly reason: string;
}

/** What has to happen to the saved rule sets. */
export interface SavedAssessment {
  readonly changes: readonly Change[];
  readonly notes: readonly string[];
  readonly blocked?: { readonly reason: string; readonly unblock: string };
}

/** The part of a gateway that the saved rule sets depend on. */
export interface SavedGateway {
  readonly facts: Facts;
  readonly files: ReadonlyMap<string, FileFact>;
  readonly firewall: { readonly tables: readonly Table[] };
}

/**
 * The changes that make the saved rule sets as wanted, by surgical edit. They are compared by meaning: each is judged as it would
 * be loaded, with the hindrances of the running kernel behind its own rules.
 */
export function savedChanges(gateway: SavedGateway, wanted: SavedWanted): SavedAssessment {
  const { files, firewall } = gateway;
  const persistence = readPersistence(gateway.facts);
  const changes: Change[] = [];
  const notes: string[] = [];
  const served = new Set<string>();
  for (const loader of persistence.loaders) {
    const source = readSource(files, loader);
    if (wanted.sort !== undefined && wanted.sort !== source.sort) continue;
    const families = wanted.families.filter((family) => source.families.includes(family));
    if (families.length === 0) continue;
    for (const family of families) served.add(`${source.sort} ${family}`);
    const batches = plannedFor(source, firewall.tables, { ...wanted, families });
    notes.push(...source.problems.map((problem) => `the saved rule set may differ from what is read: ${problem}`));
    if (batches.length === 0) continue;
    const edited = source.edit(batches);
    if ("problem" in edited)
      return {
        changes: [],
        notes,
        blocked: {
          reason: `${loader.path} ${edited.problem}`,
          unblock: `put ${loader.path} in the form that iptables-save prints`,
        },
      };
    for (const [path, after] of edited.texts)
      changes.push(fileChange(files.get(path), { path, after, batches, reason: wanted.reason }));
  }
  const unserved = blockedWithoutLoader(firewall.tables, wanted, { persistence, served });
  return { changes: unserved ? [] : changes, notes, ...(unserved ? { blocked: unserved } : {}) };
}

interface Source {
  readonly sort: SavedSort;
  readonly families: readonly Family[];
  readonly tables: readonly Table[];
  readonly problems: readonly string[];
  readonly edit: (
    batches: readonly FirewallBatch[],
  ) => { readonly texts: ReadonlyMap<string, string> } | { readonly problem: string };
}

function readSource(files: ReadonlyMap<string, FileFact>, loader: Loader): Source {
  if (loader.service === "nftables") {
    const saved = parseSavedNft(files, loader.path);
    const { tables } = saved.ruleset;
    const edit: Source["edit"] = (batches) => ({ texts: editSavedNft(files, saved, batches) });
    return { sort: "nftables", families: ["ipv4", "ipv6"], tables, problems: saved.problems, edit };
  }
  const text = files.get(loader.path)?.content ?? "";
  const { tables } = parseIptablesSave(withBuiltinChains(text), "iptables-nft", loader.family);
  const edit: Source["edit"] = (batches) => {
    const edited = editIptablesSave(text, batches);
    return "problem" in edited ? edited : { texts: new Map([[loader.path, edited.text]]) };
  };
  return { sort: "iptables", families: [loader.family], tables, problems: [], edit };
}

/** A file written by hand may leave out the lines that declare built-in chains. */
function withBuiltinChains(text: string): string {
  let table = "";
  let declared = new Set<string>();
  return text
    .split("\n")
    .flatMap((line) => {
      if (line.startsWith("*")) {
        table = line.slice(1).trim();
        declared = new Set();
      }
      const declares = /^:(\S+)/.exec(line)?.[1];
      if (declares) declared.add(declares);
      const chain = /^(?:\[\d+:\d+\] )?(?:-A|--append) (\S+)/.exec(line)?.[1];
      if (!chain || declared.has(chain) || !builtinChain(table, chain, "accept")) return [line];
      declared.add(chain);
      return [`:${chain} ACCEPT [0:0]`, line];
    })
    .join("\n");
}

function plannedFor(source: Source, live: readonly Table[], wanted: SavedWanted): readonly FirewallBatch[] {
  const kin = live.filter((table) => source.families.some((family) => carries(table, family)));
  const expected = hindrances(kin, source.sort, wanted).reduce(withLiveTable, source.tables);
  return onePerTable(wanted.plan(expected, wanted.families)).map((batch) => withDeclarations(batch, source.tables, expected));
}

/** The live tables of a sort with nothing in their base chains but what hinders. Files know no legacy tables. */
function hindrances(live: readonly Table[], sort: SavedSort, { hinders }: SavedWanted): readonly Table[] {
  return live
    .filter((table) => sortOf(table) === sort && !isFirewalld(table))
    .map((table) => ({
      ...table,
      backend: sort === "iptables" ? "iptables-nft" : table.backend,
      chains: table.chains.map((chain) => ({
        ...chain,
        rules: chain.rules.filter((rule) => !isOwn(rule) && (chain.base === undefined || hinders(rule))).map(asLive),
      })),
    }));
}

/** A planner may edit a table in several steps, each on what the one before leaves; the text is edited in one. */
function onePerTable(batches: readonly FirewallBatch[]): readonly FirewallBatch[] {
  const merged = new Map<string, FirewallBatch>();
  for (const batch of batches) {
    const key = `${batch.backend} ${batch.family} ${batch.table}`;
    const earlier = merged.get(key);
    merged.set(key, earlier ? mergeBatches(earlier, batch) : batch);
  }
  return [...merged.values()].filter(({ edits }) => edits.length > 0);
}

function sortOf({ backend }: Pick<Table, "backend">): SavedSort {
  return backend === "nftables" ? "nftables" : "iptables";
}

/** firewalld makes its tables anew from its own configuration. */
function isFirewalld({ backend, name }: Table): boolean {
  return backend === "nftables" && name === "firewalld";
}

/** Live rules get handles that no saved rule has, so that an edit before one of them lands behind the saved rules. */
const LIVE_HANDLES = 1_000_000;

function withLiveTable(tables: readonly Table[], live: Table): readonly Table[] {
  const known = tables.find((table) => table.family === live.family && table.name === live.name);
  if (!known) return [...tables, live];
  const chains = [
    ...known.chains.map((chain) => withLiveRules(chain, findChain(live, chain.name))),
    ...live.chains.filter((chain) => !findChain(known, chain.name)),
  ];
  return tables.map((table) => (table === known ? { ...known, chains } : table));
}

function asLive(rule: Rule): Rule {
  return rule.handle === undefined ? rule : { ...rule, handle: rule.handle + LIVE_HANDLES };
}

function withLiveRules(chain: Chain, live: Chain | undefined): Chain {
  const texts = new Set(chain.rules.map((rule) => rule.text));
  const more = (live?.rules ?? []).filter((rule) => !texts.has(rule.text));
  return { ...chain, ...(chain.base || !live?.base ? {} : { base: live.base }), rules: [...chain.rules, ...more] };
}

/** A base chain that only the kernel has has to be declared in the saved script before a rule can stand in it. */
function withDeclarations(batch: FirewallBatch, saved: readonly Table[], expected: readonly Table[]): FirewallBatch {
  if (batch.backend !== "nftables") return batch;
  const table = (tables: readonly Table[]): Table | undefined =>
    tables.find((candidate) => candidate.family === batch.family && candidate.name === batch.table);
  const known = table(saved);
  const names = new Set(batch.edits.flatMap((edit) => (edit.edit === "insert" ? [edit.chain] : [])));
  const created = [...names].flatMap((chain): readonly FirewallEdit[] => {
    const base = known && findChain(known, chain) ? undefined : table(expected)?.chains.find(({ name }) => name === chain)?.base;
    if (!base || batch.edits.some((edit) => edit.edit === "create-chain" && edit.chain === chain)) return [];
    return [
      { edit: "create-chain", chain, type: base.type === "nat" ? "nat" : "filter", hook: base.hook, priority: base.priority },
    ];
  });
  return { ...batch, edits: [...created, ...batch.edits] };
}

interface FileEdit {
  readonly path: string;
  readonly after: string;
  readonly batches: readonly FirewallBatch[];
  readonly reason: string;
}

function fileChange(file: FileFact | undefined, { path, after, batches, reason }: FileEdit): Change {
  const edits = batches.flatMap((batch) => batch.edits);
  const added = edits.flatMap((edit) => (edit.edit === "insert" ? [edit.rule] : []));
  const removed = removedLines(file?.content ?? "", after);
  const write: Step = {
    do: "write-file",
    path,
    before: file?.content ?? null,
    after,
    encoding: file?.encoding ?? "utf8",
    ...(file ? {} : { create_mode: "0600" }),
    ...(batches.some(({ backend }) => backend === "nftables") ? { check: "nft" } : {}),
  };
  // A rule that goes and comes back as it was has moved.
  const moved = removed.length === 0 && edits.some(({ edit }) => edit === "delete");
  const what: Pick<Change, "action" | "property" | "before" | "after"> = moved
    ? { action: "move", property: "line", before: lineOf(file?.content ?? "", added), after: lineOf(after, added) }
    : {
        action: added.length === 0 ? "delete" : removed.length > 0 ? "update" : "create",
        property: "saved rules",
        before: removed.length === 0 ? null : removed,
        after: added.length === 0 ? null : added,
      };
  return {
    ...what,
    target: path,
    reason,
    impact: "none",
    risks_access: false,
    interrupts: [],
    steps: [write],
    undo: [{ do: "restore-file", path }],
  };
}

/** The line, counted from 1, on which the first of some rules stands. */
function lineOf(text: string, [rule = ""]: readonly string[]): number {
  return text.split("\n").findIndex((line) => line.includes(rule)) + 1;
}

/** The rules of a text that another one lacks, as its lines. */
function removedLines(before: string, after: string): readonly string[] {
  const kept = after.split("\n");
  return before.split("\n").flatMap((line) => {
    const at = kept.indexOf(line);
    if (at >= 0) kept.splice(at, 1);
    return at >= 0 || line.trim() === "" ? [] : [line.trim()];
  });
}

/** Rules of a sort that nothing loads at boot: the wanted state would not survive one. */
function blockedWithoutLoader(
  live: readonly Table[],
  wanted: SavedWanted,
  { persistence, served }: { readonly persistence: PersistenceState; readonly served: ReadonlySet<string> },
): SavedAssessment["blocked"] {
  for (const sort of ["iptables", "nftables"] as const) {
    if (wanted.sort !== undefined && wanted.sort !== sort) continue;
    const families = wanted.families.filter((family) => !served.has(`${sort} ${family}`));
    const remains = hindrances(live, sort, wanted);
    if (families.length === 0 || wanted.plan(remains, families).every(({ edits }) => edits.length === 0)) continue;
    return {
      reason: `nothing on the host would load a saved ${sort} rule set at boot, so that the rule would be gone after one`,
      unblock: `${persistence.remedy[sort]}, or set persist: false`,
    };
  }
  return undefined;
}
