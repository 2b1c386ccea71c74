import type { FirewallBatch, FirewallEdit } from "../model/step.ts";
import { type Family, formatHostOrNetwork, formatNetwork, type Network } from "../text/address.ts";
import { afterBatch, refTo, undoOf } from "./edits.ts";
import { type ChainFinding, findings, firstRewrite, type Pair } from "./exemption.ts";
import { reach } from "./matching.ts";
import { type Chain, type ChainRef, carries, findChain, findTable, type Rule, type Table } from "./model.ts";
import { isOwn } from "./owner.ts";
import { canReturn, culprit } from "./quotation.ts";
import { anyAddress, rangeOf } from "./range.ts";

/** One exemption: which packets leave the NAT chains early, and the rule that sees to it where no other does. */
export interface Exemption {
  readonly pair: Pair;
  /** `subnets`: the rule names both networks; `policy`: it asks for an outbound IPsec policy. */
  readonly match: "subnets" | "policy";
  readonly verdict: "return" | "accept";
  /** Makes the rule ours, see `ownerComment`. */
  readonly comment: string;
}

/** One change of one chain, and the batch that makes it. */
export interface Placement {
  readonly action: "create" | "move" | "update" | "delete";
  readonly chain: ChainRef;
  readonly property: "rule" | "position";
  readonly before: string | number | null;
  readonly after: string | number | null;
  readonly reason: string;
  readonly batch: FirewallBatch;
  readonly undo: FirewallBatch;
}

/** The placements of one exemption after another, and the tables as they leave them. */
export interface PlacementPlan {
  readonly placements: readonly Placement[];
  readonly tables: readonly Table[];
}

/**
 * The least edits that exempt each of the packets in every NAT chain that `mayEdit` leaves to us. A rule of ours goes behind the
 * last of ours that stands early enough, else before the first rule that rewrites anything: so ours form one block.
 */
export function placeExemptions(
  tables: readonly Table[],
  exemptions: readonly Exemption[],
  mayEdit: (finding: ChainFinding) => boolean,
): PlacementPlan {
  return exemptions.reduce<PlacementPlan>(
    (plan, exemption) => {
      const found = findings(plan.tables, exemption.pair).filter(mayEdit);
      return found.reduce((current, finding) => placeInChain(current, finding, exemption), plan);
    },
    { placements: [], tables },
  );
}

/** The deletions of every rule that is ours by one of these comments, wherever it stands. */
export function removeExemptions(tables: readonly Table[], comments: ReadonlySet<string>): PlacementPlan {
  const start: PlacementPlan = { placements: [], tables };
  return tables.reduce(
    (plan, table) =>
      table.chains.reduce((current, chain) => {
        const own = chain.rules.filter((rule) => comments.has(rule.comment ?? ""));
        return own.reduce(
          (each, rule) => dropRule(each, { table, chain, rule, reason: "the exemption shall not exist" }),
          current,
        );
      }, plan),
    start,
  );
}

function placeInChain(plan: PlacementPlan, { table, chain, offence }: ChainFinding, exemption: Exemption): PlacementPlan {
  const own = chain.rules.filter((rule) => rule.comment === exemption.comment && canReturn(table, rule));
  const [first] = own;
  const equal = first !== undefined && isEqual(table, first, exemption) && first.verdict.kind === exemption.verdict;
  const index = first ? chain.rules.indexOf(first) : -1;
  if (first && (offence === undefined || index < offence.index)) {
    const updated = equal ? plan : replaceRule(plan, { table, chain, rule: first, exemption });
    return dropDuplicates(updated, { table, chain, duplicates: own.slice(1) });
  }
  if (offence === undefined) return plan;
  const stale = chain.rules
    .slice(offence.index + 1)
    .filter(
      (rule) =>
        canReturn(table, rule) && (rule.comment === exemption.comment || (!isOwn(rule) && isSame(table, rule, exemption))),
    );
  const [moved, ...duplicates] = stale;
  const at = blockEnd(table, chain, offence.index);
  if (moved === undefined)
    return insertRule(plan, { table, chain, at, exemption, reason: `${culprit(table, offence)} rewrites its packets` });
  const reason = `${culprit(table, offence)} shadows it`;
  return dropDuplicates(insertRule(plan, { table, chain, at, exemption, reason, moved }), { table, chain, duplicates });
}

