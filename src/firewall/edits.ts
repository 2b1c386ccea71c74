import type { FirewallBatch, FirewallEdit, RuleRef } from "../model/step.ts";
import type { Family } from "../text/address.ts";
import { parseIptablesRule } from "./iptables-rule.ts";
import { builtinChain, builtinNames } from "./iptables-save.ts";
import { type Chain, findChain, findTable, type Rule, type Table } from "./model.ts";
import { parseNftRule } from "./nft-statement.ts";

/** An edit of one rule. */
export type RuleEdit = Extract<FirewallEdit, { readonly edit: "insert" | "delete" }>;

/** The tables as a batch leaves them. */
export function afterBatch(tables: readonly Table[], batch: FirewallBatch): readonly Table[] {
  const key = { backend: batch.backend, family: batch.family, name: batch.table };
  const old = findTable(tables, key);
  const start: Table = { ...key, chains: old?.chains ?? builtinChains(batch) };
  const created = batch.edits.flatMap((edit) =>
    edit.edit === "create-chain" && !findChain(start, edit.chain) ? [newChain(edit)] : [],
  );
  const table: Table = { ...start, chains: [...start.chains, ...created] };
  const edited = table.chains.map((chain) => {
    const edits = ruleEdits(batch, chain.name);
    return edits.length === 0 ? chain : { ...chain, rules: afterEdits(chain.rules, edits, (text) => readRule(table, text)) };
  });
  const dropped = batch.edits.flatMap((edit) => (edit.edit === "drop-chain" ? [edit] : []));
  const after = { ...table, chains: edited.filter(({ name }) => !dropped.some(({ chain }) => chain === name)) };
  const result = dropped.some((edit) => edit.table) || (old === undefined && after.chains.length === 0) ? [] : [after];
  return old === undefined ? [...tables, ...result] : tables.flatMap((each) => (each === old ? result : [each]));
}

/** The edits of a batch that add rules to a chain or take some from it. */
export function ruleEdits(batch: FirewallBatch, chain: string): readonly RuleEdit[] {
  return batch.edits.flatMap((edit) =>
    (edit.edit === "insert" || edit.edit === "delete") && edit.chain === chain ? [edit] : [],
  );
}

/** The chains whose rules a batch edits. */
export function editedChains(batch: FirewallBatch): readonly string[] {
  return [...new Set(batch.edits.flatMap((edit) => (edit.edit === "insert" || edit.edit === "delete" ? [edit.chain] : [])))];
}

/** iptables makes a table with all its chains when the first rule comes. */
function builtinChains({ backend, table }: FirewallBatch): readonly Chain[] {
  if (backend === "nftables") return [];
  return builtinNames(table).flatMap((name) => {
    const base = builtinChain(table, name, "accept");
    return base ? [{ name, base, rules: [] }] : [];
  });
}

function newChain({ chain, type, hook, priority }: Extract<FirewallEdit, { readonly edit: "create-chain" }>): Chain {
  return { name: chain, base: { type, hook, priority, policy: "accept" }, rules: [] };
}

/** Reads the text of a rule in the language of its table. */
export function readRule(table: Pick<Table, "backend" | "family" | "chains">, text: string): Rule {
  if (table.backend === "nftables") return parseNftRule(text);
  const family: Family = table.family === "ipv6" ? "ipv6" : "ipv4";
  return parseIptablesRule(text, family, { has: (name) => table.chains.some((chain) => chain.name === name) });
}

interface Slot {
  readonly rule: Rule;
  /** Where it stood before the batch; undefined of a rule that the batch inserts. */
  readonly position: number | undefined;
  readonly gone: boolean;
}

