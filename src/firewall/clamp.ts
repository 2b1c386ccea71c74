import type { FirewallBackend, FirewallBatch, FirewallEdit } from "../model/step.ts";
import { type Family, formatHostOrNetwork, formatNetwork, type Network } from "../text/address.ts";
import { subtract } from "./box.ts";
import { readRule, refTo } from "./edits.ts";
import type { Pair } from "./exemption.ts";
import { type Chain, carries, type Rule, type Table } from "./model.ts";
import { isOwn } from "./owner.ts";
import { type Packets, type Passage, passages } from "./passage.ts";
import { anyAddress, rangeOf } from "./range.ts";

/** Forwarded TCP connections of one family whose SYNs shall carry an MSS; whatever is undefined is any. */
export interface ClampFlow {
  readonly family: Family;
  /** A fixed MSS, or what the path MTU of the route leaves. */
  readonly mss: number | "pmtu";
  /** Values that our own rule may have instead and stay. */
  readonly tolerated?: readonly number[];
  readonly pair?: Pair;
  readonly in?: string;
  readonly out?: string;
  /** The packets are about to be encrypted. */
  readonly protected: boolean;
  /** The comment of the rule that is ours: `ipsec-fix:tcp_mss_clamp:<digest>`. */
  readonly owner: string;
}

export interface ClampWanted {
  readonly flows: readonly ClampFlow[];
  /** Where a rule goes if one is needed. */
  readonly backend: FirewallBackend;
}

/** Our own table for rules that no chain of the host's can take. */
export const OWN_TABLE = "ipsec_fix";

/** Before the filter chains, where an accept would hide the rule (NF_IP_PRI_MANGLE). */
const MANGLE_PRIORITY = -150;

/** The flows whose SYNs may leave the host with an MSS that is not the wanted one. */
export function unclamped(tables: readonly Table[], flows: readonly ClampFlow[]): readonly ClampFlow[] {
  return flows.filter((flow) => {
    const met = walks(tables, flow).flatMap((passage) => passage.met);
    return subtract(boxesOf(flow), met)?.length !== 0;
  });
}

/** The least edits after which every flow is clamped; one batch a table, none where nothing is missing. */
export function clampBatches(tables: readonly Table[], wanted: ClampWanted): readonly FirewallBatch[] {
  const stale = tables.flatMap((table) => staleRules(table, wanted));
  const kept = without(tables, new Set(stale.map(({ rule }) => rule)));
  const missing = unclamped(kept, wanted.flows);
  const edits = new Map<string, { readonly table: Pick<Table, "backend" | "family" | "name">; readonly edits: FirewallEdit[] }>();
  const editsOf = (table: Pick<Table, "backend" | "family" | "name">): FirewallEdit[] => {
    const key = `${table.backend} ${table.family} ${table.name}`;
    const entry = edits.get(key) ?? { table, edits: [] };
    edits.set(key, entry);
    return entry.edits;
  };
  const replaced = new Set<Rule>();
  const placed = new Set<string>();
  for (const flow of missing) {
    const place = placeFor(tables, flow, wanted);
    const text = ruleText(place.table, flow, wanted.flows);
    const key = `${place.table.backend} ${place.table.family} ${place.table.name} ${text}`;
    if (placed.has(key)) continue;
    placed.add(key);
    const list = editsOf(place.table);
    if (place.create) list.push(place.create);
    if (place.moved) {
      list.push({ edit: "delete", chain: place.chain, rule: refTo(place.table, place.moved.chain, place.moved.rule) });
      replaced.add(place.moved.rule);
    }
    list.push({ edit: "insert", chain: place.chain, rule: text, before: place.before });
  }
  for (const { table, chain, rule } of stale)
    if (!replaced.has(rule)) editsOf(table).push({ edit: "delete", chain: chain.name, rule: refTo(table, chain, rule) });
  return batchesOf([...edits.values()]);
}

/** The edits that take our rules of these owners away; a table that was made for them goes with the last one. */
export function clampRemovals(tables: readonly Table[], owners: ReadonlySet<string>): readonly FirewallBatch[] {
  const batches = tables.map((table) => {
    const edits = table.chains.flatMap((chain): readonly FirewallEdit[] => {
      const own = chain.rules.filter((rule) => rule.comment !== undefined && owners.has(rule.comment));
      const deletes = own.map((rule): FirewallEdit => ({ edit: "delete", chain: chain.name, rule: refTo(table, chain, rule) }));
      const isOurs = table.backend === "nftables" && table.name === OWN_TABLE && own.length > 0;
      if (!isOurs || own.length < chain.rules.length) return deletes;
      return [...deletes, { edit: "drop-chain", chain: chain.name, table: table.chains.length === 1 }];
    });
    return { table, edits };
  });
  return batchesOf(batches);
}

