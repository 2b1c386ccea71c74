import type { Change } from "../model/plan.ts";
import type { Step } from "../model/step.ts";
import { contains, formatNetwork, overlaps, parseNetwork } from "../text/address.ts";
import type { Pair } from "./exemption.ts";
import {
  type DirectRule,
  directRuleText,
  type FirewalldConfiguration,
  type FirewalldState,
  type FirewalldZone,
} from "./firewalld.ts";
import { parseIptablesRule } from "./iptables-rule.ts";
import { builtinChain } from "./iptables-save.ts";
import { reach } from "./matching.ts";
import { findChain, type Table } from "./model.ts";
import { rangeOf } from "./range.ts";

/** Which of firewalld's two configurations something is about. */
export type FirewalldScope = "runtime" | "permanent";

/** Direct rules that come and go in one configuration. */
export interface DirectEdit {
  readonly scope: FirewalldScope;
  readonly add: readonly DirectRule[];
  readonly remove: readonly DirectRule[];
  readonly property: string;
  readonly reason: string;
}

/**
 * The direct rule that exempts a pair: identity NAT. It works with both backends, because no later chain translates a
 * connection that has its mapping; a RETURN works with none, since firewalld masquerades in a chain of its own behind it.
 */
export function exemptionRule(state: FirewalldState, { source, destination }: Pair, owner: string): DirectRule {
  const network = formatNetwork(source);
  const rule = `-s ${network} -d ${formatNetwork(destination)} -m comment --comment ${owner} -j NETMAP --to ${network}`;
  const { family } = source;
  const base = { family, table: "nat", chain: "POSTROUTING" } as const;
  return { ...base, priority: firstPriority(state, { ...base, priority: 0, rule }), rule };
}

/** Ahead of foreign direct rules of the chain; firewalld's documented first priority where there are none. */
function firstPriority({ runtime, permanent }: FirewalldState, wanted: DirectRule): number {
  const foreign = [...runtime.direct, ...permanent.direct].filter(
    ({ family, table, chain, rule }) =>
      family === wanted.family && table === wanted.table && chain === wanted.chain && !rule.includes("ipsec-fix:"),
  );
  return Math.min(0, ...foreign.map(({ priority }) => priority - 1));
}

/** The change that makes an edit, through firewalld's own tool; none where there is nothing to do. */
export function directChange({ scope, add, remove, property, reason }: DirectEdit): readonly Change[] {
  if (add.length + remove.length === 0) return [];
  const before = remove.map(directRuleText);
  const after = add.map(directRuleText);
  return [
    {
      action: after.length === 0 ? "delete" : before.length === 0 ? "create" : "update",
      target: scope === "permanent" ? "firewalld (permanent)" : "firewalld",
      property,
      before: before.length === 0 ? null : before,
      after: after.length === 0 ? null : after,
      reason,
      impact: "none",
      risks_access: false,
      interrupts: [],
      steps: [...directSteps(scope, "remove", remove), ...directSteps(scope, "add", add)],
      undo: [...directSteps(scope, "remove", add), ...directSteps(scope, "add", remove)],
    },
  ];
}

function directSteps(scope: FirewalldScope, verb: "add" | "remove", rules: readonly DirectRule[]): readonly Step[] {
  return rules.map((rule) => ({
    do: "firewall-cmd",
    args: [...(scope === "permanent" ? ["--permanent"] : []), "--direct", `--${verb}-rule`, ...directRuleText(rule).split(" ")],
  }));
}

/** The direct rules of a configuration that carry one of these comments. */
export function ownDirectRules({ direct }: FirewalldConfiguration, owners: ReadonlySet<string>): readonly DirectRule[] {
  return direct.filter((rule) => owners.has(ownerOf(rule)));
}

/** Direct rules that have to be there, unless what they are for holds without them. */
export interface DirectWanted {
  readonly rules: readonly DirectRule[];
  readonly persist: boolean;
  readonly property?: string;
  readonly reason: string;
  readonly holds: (rule: DirectRule, scope: FirewalldScope) => boolean;
}

