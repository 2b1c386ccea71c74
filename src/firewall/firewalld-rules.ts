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
import { reach } from "./matching.ts";
import { rangeOf } from "./range.ts";

/** Which of firewalld's two configurations something is about. */
export type FirewalldScope = "runtime" | "permanent";

/** What has to be in firewalld, and where it already holds by other means. */
export interface DirectWanted {
  readonly rules: readonly DirectRule[];
  readonly persist: boolean;
  readonly reason: string;
  /** Whether the rule's aim is reached without it. */
  readonly holds: (rule: DirectRule, scope: FirewalldScope) => boolean;
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

/** The changes after which the direct rules stand in firewalld, now and after a reload. */
export function directRuleChanges(state: FirewalldState, wanted: DirectWanted): readonly Change[] {
  const scopes: readonly FirewalldScope[] = wanted.persist ? ["runtime", "permanent"] : ["runtime"];
  return scopes.flatMap((scope) => {
    const missing = wanted.rules.filter((rule) => !has(state[scope], rule) && !wanted.holds(rule, scope));
    return missing.length === 0 ? [] : [change(scope, "create", missing, wanted.reason)];
  });
}

/** The changes that take our direct rules of these owners out of firewalld. */
export function directRuleRemovals(state: FirewalldState, owners: ReadonlySet<string>): readonly Change[] {
  return (["runtime", "permanent"] as const).flatMap((scope) => {
    const own = state[scope].direct.filter(({ rule }) => owners.has(/--comment (\S+)/.exec(rule)?.[1] ?? ""));
    return own.length === 0 ? [] : [change(scope, "delete", own, "the resource is declared absent")];
  });
}

/** Whether a rule stands in a configuration, at whatever priority. */
function has({ direct }: FirewalldConfiguration, wanted: DirectRule): boolean {
  return direct.some((rule) => directRuleText({ ...rule, priority: 0 }) === directRuleText({ ...wanted, priority: 0 }));
}

function change(scope: FirewalldScope, action: "create" | "delete", rules: readonly DirectRule[], reason: string): Change {
  const steps = (verb: "add" | "remove"): readonly Step[] =>
    rules.map((rule) => ({
      do: "firewall-cmd",
      args: [...(scope === "permanent" ? ["--permanent"] : []), "--direct", `--${verb}-rule`, ...directRuleText(rule).split(" ")],
    }));
  const texts = rules.map(directRuleText);
  return {
    action,
    target: scope === "permanent" ? "firewalld (permanent)" : "firewalld",
    property: "direct rules",
    before: action === "create" ? null : texts,
    after: action === "create" ? texts : null,
    reason,
    impact: "none",
    risks_access: false,
    interrupts: [],
    steps: steps(action === "create" ? "add" : "remove"),
    undo: steps(action === "create" ? "remove" : "add"),
  };
}

/** Whether firewalld would leave the packets of a pair alone after a reload: no zone or policy in use masquerades them, or a direct rule exempts them. */
export function isExemptAfterReload(state: FirewalldState, pair: Pair): boolean {
  const { zones, policies, direct } = state.permanent;
  const used = new Set(
    [...state.runtime.zones, ...zones].flatMap((zone) => (zone.interfaces.length + zone.sources.length > 0 ? [zone.name] : [])),
  ).add(state.defaultZone);
  const masquerading = [...zones.filter(({ name }) => used.has(name)), ...policies].some((zone) => masquerades(zone, pair));
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

/** The change that lets something through the zone: a service for everyone, or a rich rule for each peer. */
export function zoneChanges(
  state: FirewalldState,
  wanted: {
    readonly zone: string;
    readonly items: readonly ZoneItem[];
    readonly persist: boolean;
    readonly present: boolean;
    readonly reason: string;
  },
): readonly Change[] {
  const scopes: readonly FirewalldScope[] = wanted.persist || !wanted.present ? ["runtime", "permanent"] : ["runtime"];
  return scopes.flatMap((scope) => {
    const zone = state[scope].zones.find(({ name }) => name === wanted.zone);
    const differing = wanted.items.filter((item) => zone !== undefined && zoneHas(zone, item) !== wanted.present);
    if (differing.length === 0) return [];
    const steps = (verb: "add" | "remove"): readonly Step[] =>
      differing.map(({ list, value }) => ({
        do: "firewall-cmd",
        args: [...(scope === "permanent" ? ["--permanent"] : []), `--zone=${wanted.zone}`, `--${verb}-${list}=${value}`],
      }));
    const values = differing.map(({ value }) => value);
    return [
      {
        action: wanted.present ? "create" : "delete",
        target: `firewalld zone ${wanted.zone}${scope === "permanent" ? " (permanent)" : ""}`,
        property: "ipsec",
        before: wanted.present ? null : values,
        after: wanted.present ? values : null,
        reason: wanted.reason,
        impact: "none",
        risks_access: false,
        interrupts: [],
        steps: steps(wanted.present ? "add" : "remove"),
        undo: steps(wanted.present ? "remove" : "add"),
      } satisfies Change,
    ];
  });
}

/** Something that a zone lists. */
export interface ZoneItem {
  readonly list: "service" | "rich-rule";
  readonly value: string;
}

function zoneHas(zone: FirewalldZone, { list, value }: ZoneItem): boolean {
  return (list === "service" ? zone.services : zone.richRules).includes(value);
}