/** The tool whose rules the host uses for forwarding; `tools` decides where it has no rules at all. */
export function clampBackend(tables: readonly Table[], tools: ReadonlySet<string>): FirewallBackend {
  const uses = (backend: FirewallBackend, hook?: string): boolean =>
    tables.some(
      (table) =>
        table.backend === backend &&
        table.chains.some(({ base, rules }) => (hook ? base?.hook === hook : true) && rules.length > 0),
    );
  const order = ["iptables-legacy", "iptables-nft", "nftables"] as const;
  const inUse = order.find((backend) => uses(backend, "forward")) ?? order.find((backend) => uses(backend));
  return inUse ?? (tools.has("nft") || !tools.has("iptables-save") ? "nftables" : "iptables-nft");
}

function boxesOf({ family, pair }: ClampFlow): Packets["boxes"] {
  const any = anyAddress(family);
  return [pair ? { source: rangeOf(pair.source), destination: rangeOf(pair.destination) } : { source: any, destination: any }];
}

function walks(tables: readonly Table[], flow: ClampFlow): readonly Passage[] {
  const packets: Packets = {
    family: flow.family,
    boxes: boxesOf(flow),
    protocol: "tcp",
    isSyn: true,
    protected: flow.protected,
    ...(flow.in === undefined ? {} : { in: flow.in }),
    ...(flow.out === undefined ? {} : { out: flow.out }),
  };
  return passages(tables, "forward", { packets, counts: (rule) => suits(rule, flow) });
}

/** A fixed value never raises an MSS, so that a smaller one does as well; ours has to be the one that was asked for. */
function suits(rule: Rule, { mss, tolerated }: ClampFlow): boolean {
  if (rule.mss === undefined || mss === "pmtu" || rule.mss === "pmtu") return rule.mss === mss;
  return isOwn(rule) ? rule.mss === mss || (tolerated ?? []).includes(rule.mss) : rule.mss <= mss;
}

interface StaleRule {
  readonly table: Table;
  readonly chain: Chain;
  readonly rule: Rule;
}

/** Our rules of these flows that have another value, do not work where they stand, or stand there twice. */
function staleRules(table: Table, wanted: ClampWanted): readonly StaleRule[] {
  const owners = new Set(wanted.flows.map(({ owner }) => owner));
  const seen = new Set<string>();
  return table.chains.flatMap((chain) =>
    chain.rules.flatMap((rule) => {
      if (rule.comment === undefined || !owners.has(rule.comment)) return [];
      const flows = wanted.flows.filter(({ owner, family }) => owner === rule.comment && carries(table, family));
      const alone = [{ ...table, chains: table.chains.map((each) => (each === chain ? onlyOwn(chain, rule) : each)) }];
      const works = flows.length > 0 && unclamped(alone, flows).length === 0;
      const isFirst = !seen.has(rule.comment);
      if (works) seen.add(rule.comment);
      return works && isFirst ? [] : [{ table, chain, rule }];
    }),
  );
}

/** The chain with no clamp in it but this one. */
function onlyOwn(chain: Chain, own: Rule): Chain {
  return { ...chain, rules: chain.rules.filter((rule) => rule === own || rule.mss === undefined) };
}

function without(tables: readonly Table[], gone: ReadonlySet<Rule>): readonly Table[] {
  if (gone.size === 0) return tables;
  const chainsOf = (table: Table): readonly Chain[] =>
    table.chains.map((chain) => ({ ...chain, rules: chain.rules.filter((rule) => !gone.has(rule)) }));
  return tables.map((table) => ({ ...table, chains: chainsOf(table) }));
}

interface Place {
  readonly table: Pick<Table, "backend" | "family" | "name">;
  readonly chain: string;
  readonly before: Extract<FirewallEdit, { readonly edit: "insert" }>["before"];
  readonly create?: FirewallEdit;
  /** An equal rule that stands too low to work: it moves up and becomes ours. */
  readonly moved?: { readonly chain: Chain; readonly rule: Rule };
}

function placeFor(tables: readonly Table[], flow: ClampFlow, wanted: ClampWanted): Place {
  const all = walks(tables, flow);
  const low = all.flatMap(({ table, chain, firstExit }) => {
    const rule = chain.rules.find(
      (candidate, index) =>
        firstExit !== undefined && index > firstExit && isEqual(table, candidate, { flow, flows: wanted.flows }),
    );
    return rule && firstExit !== undefined ? [{ table, chain, rule, firstExit }] : [];
  })[0];
  if (low) return { table: low.table, chain: low.chain.name, before: refOf(low.table, low.chain, low.firstExit), moved: low };
  const candidates = all.filter(({ table }) => table.backend === wanted.backend && table.name !== "firewalld");
  if (wanted.backend === "nftables") {
    const found = candidates.find(({ table }) => table.family === "inet") ?? candidates[0];
    if (found) return inChain(found);
    const create = {
      edit: "create-chain",
      chain: "forward",
      type: "filter",
      hook: "forward",
      priority: MANGLE_PRIORITY,
    } as const;
    return { table: { backend: "nftables", family: "inet", name: OWN_TABLE }, chain: "forward", before: null, create };
  }
  const mangle = candidates.find(({ table }) => table.name === "mangle");
  if (mangle) return inChain(mangle);
  return { table: { backend: wanted.backend, family: flow.family, name: "mangle" }, chain: "FORWARD", before: null };
}