function afterEdits(rules: readonly Rule[], edits: readonly RuleEdit[], read: (text: string) => Rule): readonly Rule[] {
  const before: readonly Slot[] = rules.map((rule, index) => ({ rule, position: index + 1, gone: false }));
  const after = edits.reduce<readonly Slot[]>((slots, edit) => {
    if (edit.edit === "delete") {
      const at = find(slots, edit.rule);
      return slots.map((slot, index) => (index === at ? { ...slot, gone: true } : slot));
    }
    const at = edit.before === null ? -1 : find(slots, edit.before);
    return slots.toSpliced(at < 0 ? slots.length : at, 0, { rule: read(edit.rule), position: undefined, gone: false });
  }, before);
  return after.flatMap(({ rule, gone }) => (gone ? [] : [rule]));
}

function find(slots: readonly Slot[], ref: RuleRef): number {
  if ("position" in ref) return slots.findIndex(({ position }) => position === ref.position);
  const known = ({ position, gone }: Slot): boolean => position !== undefined && !gone;
  if ("handle" in ref) return slots.findIndex(({ rule }) => rule.handle === ref.handle);
  return slots.findIndex((slot) => known(slot) && slot.rule.comment === ref.comment);
}

/**
 * The batch that takes a batch back, run on the state that it leaves: rules that it inserted go, by their comment; rules that
 * it deleted come back where they stood, with the text that they had.
 */
export function undoOf(batch: FirewallBatch, before: readonly Table[]): FirewallBatch {
  const key = { backend: batch.backend, family: batch.family, name: batch.table };
  const old = findTable(before, key);
  const now = findTable(afterBatch(before, batch), key);
  const { expect: _expected, ...rest } = batch;
  if (now === undefined) return { ...rest, edits: (old?.chains ?? []).flatMap(recreate) };
  const edits = now.chains.flatMap((chain) => {
    const earlier = old && findChain(old, chain.name);
    const isNew = earlier === undefined && batch.backend === "nftables";
    const back = editsBetween(now, chain, earlier ?? { ...chain, rules: [] });
    return isNew ? [...back, { edit: "drop-chain", chain: chain.name, table: old === undefined } as const] : back;
  });
  const gone = (old?.chains ?? []).filter(({ name }) => !findChain(now, name));
  return { ...rest, edits: [...gone.flatMap(recreate), ...edits] };
}

function recreate({ name, base, rules }: Chain): readonly FirewallEdit[] {
  if (base === undefined) return [];
  const { type, hook, priority } = base;
  return [
    { edit: "create-chain", chain: name, type: type === "nat" ? "nat" : "filter", hook, priority },
    ...rules.map((rule): FirewallEdit => ({ edit: "insert", chain: name, rule: rule.text, before: null })),
  ];
}

/** The edits that turn one state of a chain into another that shares the order of what they share. */
function editsBetween(table: Table, from: Chain, to: Chain): readonly FirewallEdit[] {
  const kept = new Set(from.rules.filter((rule) => to.rules.includes(rule)));
  const inserts = to.rules.flatMap((rule, index): readonly FirewallEdit[] => {
    if (kept.has(rule)) return [];
    const next = to.rules.slice(index + 1).find((candidate) => kept.has(candidate));
    return [{ edit: "insert", chain: to.name, rule: rule.text, before: next ? refTo(table, from, next) : null }];
  });
  const deletes = from.rules.flatMap((rule): readonly FirewallEdit[] =>
    kept.has(rule) ? [] : [{ edit: "delete", chain: from.name, rule: ownRefTo(table, from, rule) }],
  );
  return [...inserts, ...deletes];
}

/** Names a rule of a chain as it stands: by position for iptables, by handle for nftables, by comment where it has no handle yet. */
export function refTo(table: Pick<Table, "backend">, chain: Chain, rule: Rule): RuleRef {
  if (table.backend !== "nftables") return { position: chain.rules.indexOf(rule) + 1 };
  return rule.handle === undefined ? { comment: rule.comment ?? "" } : { handle: rule.handle };
}

/** Names a rule that a batch inserted: by its comment, because nobody else's edits change that. */
function ownRefTo(table: Table, chain: Chain, rule: Rule): RuleRef {
  if (rule.comment === undefined) return refTo(table, chain, rule);
  return table.backend === "nftables" ? { comment: rule.comment } : { comment: rule.comment, rule: rule.text };
}
