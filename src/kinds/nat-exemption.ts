import { findings, natChains, type Pair } from "../firewall/exemption.ts";
import { directRuleChanges, directRuleRemovals, exemptionRule, isExemptAfterReload } from "../firewall/firewalld-rules.ts";
import { type Chain, chainLabel, type Rule, type Table } from "../firewall/model.ts";
import { ownerComment } from "../firewall/owner.ts";
import { persistProbes } from "../firewall/persist.ts";
import { type Exemption, type Placement, placeExemptions, removeExemptions } from "../firewall/placement.ts";
import { culprit } from "../firewall/quotation.ts";
import { savedChanges } from "../firewall/saved.ts";
import { afterFirewallStep, type FirewallState, firewallProbes } from "../firewall/state.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { tunnelsOf } from "../gateway/tunnels.ts";
import { confProbe } from "../libreswan/probes.ts";
import { daemonProbes } from "../libreswan/state.ts";
import type { Change } from "../model/plan.ts";
import type { NatExemption } from "../model/specs.generated.ts";
import type { Step } from "../model/step.ts";
import { addressProbes } from "../network/state.ts";
import { type Family, formatNetwork, parseNetwork } from "../text/address.ts";
import type { Assessment, Kind } from "./kind.ts";
import { warnedIfUnsaved } from "./unsaved.ts";

/** Traffic between the tunnel's networks leaves every NAT chain before a rule can rewrite it. */
export const natExemption: Kind<NatExemption> = {
  name: "nat_exemption",
  probes: (spec) => [
    ...firewallProbes,
    ...persistProbes,
    ...(spec.source === undefined ? [...daemonProbes, confProbe, ...addressProbes] : []),
  ],
  assess: ({ spec }, gateway) => {
    const { unreadable, notes } = gateway.firewall;
    if (unreadable.length > 0) return blocked(`the firewall cannot be read: ${unreadable.join("; ")}`, "run with `become: true`");
    const wanted = exemptionsOf(spec, gateway);
    if ("reason" in wanted) return blocked(wanted.reason, wanted.unblock);
    const assessment =
      spec.state === "absent" ? assessAbsent(spec, wanted.exemptions, gateway) : assessPresent(spec, wanted.exemptions, gateway);
    return warnedIfUnsaved({ ...assessment, notes: [...notes, ...wanted.notes, ...assessment.notes] }, spec);
  },
};

interface Obstacle {
  readonly reason: string;
  readonly unblock: string;
}

function blocked(reason: string, unblock: string): Assessment {
  return { changes: [], notes: [], blocked: { reason, unblock } };
}

/** What has to be exempt: each pair of networks, or with `match: policy` and no known pairs whatever an IPsec policy takes. */
function exemptionsOf(
  spec: NatExemption,
  gateway: Gateway,
): { readonly exemptions: readonly Exemption[]; readonly notes: readonly string[] } | Obstacle {
  const found = pairsOf(spec, gateway);
  if ("reason" in found) return found;
  const families: readonly Family[] = spec.family === undefined || spec.family === "both" ? ["ipv4", "ipv6"] : [spec.family];
  const everything = families.flatMap(
    (family) => pairOf(family === "ipv4" ? ["0.0.0.0/0", "0.0.0.0/0"] : ["::/0", "::/0"]) ?? [],
  );
  const pairs = (found.pairs.length > 0 ? found.pairs : everything).filter(({ source }) => families.includes(source.family));
  const none = pairs.length === 0 ? [`none of the networks is of the family ${spec.family}`] : [];
  const exemptions = pairs.map((pair): Exemption => {
    const about = spec.match === "policy" ? ["policy"] : [formatNetwork(pair.source), formatNetwork(pair.destination)];
    return { pair, match: spec.match, verdict: spec.verdict, comment: ownerComment("nat_exemption", about) };
  });
  return { exemptions: distinct(exemptions), notes: [...found.notes, ...none] };
}

