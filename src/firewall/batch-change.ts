import type { Action, Change } from "../model/plan.ts";
import type { FirewallBatch } from "../model/step.ts";
import { editedChains, undoOf } from "./edits.ts";
import { chainLabel, findChain, findTable, type Rule, type Table } from "./model.ts";
import { isOwn } from "./owner.ts";
import { expectation } from "./placement.ts";

/** A batch as a change of the running rules, with what the chains must still hold when it is written, and its undo. */
export function batchChange(
  batch: FirewallBatch,
  tables: readonly Table[],
  { property, reason }: { readonly property: string; readonly reason: string },
): Change {
  const table = findTable(tables, { backend: batch.backend, family: batch.family, name: batch.table });
  const chains = editedChains(batch);
  const expect = chains.flatMap((name) => {
    const chain = table && findChain(table, name);
    const rules = table && chain && expectation(table, chain);
    return rules ? [{ chain: name, rules }] : [];
  });
  const step: FirewallBatch = expect.length > 0 ? { ...batch, expect } : batch;
  const gone = deletedRules(batch, table);
  const added = batch.edits.flatMap((edit) => (edit.edit === "insert" ? [edit.rule] : []));
  return {
    action: actionOf(gone, added),
    target: chainLabel({ backend: batch.backend, family: batch.family, table: batch.table, chain: chains[0] ?? "" }),
    property,
    before: gone.length === 0 ? null : gone.map(({ text }) => text),
    after: added.length === 0 ? null : added,
    reason,
    impact: "none",
    risks_access: false,
    interrupts: [],
    steps: [step],
    undo: [undoOf(batch, tables)],
  };
}

function deletedRules(batch: FirewallBatch, table: Table | undefined): readonly Rule[] {
  return batch.edits.flatMap((edit) => {
    const rules = (edit.edit === "delete" && table && findChain(table, edit.chain)?.rules) || [];
    if (edit.edit !== "delete") return [];
    const { rule: ref } = edit;
    if ("position" in ref) return rules.slice(ref.position - 1, ref.position);
    return rules.filter((rule) => ("handle" in ref ? rule.handle === ref.handle : rule.comment === ref.comment)).slice(0, 1);
  });
}

/** One of our rules that comes back otherwise is an update; the same rule elsewhere has moved. */
function actionOf(gone: readonly Rule[], added: readonly string[]): Action {
  if (added.length === 0) return "delete";
  if (gone.length === 0) return "create";
  return gone.every((rule) => isOwn(rule) && !added.includes(rule.text)) ? "update" : "move";
}
