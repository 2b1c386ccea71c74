import type { Change } from "../model/plan.ts";
import { type ClampFlow, iptablesClamp, unclamped } from "./clamp.ts";
import { type DirectRule, directRuleText, type FirewalldState } from "./firewalld.ts";
import { directRuleChanges, directRuleRemovals, directTables } from "./firewalld-rules.ts";
import type { Table } from "./model.ts";

/** What firewalld has to clamp. */
export interface FirewalldClamp {
  readonly flows: readonly ClampFlow[];
  readonly state: "present" | "absent";
  readonly persist: boolean;
}

/**
 * The changes that clamp flows by direct rules of firewalld in the mangle table, now and after a reload. firewalld's own rich
 * rule for it has been reported not to work.
 */
export function clampDirectly(state: FirewalldState, tables: readonly Table[], wanted: FirewalldClamp): readonly Change[] {
  const owners = new Set(wanted.flows.map(({ owner }) => owner));
  if (wanted.state === "absent") return directRuleRemovals(state, owners, "mss");
  const open = { runtime: unclamped(tables, wanted.flows), permanent: unclamped(directTables(state.permanent), wanted.flows) };
  return directRuleChanges(state, {
    rules: wanted.flows.map(clampRule),
    persist: wanted.persist,
    property: "mss",
    reason: "forwarded SYNs may keep an MSS that does not fit",
    holds: (rule, scope) => !open[scope].some((flow) => directRuleText(clampRule(flow)) === directRuleText(rule)),
  });
}

function clampRule(flow: ClampFlow): DirectRule {
  return { family: flow.family, table: "mangle", chain: "FORWARD", priority: 0, rule: iptablesClamp(flow, "") };
}