/** Two conns may join the same networks. */
function distinct(exemptions: readonly Exemption[]): readonly Exemption[] {
  const key = ({ pair }: Exemption): string => `${formatNetwork(pair.source)} ${formatNetwork(pair.destination)}`;
  return [...new Map(exemptions.map((exemption) => [key(exemption), exemption])).values()];
}

function pairsOf(
  spec: NatExemption,
  gateway: Gateway,
): { readonly pairs: readonly Pair[]; readonly notes: readonly string[] } | Obstacle {
  const { source, destination, conn, conns } = spec;
  if (source !== undefined && destination !== undefined) {
    const pair = pairOf([source, destination]);
    if (pair) return { pairs: [pair], notes: [] };
    return {
      reason: `${source} and ${destination} are not two networks of one family`,
      unblock: "correct source or destination",
    };
  }
  if (conn === undefined && conns === undefined) return { pairs: [], notes: [] };
  const { tunnels, problems } = tunnelsOf(gateway, {
    ...(conn === undefined ? {} : { conn }),
    ...(conns === undefined ? {} : { conns }),
  });
  const reasons = problems.map((problem) => `${problem.conn}: ${problem.reason}`);
  if (reasons.length > 0 && spec.match !== "policy")
    return { reason: reasons.join("; "), unblock: "correct the conn, name source and destination, or use match: policy" };
  // A policy rule serves every conn, so one whose networks nobody can tell does not stand in its way.
  const pairs = reasons.length > 0 ? [] : tunnels.map(({ local, remote }): Pair => ({ source: local, destination: remote }));
  return { pairs, notes: reasons };
}

function pairOf([source, destination]: readonly [string, string]): Pair | undefined {
  const pair = { source: parseNetwork(source), destination: parseNetwork(destination) };
  return pair.source && pair.destination && pair.source.family === pair.destination.family
    ? { source: pair.source, destination: pair.destination }
    : undefined;
}

function assessPresent(spec: NatExemption, exemptions: readonly Exemption[], gateway: Gateway): Assessment {
  const { firewall } = gateway;
  if (spec.backend === "firewalld" && firewall.firewalld === undefined)
    return blocked("firewalld does not run on the host", "start firewalld, or set backend: auto");
  const tooWide = exemptions.find(
    ({ pair, match }) => match === "subnets" && pair.destination.prefix === 0 && isRewritten(firewall.tables, pair),
  );
  if (tooWide)
    return blocked(
      `an exemption for everything to ${formatNetwork(tooWide.pair.destination)} would take the NAT of ${formatNetwork(tooWide.pair.source)} away altogether`,
      "set match: policy, which exempts what the tunnel takes and nothing else",
    );
  const direct = directChanges(spec, exemptions, firewall);
  const afterDirect = direct.flatMap(({ steps }) => steps).reduce(afterFirewallStep, firewall);
  const placed = placeExemptions(afterDirect.tables, exemptions, ({ table }) => mayEdit(spec, table, firewall));
  const left = exemptions.flatMap(({ pair }) => offencesOf(placed.tables, pair));
  const [stuck] = left;
  if (stuck) return blocked(...outOfReach(spec, stuck, firewall));
  const saved = spec.persist ? savedExemptions(spec, exemptions, gateway) : undefined;
  if (saved?.blocked) return { changes: [], notes: saved.notes, blocked: saved.blocked };
  const rewritten = exemptions.filter(({ pair }) => isRewritten(firewall.tables, pair));
  const flush = flushSteps(rewritten, gateway);
  const changes = [...direct, ...placed.placements.map(changeOf)];
  return {
    changes: [
      ...changes.map((change, index) => (index === changes.length - 1 ? withFinally(change, flush.steps) : change)),
      ...(saved?.changes ?? []),
    ],
    notes: [...explain(firewall.tables, exemptions), ...flush.notes, ...(saved?.notes ?? [])],
  };
}

