import type { FirewallBatch, FirewallEdit, RuleRef } from "../model/step.ts";
import { editedChains, type RuleEdit, ruleEdits } from "./edits.ts";

/**
 * A chain as the edits of a batch see it, without knowing its rules: the old rules that an edit names, and new ones right
 * before them. The last slot stands for the end of the chain.
 */
export type Slot =
  | { readonly kind: "old"; readonly ref: RuleRef; readonly gone: boolean }
  | { readonly kind: "new"; readonly rule: string }
  | { readonly kind: "end" };

/** What a batch does to one chain. */
export function layoutOf(batch: FirewallBatch, chain: string): readonly Slot[] {
  const edits = ruleEdits(batch, chain);
  return apply(edits, positions(edits));
}

/** One batch that does what two do one after the other; the second one's positions count what the first one left. */
export function mergeBatches(earlier: FirewallBatch, later: FirewallBatch): FirewallBatch {
  const others = [...earlier.edits, ...later.edits].filter(({ edit }) => edit === "create-chain" || edit === "drop-chain");
  const first = editedChains(earlier);
  const chains = [...new Set([...first, ...editedChains(later)])];
  const edits = chains.flatMap((chain) => mergeChain(chain, ruleEdits(earlier, chain), ruleEdits(later, chain)));
  const expect = [...(earlier.expect ?? []), ...(later.expect ?? []).filter(({ chain }) => !first.includes(chain))];
  const { expect: _expected, ...rest } = earlier;
  return { ...rest, edits: [...others, ...edits], ...(expect.length > 0 ? { expect } : {}) };
}

function mergeChain(chain: string, earlier: readonly RuleEdit[], later: readonly RuleEdit[]): readonly FirewallEdit[] {
  // The later positions may reach past everything that the earlier edits name.
  const before = apply(earlier, positions([...earlier, ...later], earlier.length));
  const standing = before.filter((slot) => slot.kind === "new" || (slot.kind === "old" && !slot.gone));
  const numbered = new Map(standing.map((slot, index) => [index + 1, slot]));
  return editsOf(
    chain,
    apply(later, before, (position) => numbered.get(position)),
  );
}

/** The edits that make a layout, each named after an old rule. */
function editsOf(chain: string, slots: readonly Slot[]): readonly FirewallEdit[] {
  return slots.flatMap((slot, index): readonly FirewallEdit[] => {
    if (slot.kind === "old") return slot.gone ? [{ edit: "delete", chain, rule: slot.ref }] : [];
    if (slot.kind === "end") return [];
    const next = slots.slice(index + 1).find(({ kind }) => kind !== "new");
    return [{ edit: "insert", chain, rule: slot.rule, before: next?.kind === "old" ? next.ref : null }];
  });
}

function refsOf(edit: RuleEdit): readonly RuleRef[] {
  const ref = edit.edit === "insert" ? edit.before : edit.rule;
  return ref === null ? [] : [ref];
}

/** Slots for every position up to the highest that the edits name, and `more`. */
function positions(edits: readonly RuleEdit[], more = 0): readonly Slot[] {
  const highest = Math.max(0, ...edits.flatMap(refsOf).map((ref) => ("position" in ref ? ref.position + more : 0)));
  const old = Array.from({ length: highest }, (_, index): Slot => ({ kind: "old", ref: { position: index + 1 }, gone: false }));
  return [...old, { kind: "end" }];
}

function apply(
  edits: readonly RuleEdit[],
  start: readonly Slot[],
  numbered?: (position: number) => Slot | undefined,
): readonly Slot[] {
  let slots = start;
  // A deletion replaces a slot by its gone twin; positions keep naming the one they named at the start.
  const now = new Map<Slot, Slot>();
  const locate = (ref: RuleRef): number => {
    const named = "position" in ref && numbered ? numbered(ref.position) : undefined;
    if (named) return slots.indexOf(now.get(named) ?? named);
    // A reference means a rule that was there before these edits: an old one, or one that an earlier batch brings.
    const found = slots.findIndex((slot) =>
      slot.kind === "old" ? sameRef(slot.ref, ref) : slot.kind === "new" && start.includes(slot) && holds(slot.rule, ref),
    );
    if (found >= 0) return found;
    const end = slots.findIndex(({ kind }) => kind === "end");
    slots = slots.toSpliced(end, 0, { kind: "old", ref, gone: false });
    return end;
  };
  for (const edit of edits) {
    if (edit.edit === "insert") {
      const at = edit.before === null ? slots.length : locate(edit.before);
      slots = slots.toSpliced(at, 0, { kind: "new", rule: edit.rule });
      continue;
    }
    const at = locate(edit.rule);
    const slot = slots[at];
    if (slot?.kind === "new") slots = slots.toSpliced(at, 1);
    else if (slot?.kind === "old") {
      const gone = { ...slot, gone: true };
      now.set(slot, gone);
      slots = slots.with(at, gone);
    }
  }
  return slots;
}

function sameRef(one: RuleRef, other: RuleRef): boolean {
  if ("position" in one) return "position" in other && one.position === other.position;
  if ("handle" in one) return "handle" in other && one.handle === other.handle;
  return "comment" in other && one.comment === other.comment;
}

/** Whether a rule that a batch inserts is the one that a reference names. */
function holds(rule: string, ref: RuleRef): boolean {
  return "comment" in ref && rule.includes(`"${ref.comment}"`);
}
