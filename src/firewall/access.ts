import type { FirewallBatch, FirewallEdit } from "../model/step.ts";
import { type Family, formatHostOrNetwork, formatNetwork, type Network } from "../text/address.ts";
import { refTo } from "./edits.ts";
import type { Chain, Rule, Table } from "./model.ts";
import { type Packets, type Passage, passages } from "./passage.ts";
import { anyAddress, rangeOf } from "./range.ts";

/** Packets that peers send to the gateway itself and that its own firewall shall let in. */
export interface AccessFlow {
  readonly family: Family;
  readonly protocol: "udp" | "tcp" | "esp";
  /** Undefined for ESP. */
  readonly port?: number;
  /** Undefined: anyone. */
  readonly peer?: Network;
  /** The interface by which they come in, where the routes tell. */
  readonly in?: string;
  /** The comment of the rule that is ours: `ipsec-fix:ike_access:<digest>`. */
  readonly owner: string;
}

/** A base chain on the input hook that may keep packets of a flow out, and the rule that does. */
export interface Barrier {
  readonly flow: AccessFlow;
  readonly table: Table;
  readonly chain: string;
  /** Undefined: the chain's policy. */
  readonly rule: Rule | undefined;
}

/** Every chain that may keep packets of these flows out. */
export function barriers(tables: readonly Table[], flows: readonly AccessFlow[]): readonly Barrier[] {
  return flows.flatMap((flow) =>
    hindrances(tables, flow).map(({ table, chain, hindrance }) => ({ flow, table, chain: chain.name, rule: hindrance?.rule })),
  );
}

/** The least edits after which all flows pass every chain; one batch a table. They only ever add accepts, and drop our own duplicates. */
export function accessBatches(tables: readonly Table[], flows: readonly AccessFlow[]): readonly FirewallBatch[] {
  const needed = new Map<string, Needed>();
  for (const flow of flows) {
    for (const passage of hindrances(tables.filter(isEditable), flow)) {
      const { table, chain, hindrance } = passage;
      const rule = ruleText(table, flow, flows);
      const key = `${table.backend} ${table.family} ${table.name} ${chain.name} ${rule}`;
      const index = hindrance?.index ?? chain.rules.length;
      // One rule of an inet table may serve both families: it goes before the first of their barriers.
      const known = needed.get(key);
      needed.set(key, known && known.index <= index ? known : { table, chain, index, rule, owner: flow.owner });
    }
  }
  const wanted = [...needed.values()];
  return tables.flatMap((table) => {
    const edits = table.chains.flatMap((chain) =>
      chainEdits(
        table,
        chain,
        wanted.filter((one) => one.chain === chain),
        flows,
      ),
    );
    return edits.length === 0 ? [] : [batch(table, edits)];
  });
}

interface Needed {
  readonly table: Table;
  readonly chain: Chain;
  readonly index: number;
  readonly rule: string;
  readonly owner: string;
}

/** New rules before what keeps their packets out; our own that stand too low, or twice, go. */
function chainEdits(
  table: Table,
  chain: Chain,
  needed: readonly Needed[],
  flows: readonly AccessFlow[],
): readonly FirewallEdit[] {
  const owners = new Set(flows.map(({ owner }) => owner));
  const replaced = new Set(needed.map(({ owner }) => owner));
  const own = chain.rules.filter((rule) => rule.comment !== undefined && owners.has(rule.comment));
  const useless = own.filter(
    (rule, index) => replaced.has(rule.comment ?? "") || own.findIndex(({ comment }) => comment === rule.comment) < index,
  );
  return [
    ...needed.map(({ index, rule }): FirewallEdit => {
      const next = chain.rules[index];
      return { edit: "insert", chain: chain.name, rule, before: next ? refTo(table, chain, next) : null };
    }),
    ...useless.map((rule): FirewallEdit => ({ edit: "delete", chain: chain.name, rule: refTo(table, chain, rule) })),
  ];
}

/** The edits that take our rules of these flows away. */
export function accessRemovals(tables: readonly Table[], flows: readonly AccessFlow[]): readonly FirewallBatch[] {
  const owners = new Set(flows.map(({ owner }) => owner));
  return tables.flatMap((table) => {
    const edits = table.chains.flatMap((chain) =>
      chain.rules
        .filter((rule) => rule.comment !== undefined && owners.has(rule.comment))
        .map((rule): FirewallEdit => ({ edit: "delete", chain: chain.name, rule: refTo(table, chain, rule) })),
    );
    return edits.length === 0 ? [] : [batch(table, edits)];
  });
}

function hindrances(tables: readonly Table[], flow: AccessFlow): readonly Passage[] {
  const any = anyAddress(flow.family);
  const packets: Packets = {
    family: flow.family,
    boxes: [{ source: flow.peer ? rangeOf(flow.peer) : any, destination: any }],
    protocol: flow.protocol,
    protected: false,
    ...(flow.port === undefined ? {} : { destinationPort: flow.port }),
    ...(flow.in === undefined ? {} : { in: flow.in }),
  };
  return passages(tables, "input", { packets, counts: () => false }).filter(({ hindrance }) => hindrance !== undefined);
}

/** firewalld would wipe what others write in its table. */
function isEditable({ backend, name }: Table): boolean {
  return backend !== "nftables" || name !== "firewalld";
}

function batch({ backend, family, name }: Table, edits: readonly FirewallEdit[]): FirewallBatch {
  return { do: "firewall-batch", backend, family, table: name, edits };
}

function ruleText(table: Table, flow: AccessFlow, flows: readonly AccessFlow[]): string {
  const { family, protocol, port, peer, owner } = flow;
  if (table.backend === "nftables") {
    const bothFamilies = flows.some((other) => other.owner === owner && other.family !== family);
    return [
      ...(peer ? [`${family === "ipv4" ? "ip" : "ip6"} saddr ${formatHostOrNetwork(peer)}`] : []),
      ...(table.family === "inet" && !peer && !bothFamilies ? [`meta nfproto ${family}`] : []),
      port === undefined ? `meta l4proto ${protocol}` : `${protocol} dport ${port}`,
      `accept comment "${owner}"`,
    ].join(" ");
  }
  return [
    ...(peer ? [`-s ${formatNetwork(peer)}`] : []),
    port === undefined ? `-p ${protocol}` : `-p ${protocol} -m ${protocol} --dport ${port}`,
    `-m comment --comment "${owner}" -j ACCEPT`,
  ].join(" ");
}