const FIREWALLD_HINT = "use match: subnets with backend: auto, or exempt the networks in firewalld's own configuration";

function isRewritten(tables: readonly Table[], pair: Pair): boolean {
  return findings(tables, pair).some(({ offence }) => offence !== undefined);
}

function offencesOf(tables: readonly Table[], pair: Pair) {
  return findings(tables, pair).flatMap(({ table, chain, offence }) => (offence ? [{ table, chain, offence }] : []));
}

/** firewalld's own table, and iptables' tables while firewalld passes rules to them: a reload would wipe what others write there. */
function isFirewallds(table: Table, { firewalld }: FirewallState): boolean {
  if (firewalld === undefined) return false;
  return (
    table.name === "firewalld" ||
    table.backend === "iptables-nft" ||
    table.chains.some(({ name }) => name === "POSTROUTING_direct")
  );
}

function mayEdit({ backend }: NatExemption, table: Table, firewall: FirewallState): boolean {
  if (isFirewallds(table, firewall)) return false;
  return backend === "auto" || ((backend === "nftables") === (table.backend === "nftables") && backend !== "firewalld");
}

function directChanges(spec: NatExemption, exemptions: readonly Exemption[], firewall: FirewallState): readonly Change[] {
  const { firewalld } = firewall;
  if (firewalld === undefined || (spec.backend !== "auto" && spec.backend !== "firewalld")) return [];
  return exemptions.flatMap(({ pair, comment, match }) => {
    // firewalld's direct rule is identity NAT for two networks; it cannot stand for whatever has a policy.
    if (match === "policy") return [];
    const offences = offencesOf(firewall.tables, pair).filter(({ table }) => isFirewallds(table, firewall));
    const [first] = offences;
    return directRuleChanges(firewalld, {
      rules: [exemptionRule(firewalld, pair, comment)],
      persist: spec.persist,
      reason: first
        ? `${culprit(first.table, first.offence)} of ${labelOf(first)} rewrites its packets`
        : "after a reload of firewalld the packets would be rewritten",
      holds: (_rule, scope) => (scope === "runtime" ? first === undefined : isExemptAfterReload(firewalld, pair)),
    });
  });
}

function outOfReach(
  spec: NatExemption,
  found: ReturnType<typeof offencesOf>[number],
  firewall: FirewallState,
): readonly [string, string] {
  const { table, offence } = found;
  const reason = `${culprit(table, offence)} of ${labelOf(found)} rewrites the packets`;
  if (isFirewallds(table, firewall)) return [`${reason}, and firewalld owns that chain`, FIREWALLD_HINT];
  return [`${reason}, which backend: ${spec.backend} cannot reach`, "set backend: auto"];
}

function labelOf({ table, chain }: { readonly table: Table; readonly chain: Chain }): string {
  return chainLabel({ ...table, table: table.name, chain: chain.name });
}

function changeOf({ action, chain, property, before, after, reason, batch, undo }: Placement): Change {
  return {
    action,
    target: chainLabel(chain),
    property,
    before,
    after,
    reason,
    impact: "none",
    risks_access: false,
    interrupts: [],
    steps: [batch],
    undo: [undo],
  };
}

function withFinally(change: Change, steps: readonly Step[]): Change {
  return steps.length === 0 ? change : { ...change, finally: steps };
}

/** The kernel keeps translating a connection as its first packet was: what runs must be forgotten. */
function flushSteps(
  rewritten: readonly Exemption[],
  { system }: Gateway,
): { readonly steps: readonly Step[]; readonly notes: readonly string[] } {
  if (rewritten.length === 0) return { steps: [], notes: [] };
  const pairs = rewritten
    .map(({ pair }) => pair)
    .filter(({ source, destination }) => source.prefix > 0 && destination.prefix > 0);
  if (!system.tools.has("conntrack") || pairs.length < rewritten.length) {
    const why = system.tools.has("conntrack") ? "conntrack cannot tell them from others" : "conntrack is not installed";
    return { steps: [], notes: [`connections that run already keep their NAT until they have been idle for a while (${why})`] };
  }
  const steps = pairs.map(({ source, destination }): Step => {
    const [from, to] = [formatNetwork(source), formatNetwork(destination)];
    return { do: "flush-conntrack", family: source.family, source: from, destination: to };
  });
  return { steps, notes: [] };
}