/** Where the next rule of ours belongs: behind the last of ours before the offence, else before everything that rewrites. */
function blockEnd(table: Table, chain: Chain, offence: number): number {
  const last = chain.rules.slice(0, offence).findLastIndex(isOwn);
  return last >= 0 ? last + 1 : Math.min(firstRewrite(table, chain) ?? offence, offence);
}

interface Insertion {
  readonly table: Table;
  readonly chain: Chain;
  readonly at: number;
  readonly exemption: Exemption;
  readonly reason: string;
  /** An equal rule that stands too low and goes. */
  readonly moved?: Rule;
}

function insertRule(plan: PlacementPlan, { table, chain, at, exemption, reason, moved }: Insertion): PlacementPlan {
  const next = chain.rules[at];
  const text = exemptionText(table, exemption);
  const edits: readonly FirewallEdit[] = [
    { edit: "insert", chain: chain.name, rule: text, before: next ? refTo(table, chain, next) : null },
    ...(moved ? [{ edit: "delete", chain: chain.name, rule: refTo(table, chain, moved) } as const] : []),
  ];
  const what = moved
    ? ({ action: "move", property: "position", before: chain.rules.indexOf(moved) + 1, after: at + 1 } as const)
    : ({ action: "create", property: "rule", before: null, after: text } as const);
  return withEdits(plan, { table, chain, edits, what: { ...what, reason } });
}

function replaceRule(
  plan: PlacementPlan,
  {
    table,
    chain,
    rule,
    exemption,
  }: { readonly table: Table; readonly chain: Chain; readonly rule: Rule; readonly exemption: Exemption },
): PlacementPlan {
  const text = exemptionText(table, exemption);
  const ref = refTo(table, chain, rule);
  const edits: readonly FirewallEdit[] = [
    { edit: "insert", chain: chain.name, rule: text, before: ref },
    { edit: "delete", chain: chain.name, rule: ref },
  ];
  const what = {
    action: "update",
    property: "rule",
    before: rule.text,
    after: text,
    reason: "our rule is not as declared",
  } as const;
  return withEdits(plan, { table, chain, edits, what });
}

function dropDuplicates(
  plan: PlacementPlan,
  { table, chain, duplicates }: { readonly table: Table; readonly chain: Chain; readonly duplicates: readonly Rule[] },
): PlacementPlan {
  return duplicates.reduce(
    (current, rule) => dropRule(current, { table, chain, rule, reason: "a duplicate does nothing" }),
    plan,
  );
}

interface Removal {
  readonly table: Table;
  readonly chain: Chain;
  readonly rule: Rule;
  readonly reason: string;
}

function dropRule(plan: PlacementPlan, { table, chain, rule, reason }: Removal): PlacementPlan {
  // Earlier edits of this plan may have shifted the rule.
  const now = findTable(plan.tables, table);
  const place = now && findChain(now, chain.name);
  if (!now || !place) return plan;
  const edits: readonly FirewallEdit[] = [{ edit: "delete", chain: chain.name, rule: refTo(now, place, rule) }];
  return withEdits(plan, {
    table: now,
    chain: place,
    edits,
    what: { action: "delete", property: "rule", before: rule.text, after: null, reason },
  });
}