/** The changes after which the direct rules do their work, now and (`persist`) after a reload. */
export function directRuleChanges(state: FirewalldState, wanted: DirectWanted): readonly Change[] {
  const { rules, persist, property = "exemption", reason, holds } = wanted;
  const scopes: readonly FirewalldScope[] = persist ? ["runtime", "permanent"] : ["runtime"];
  return scopes.flatMap((scope) => {
    const missing = rules.filter((rule) => !holds(rule, scope));
    const standing = new Set(state[scope].direct.map(directRuleText));
    const texts = new Set(missing.map(directRuleText));
    // Ours that stands there and does not help has been overtaken, or has another value.
    const useless = ownDirectRules(state[scope], new Set(missing.map(ownerOf))).filter(
      (rule) => !texts.has(directRuleText(rule)),
    );
    return directChange({
      scope,
      add: missing.filter((rule) => !standing.has(directRuleText(rule))),
      remove: useless,
      property,
      reason,
    });
  });
}

/** The changes that take our direct rules of these owners out of firewalld. */
export function directRuleRemovals(
  state: FirewalldState,
  owners: ReadonlySet<string>,
  property = "exemption",
): readonly Change[] {
  return (["runtime", "permanent"] as const).flatMap((scope) =>
    directChange({ scope, add: [], remove: ownDirectRules(state[scope], owners), property, reason: "the rule shall not exist" }),
  );
}

function ownerOf({ rule }: DirectRule): string {
  return /--comment (\S+)/.exec(rule)?.[1] ?? "";
}

/** The direct rules of a configuration as iptables will have them. */
export function directTables({ direct }: FirewalldConfiguration): readonly Table[] {
  const tables = new Map<string, Table>();
  for (const { family, table, chain, rule } of direct.toSorted((one, other) => one.priority - other.priority)) {
    const known = tables.get(`${family} ${table}`) ?? { backend: "iptables-nft", family, name: table, chains: [] };
    const base = builtinChain(table, chain, "accept");
    const old = findChain(known, chain) ?? { name: chain, ...(base ? { base } : {}), rules: [] };
    const grown = { ...old, rules: [...old.rules, parseIptablesRule(rule, family, { has: () => false })] };
    tables.set(`${family} ${table}`, { ...known, chains: [...known.chains.filter(({ name }) => name !== chain), grown] });
  }
  return [...tables.values()];
}

/** Whether firewalld would leave the packets of a pair alone after a reload: no zone or policy in use masquerades them, or a direct rule exempts them. */
export function isExemptAfterReload(state: FirewalldState, pair: Pair): boolean {
  const { zones, direct } = state.permanent;
  const used = new Set(
    [...state.runtime.zones, ...zones].flatMap((zone) => (zone.interfaces.length + zone.sources.length > 0 ? [zone.name] : [])),
  ).add(state.defaultZone);
  const masquerading = [...zones.filter(({ name }) => used.has(name)), ...state.policies].some((zone) => masquerades(zone, pair));
  return !masquerading || direct.some((rule) => exempts(rule, pair));
}

/** Whether a direct rule gives every packet of the pair its own source as its mapping. */
function exempts({ family, table, chain, rule }: DirectRule, { source, destination }: Pair): boolean {
  if (family !== source.family || table !== "nat" || chain !== "POSTROUTING") return false;
  const { matches, verdict } = parseIptablesRule(rule, family, { has: () => false });
  if (verdict.kind !== "rewrite") return false;
  const keeps = verdict.identity.some(({ first, last }) => first <= source.first && source.last <= last);
  const box = { source: rangeOf(source), destination: rangeOf(destination) };
  return (
    keeps &&
    reach(matches, [box], { family, protected: true }).sure.some(
      (part) =>
        part.source.first === box.source.first &&
        part.source.last === box.source.last &&
        part.destination.first === box.destination.first &&
        part.destination.last === box.destination.last,
    )
  );
}

function masquerades(zone: FirewalldZone, pair: Pair): boolean {
  // The switch itself is for IPv4 alone.
  if (zone.masquerade && pair.source.family === "ipv4") return true;
  return zone.richRules.some((rule) => / masquerade$/.test(rule) && mayMatch(rule, pair));
}

function mayMatch(rule: string, { source, destination }: Pair): boolean {
  const family = /family="(ipv[46])"/.exec(rule)?.[1];
  if (family !== undefined && family !== source.family) return false;
  return (
    [
      ["source", source],
      ["destination", destination],
    ] as const
  ).every(([side, network]) => {
    const [, not, address] = new RegExp(` ${side} (NOT )?address="([^"]*)"`, "i").exec(rule) ?? [];
    const range = address === undefined ? undefined : parseNetwork(address);
    if (range === undefined) return true;
    return not ? !contains(range, network) : overlaps(range, network);
  });
}
