import { mergeBatches } from "../firewall/layout.ts";
import type { Change } from "../model/plan.ts";
import type { FirewallBatch, Step } from "../model/step.ts";

/** One operation of a transaction: what is done, and what takes it back. */
export interface Operation {
  readonly step: Step;
  readonly undo: readonly Step[];
}

/** What carries out a gateway's changes: the writes in their order, then the loads and restarts that they call for. */
export interface Operations {
  readonly writes: readonly Operation[];
  readonly closing: readonly Operation[];
}

/**
 * The operations that carry out a gateway's changes: one write per file, one batch per table, then each load or restart once.
 * A merged operation takes the place of its last part, because what came between may have to be there first.
 * `undoBatch` inverts a merged batch against the rule set as it was read; `undoLoad` makes the daemon hold a conn, or not, as it did.
 */
export function mergeChanges(
  changes: readonly Change[],
  undoBatch: (batch: FirewallBatch) => readonly Step[],
  undoLoad: (conn: string) => readonly Step[] = (conn) => [{ do: "load-conn", conn }],
): Operations {
  const ownUndo = new Map(changes.flatMap(ownUndoOf));
  const writes = mergeSteps(changes.flatMap(({ steps }) => steps)).map((step) => ({
    step,
    undo: mergedUndo(step, undoBatch) ?? ownUndo.get(step) ?? [],
  }));
  const closing = closingOrder(lastOfEach(changes.flatMap((change) => change.finally ?? [])));
  const ownClosing = new Map(changes.flatMap(ownClosingUndoOf));
  const loads = new Set(closing.flatMap((step) => (step.do === "load-conn" ? [step.conn] : [])));
  const closingUndo = (step: Step): readonly Step[] => {
    if (step.do === "load-conn" || step.do === "unload-conn") return undoLoad(step.conn);
    const own = ownClosing.get(JSON.stringify(step));
    if (own !== undefined) return own;
    if ((step.do === "initiate-conn" || step.do === "route-conn") && loads.has(step.conn)) return [];
    return repeated(step);
  };
  return { writes, closing: closing.map((step) => ({ step, undo: closingUndo(step) })) };
}

/** Steps with the writes of one file and the batches of one table brought together, each in the place of its last part. */
export function mergeSteps(steps: readonly Step[]): readonly Step[] {
  const merged = new Map<string, { readonly step: Step; readonly at: number }>();
  steps.forEach((step, at) => {
    const key = mergeKey(step) ?? `#${at}`;
    const earlier = merged.get(key)?.step;
    merged.delete(key);
    const combined = earlier === undefined ? step : combine(earlier, step);
    if (combined !== undefined) merged.set(key, { step: combined, at });
  });
  return [...merged.values()].sort((one, other) => one.at - other.at).map(({ step }) => step);
}

function mergeKey(step: Step): string | undefined {
  if (step.do === "write-file" || step.do === "remove-file") return `file ${step.path}`;
  if (step.do === "firewall-batch") return `batch ${step.backend} ${step.family} ${step.table}`;
  if (step.do === "flush-conntrack") return JSON.stringify(step);
  return undefined;
}

/** Undefined when the two take each other back. */
function combine(earlier: Step, later: Step): Step | undefined {
  if (earlier.do === "firewall-batch" && later.do === "firewall-batch") return mergeBatches(earlier, later);
  if (earlier.do === "write-file" && later.do === "write-file") {
    const { create_mode: mode = earlier.create_mode, check = earlier.check, ...rest } = later;
    const step: Step = { ...rest, before: earlier.before, ...(mode ? { create_mode: mode } : {}), ...(check ? { check } : {}) };
    return step.before === step.after ? undefined : step;
  }
  if (earlier.do === "write-file" && later.do === "remove-file")
    return earlier.before === null ? undefined : { ...later, before: earlier.before };
  if (earlier.do === "remove-file" && later.do === "write-file") {
    const step: Step = { ...later, before: earlier.before };
    return step.before === step.after ? undefined : step;
  }
  return later;
}

/** The undo of steps that are merged; undefined for a step whose change says how it is taken back. */
function mergedUndo(step: Step, undoBatch: (batch: FirewallBatch) => readonly Step[]): readonly Step[] | undefined {
  if (step.do === "write-file" || step.do === "remove-file") return [{ do: "restore-file", path: step.path }];
  if (step.do === "firewall-batch") return undoBatch(step);
  if (step.do === "flush-conntrack" || step.do === "pluto-listen") return [];
  return undefined;
}

/** A change's own undo hangs on its first step that is not merged, so that it runs whichever of its steps failed. */
function ownUndoOf(change: Change): readonly (readonly [Step, readonly Step[]])[] {
  const first = change.steps.find((step) => mergedUndo(step, () => []) === undefined);
  const undo = change.undo.filter((step) => mergedUndo(step, () => []) === undefined && step.do !== "restore-file");
  return first === undefined ? [] : [[first, undo]];
}

/** A change that has nothing but closing steps to do hangs its own undo on the first of them; loads are undone by what was loaded. */
function ownClosingUndoOf(change: Change): readonly (readonly [string, readonly Step[]])[] {
  if (ownUndoOf(change).length > 0) return [];
  const undo = change.undo.filter(
    (step) => mergedUndo(step, () => []) === undefined && !["restore-file", "load-conn", "unload-conn"].includes(step.do),
  );
  const first = (change.finally ?? []).find((step) => step.do !== "load-conn" && step.do !== "unload-conn");
  return first === undefined || undo.length === 0 ? [] : [[JSON.stringify(first), undo]];
}

function lastOfEach(steps: readonly Step[]): readonly Step[] {
  const byText = new Map<string, Step>();
  for (const step of steps) {
    const key = JSON.stringify(step);
    byText.delete(key);
    byText.set(key, step);
  }
  return [...byText.values()];
}

/** A daemon that restarts reads everything again, so restarts come first and what must be loaded follows. */
function closingOrder(steps: readonly Step[]): readonly Step[] {
  return [...steps.filter((step) => step.do === "service"), ...steps.filter((step) => step.do !== "service")];
}

/** Once the files are back, what read them reads them again. */
function repeated(step: Step): readonly Step[] {
  switch (step.do) {
    case "service":
      return [step.verb === "start" ? { ...step, verb: "stop" } : step];
    case "nm-activate":
    case "initiate-conn":
    case "route-conn":
      return [step];
    default:
      return [];
  }
}
