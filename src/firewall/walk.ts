import { type Box, subtract } from "./box.ts";
import { type Reach, reach, type Traffic } from "./matching.ts";
import { type Chain, findChain, type Match, type Rule, type Table, type Verdict } from "./model.ts";

/** Packets on their way through a chain: those that may still be there, and those that surely are. */
export interface Flow {
  readonly may: readonly Box[];
  readonly sure: readonly Box[];
}

/** The first rule of a chain that may lead packets to a rewrite of their source. */
export interface Offence {
  /** Where it stands in the chain, counted from 0. */
  readonly index: number;
  readonly rule: Rule;
  /** The rule that rewrites: the same one, or one in a chain that is jumped to. */
  readonly rewriter: Rule;
  /** A condition or target on the way is not known to this model, so that "may" is all that can be said. */
  readonly undecidable: boolean;
}

/** What a walk through a chain comes to. */
export interface Walk {
  readonly offence: Offence | undefined;
  /** Packets that may leave a user chain by its end or a return, and go on in the chain that jumped. */
  readonly through: readonly Box[];
  /** Packets whose source surely stays as it is from here on, whatever later chains do: identity NAT, or no tracking. */
  readonly spared: readonly Box[];
  /** The rules that end the walk for some packets. */
  readonly by: readonly Rule[];
}

interface Place {
  readonly table: Table;
  readonly traffic: Traffic;
  readonly depth: number;
}

/** The kernel refuses deeper nesting (NFT_JUMP_STACK_SIZE); a saved file may still hold a circle. */
const DEEPEST = 16;

/** Walks the rules of a chain in order and stops at the first that may rewrite a packet that may still be there. */
export function walkChain(chain: Chain, place: Place, packets: Flow): Walk {
  let state: State = { flow: packets, through: [], spared: [], by: [] };
  for (const [index, rule] of chain.rules.entries()) {
    if (state.flow.may.length === 0) break;
    const next = step(state, { rule, matches: rule.matches, verdict: rule.verdict, place });
    if ("rewriter" in next) return { ...state, offence: { index, rule, ...next } };
    state = next;
  }
  return { offence: undefined, through: [...state.through, ...state.flow.may], spared: state.spared, by: state.by };
}

interface State {
  readonly flow: Flow;
  readonly through: readonly Box[];
  readonly spared: readonly Box[];
  readonly by: readonly Rule[];
}

interface Visit {
  readonly rule: Rule;
  readonly matches: readonly Match[];
  readonly verdict: Verdict;
  readonly place: Place;
}

type Hit = Pick<Offence, "rewriter" | "undecidable">;

function step(state: State, visit: Visit): State | Hit {
  const { rule, matches, verdict, place } = visit;
  const hit = reach(matches, state.flow.may, place.traffic);
  if (hit.may.length === 0) return state;
  const undecidable = matches.some(({ kind }) => kind === "unknown");
  const base = rule.untracks ? { ...state, spared: [...state.spared, ...surely(state, visit)] } : state;
  switch (verdict.kind) {
    case "none":
      return base;
    case "accept":
    case "drop":
      return leave(base, hit, rule);
    case "return":
      return { ...leave(base, hit, rule), through: [...base.through, ...hit.may] };
    case "jump":
    case "goto":
      return enter(base, hit, { ...visit, verdict });
    case "map":
      return verdict.entries.reduce<State | Hit>(
        (current, entry) =>
          "rewriter" in current
            ? current
            : step(current, { rule, place, matches: [...matches, ...entry.matches], verdict: entry.verdict }),
        base,
      );
    case "rewrite": {
      const keeps = verdict.identity.map((source) => ({ source }));
      const changed = subtract(hit.may, keeps);
      if (changed === undefined || changed.length > 0) return { rewriter: rule, undecidable };
      return { ...leave(base, hit, rule), spared: [...base.spared, ...surely(base, visit)] };
    }
    case "unknown":
      return { rewriter: rule, undecidable: true };
  }
}

/** The packets that surely come to this rule and surely match it. */
function surely({ flow }: State, { matches, place }: Visit): readonly Box[] {
  return reach(matches, flow.sure, place.traffic).sure;
}

/** The packets that surely match are gone; those that may match are no longer surely here. */
function leave(state: State, hit: Reach, rule: Rule): State {
  const may = subtract(state.flow.may, hit.sure) ?? state.flow.may;
  const sure = subtract(state.flow.sure, hit.may) ?? [];
  return { ...state, flow: { may, sure }, by: hit.sure.length > 0 ? [...state.by, rule] : state.by };
}

function enter(
  state: State,
  hit: Reach,
  visit: Visit & { readonly verdict: { readonly kind: "jump" | "goto"; readonly chain: string } },
): State | Hit {
  const { rule, matches, verdict, place } = visit;
  const target = findChain(place.table, verdict.chain);
  if (target === undefined || place.depth >= DEEPEST) return { rewriter: rule, undecidable: true };
  const inner = walkChain(target, { ...place, depth: place.depth + 1 }, { may: hit.may, sure: surely(state, visit) });
  if (inner.offence) {
    const undecidable = inner.offence.undecidable || matches.some(({ kind }) => kind === "unknown");
    return { rewriter: inner.offence.rewriter, undecidable };
  }
  const after = leave(state, hit, rule);
  const spared = [...state.spared, ...inner.spared];
  const by = inner.by.length > 0 ? [...state.by, rule] : state.by;
  if (verdict.kind === "goto") return { ...after, by, spared, through: [...state.through, ...inner.through] };
  const back = subtract(inner.through, after.flow.may) ?? inner.through;
  return { ...after, by, spared, flow: { may: [...after.flow.may, ...back], sure: after.flow.sure } };
}