/** Behind our other rules if these stand high enough, else before the first rule that may let the packets out. */
function inChain({ table, chain, firstExit }: Passage): Place {
  const last = chain.rules.findLastIndex(isOwn);
  const limit = firstExit ?? chain.rules.length;
  const index = last >= 0 && last < limit ? last + 1 : limit;
  return { table, chain: chain.name, before: refOf(table, chain, index) };
}

function refOf(table: Table, chain: Chain, index: number): Place["before"] {
  const rule = chain.rules[index];
  return rule ? refTo(table, chain, rule) : null;
}

function isEqual(
  table: Table,
  rule: Rule,
  { flow, flows }: { readonly flow: ClampFlow; readonly flows: readonly ClampFlow[] },
): boolean {
  const own = readRule(table, ruleText(table, flow, flows));
  return rule.mss === own.mss && meaning(rule) === meaning(own);
}

function meaning({ matches }: Rule): string {
  const texts = matches.map((match) =>
    JSON.stringify(match, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value)),
  );
  return texts.toSorted().join(" ");
}

function ruleText(table: Pick<Table, "backend" | "family">, flow: ClampFlow, flows: readonly ClampFlow[]): string {
  return table.backend === "nftables" ? nftText(table, flow, flows) : iptablesClamp(flow, '"');
}

/** The rule as iptables takes it; `quote` stands around the comment. */
export function iptablesClamp({ pair, in: input, out, owner, mss }: ClampFlow, quote: '"' | ""): string {
  return [
    ...addressWords(pair, { source: "-s", destination: "-d", format: formatNetwork }),
    ...(input === undefined ? [] : [`-i ${input}`]),
    ...(out === undefined ? [] : [`-o ${out}`]),
    "-p tcp -m tcp --tcp-flags SYN,RST SYN",
    `-m comment --comment ${quote}${owner}${quote}`,
    `-j TCPMSS ${mss === "pmtu" ? "--clamp-mss-to-pmtu" : `--set-mss ${mss}`}`,
  ].join(" ");
}

function nftText(table: Pick<Table, "family">, flow: ClampFlow, flows: readonly ClampFlow[]): string {
  const { pair, in: input, out, owner, family, mss } = flow;
  const ip = family === "ipv4" ? "ip" : "ip6";
  const bothFamilies = flows.some((other) => other.owner === owner && other.family !== family);
  const addresses = addressWords(pair, { source: `${ip} saddr`, destination: `${ip} daddr`, format: formatHostOrNetwork });
  return [
    ...(table.family === "inet" && addresses.length === 0 && !bothFamilies ? [`meta nfproto ${family}`] : []),
    ...(input === undefined ? [] : [`iifname "${input}"`]),
    ...(out === undefined ? [] : [`oifname "${out}"`]),
    ...addresses,
    "tcp flags & (syn | rst) == syn",
    `tcp option maxseg size set ${mss === "pmtu" ? "rt mtu" : mss}`,
    `comment "${owner}"`,
  ].join(" ");
}

/** A network of every address needs no condition. */
function addressWords(
  pair: Pair | undefined,
  words: { readonly source: string; readonly destination: string; readonly format: (network: Network) => string },
): readonly string[] {
  return (["source", "destination"] as const).flatMap((side) =>
    pair && pair[side].prefix > 0 ? [`${words[side]} ${words.format(pair[side])}`] : [],
  );
}

function batchesOf(
  edited: readonly { readonly table: Pick<Table, "backend" | "family" | "name">; readonly edits: readonly FirewallEdit[] }[],
): readonly FirewallBatch[] {
  return edited.flatMap(({ table: { backend, family, name }, edits }): readonly FirewallBatch[] =>
    edits.length === 0 ? [] : [{ do: "firewall-batch", backend, family, table: name, edits: uniqueCreations(edits) }],
  );
}

function uniqueCreations(edits: readonly FirewallEdit[]): readonly FirewallEdit[] {
  return edits.filter(
    (edit, index) =>
      edit.edit !== "create-chain" ||
      edits.findIndex((other) => other.edit === "create-chain" && other.chain === edit.chain) === index,
  );
}