function withEdits(
  plan: PlacementPlan,
  {
    table,
    chain,
    edits,
    what,
  }: {
    readonly table: Table;
    readonly chain: Chain;
    readonly edits: readonly FirewallEdit[];
    readonly what: Omit<Placement, "chain" | "batch" | "undo">;
  },
): PlacementPlan {
  const expect = expectation(table, chain);
  const batch: FirewallBatch = {
    do: "firewall-batch",
    backend: table.backend,
    family: table.family,
    table: table.name,
    edits,
    ...(expect ? { expect: [{ chain: chain.name, rules: expect }] } : {}),
  };
  const ref = { backend: table.backend, family: table.family, table: table.name, chain: chain.name };
  const undo = undoOf(batch, plan.tables);
  return { placements: [...plan.placements, { ...what, chain: ref, batch, undo }], tables: afterBatch(plan.tables, batch) };
}

/** What the chain must still hold when the batch is written; undefined where that cannot be said byte by byte. */
export function expectation(table: Table, chain: Chain): readonly string[] | undefined {
  if (table.backend === "nftables") {
    const handles = chain.rules.map(({ handle }) => handle);
    return handles.includes(undefined) ? undefined : handles.map(String);
  }
  return chain.rules.every(({ text }) => /^[\x20-\x7e]*$/.test(text)) ? chain.rules.map(({ text }) => text) : undefined;
}

/** The rule in the language of the table. */
export function exemptionText(table: Pick<Table, "backend">, { pair, match, verdict, comment }: Exemption): string {
  const { source, destination } = pair;
  if (table.backend === "nftables") {
    const ip = source.family === "ipv4" ? "ip" : "ip6";
    const address = (field: string, network: Network): string =>
      isAny(network) ? "" : `${ip} ${field} ${formatHostOrNetwork(network)} `;
    const matches = match === "policy" ? "rt ipsec exists " : `${address("saddr", source)}${address("daddr", destination)}`;
    return `${matches}${verdict} comment "${comment}"`;
  }
  const address = (option: string, network: Network): string => (isAny(network) ? "" : `${option} ${formatNetwork(network)} `);
  const matches =
    match === "policy" ? "-m policy --dir out --pol ipsec " : `${address("-s", source)}${address("-d", destination)}`;
  return `${matches}-m comment --comment "${comment}" -j ${verdict.toUpperCase()}`;
}

function isAny({ prefix }: Network): boolean {
  return prefix === 0;
}

/** Whether a rule says what ours would: the same packets and the same verdict, however it is spelled. */
function isSame(table: Table, rule: Rule, exemption: Exemption): boolean {
  return rule.verdict.kind === exemption.verdict && isEqual(table, rule, exemption);
}

/** Whether a rule is about exactly the packets of the exemption and does nothing but its verdict. */
function isEqual(table: Table, rule: Rule, { pair, match }: Exemption): boolean {
  // A rule on a named set means the set, which may grow.
  if (rule.alsoActs || rule.untracks || rule.mss !== undefined || rule.text.includes("@")) return false;
  const asksPolicy = rule.matches.some(({ kind }) => kind === "ipsec");
  if (asksPolicy !== (match === "policy")) return false;
  const families = (["ipv4", "ipv6"] as const).filter((family) => carries(table, family));
  return families.every((family) => {
    const everything = { source: anyAddress(family), destination: anyAddress(family) };
    const { may, sure } = reach(rule.matches, [everything], { family, protected: true });
    const wanted = wantedBox(family, pair, match);
    if (wanted === undefined) return may.length === 0;
    return may.length === 1 && sure.length === 1 && [may[0], sure[0]].every((box) => box !== undefined && sameBox(box, wanted));
  });
}

function wantedBox(family: Family, { source, destination }: Pair, match: Exemption["match"]) {
  if (match === "policy") return { source: anyAddress(family), destination: anyAddress(family) };
  return source.family === family ? { source: rangeOf(source), destination: rangeOf(destination) } : undefined;
}

function sameBox(one: ReturnType<typeof wantedBox> & object, other: ReturnType<typeof wantedBox> & object): boolean {
  const same = (left: { first: bigint; last: bigint }, right: { first: bigint; last: bigint }): boolean =>
    left.first === right.first && left.last === right.last;
  return same(one.source, other.source) && same(one.destination, other.destination);
}