/** What a reader should know of the rules that decide. */
function explain(tables: readonly Table[], exemptions: readonly Exemption[]): readonly string[] {
  const families = [...new Set(exemptions.map(({ pair }) => pair.source.family))];
  const chains = families.flatMap((family) => natChains(tables, family));
  if (exemptions.length > 0 && chains.every(({ chain }) => chain.rules.length === 0))
    return ["no chain of the host does NAT on the way out: nothing can rewrite the packets"];
  const notes = exemptions.flatMap(({ pair, match }) =>
    findings(tables, pair).flatMap(({ table, chain, offence, by }) => {
      const where = labelOf({ table, chain });
      if (offence?.undecidable)
        return [
          `${culprit(table, offence)} of ${where} holds what cannot be decided from outside; it counts as one that may rewrite`,
        ];
      const byPolicy = match === "subnets" && by.some(({ matches }) => matches.some(({ kind }) => kind === "ipsec"));
      return byPolicy
        ? [`${where} exempts what has an IPsec policy: while the tunnel has none in the kernel, its packets are rewritten`]
        : [];
    }),
  );
  return [...new Set(notes)];
}

function savedExemptions(spec: NatExemption, exemptions: readonly Exemption[], gateway: Gateway) {
  return savedChanges(gateway, {
    plan: (tables, families) => {
      const concerned = exemptions.filter(({ pair }) => families.includes(pair.source.family));
      const { placements } = placeExemptions(tables, concerned, ({ table }) => mayEdit(spec, table, gateway.firewall));
      return placements.map(({ batch }) => batch);
    },
    families: familiesOf(exemptions),
    ...sortOf(spec),
    hinders: mayRewrite,
    reason: "after a boot the tunnel's packets would be rewritten",
  });
}

/** Whether a foreign rule may lead to a rewrite again when whoever made it makes it anew. */
function mayRewrite({ verdict }: Rule): boolean {
  return ["rewrite", "unknown", "jump", "goto", "map"].includes(verdict.kind);
}

function familiesOf(exemptions: readonly Exemption[]): readonly Family[] {
  return [...new Set(exemptions.map(({ pair }) => pair.source.family))];
}

function sortOf({ backend }: NatExemption): { readonly sort?: "iptables" | "nftables" } {
  return backend === "iptables" || backend === "nftables" ? { sort: backend } : {};
}

function assessAbsent(spec: NatExemption, exemptions: readonly Exemption[], gateway: Gateway): Assessment {
  const { firewall } = gateway;
  const comments = new Set(exemptions.map(({ comment }) => comment));
  const direct = firewall.firewalld ? directRuleRemovals(firewall.firewalld, comments) : [];
  const afterDirect = direct.flatMap(({ steps }) => steps).reduce(afterFirewallStep, firewall);
  const { placements } = removeExemptions(afterDirect.tables, comments);
  const saved = spec.persist
    ? savedChanges(gateway, {
        plan: (tables) => removeExemptions(tables, comments).placements.map(({ batch }) => batch),
        families: familiesOf(exemptions),
        hinders: () => false,
        reason: "our rule would come back at the next boot",
      })
    : undefined;
  return {
    changes: [...direct, ...placements.map(changeOf), ...(saved?.changes ?? [])],
    notes: saved?.notes ?? [],
    ...(saved?.blocked ? { blocked: saved.blocked } : {}),
  };
}
