import type { Family, Network } from "../text/address.ts";
import { type Box, subtract } from "./box.ts";
import { type BaseChain, type Chain, carries, type Rule, type Table } from "./model.ts";
import { anyAddress, rangeOf } from "./range.ts";
import { type Offence, walkChain } from "./walk.ts";

/** The packets of a tunnel in one direction: from a local network to a remote one of the same family. */
export interface Pair {
  readonly source: Network;
  readonly destination: Network;
}

/** What one base chain of type nat does to the packets of a pair. */
export interface ChainFinding {
  readonly table: Table;
  readonly chain: Chain;
  /** Undefined: the packets are exempt in this chain. */
  readonly offence: Offence | undefined;
  /** The rules that end the walk for some of the packets before any rewrite. */
  readonly by: readonly Rule[];
}

/** Before this priority of the prerouting hook the kernel has not looked at connections yet (NF_IP_PRI_CONNTRACK). */
const CONNECTION_TRACKING = -200;

/**
 * What every base chain of type nat on the postrouting hook does to the packets of a pair, in the order of priority. They are
 * exempt when no chain has an offence. A chain that ends the walk says nothing of the others; only identity NAT in a chain of
 * a lower priority does, and packets that are not tracked.
 */
export function findings(tables: readonly Table[], pair: Pair): readonly ChainFinding[] {
  const { family } = pair.source;
  const packets: Box = { source: rangeOf(pair.source), destination: rangeOf(pair.destination) };
  const walk = (table: Table, chain: Chain, may: readonly Box[]) =>
    walkChain(chain, { table, traffic: { family, protected: true }, depth: 0 }, { may, sure: may });
  const spared = baseChains(tables, family)
    .filter(({ base }) => base.hook === "prerouting" && base.type !== "nat" && base.priority < CONNECTION_TRACKING)
    .map(({ table, chain, base }) => ({ priority: base.priority, boxes: walk(table, chain, [packets]).spared }));
  return natChains(tables, family).map(({ table, chain, base }) => {
    const earlier = spared.flatMap(({ priority, boxes }) => (priority < base.priority ? boxes : []));
    const result = walk(table, chain, subtract([packets], earlier) ?? [packets]);
    spared.push({ priority: base.priority, boxes: result.spared });
    return { table, chain, offence: result.offence, by: result.by };
  });
}

/** The index of the first rule of a base chain that may lead any packet to a rewrite: where a block of exemptions belongs. */
export function firstRewrite(table: Table, chain: Chain): number | undefined {
  const indexes = (["ipv4", "ipv6"] as const).flatMap((family) => {
    if (!carries(table, family)) return [];
    const everything = [{ source: anyAddress(family), destination: anyAddress(family) }];
    const place = { table, traffic: { family, protected: true }, depth: 0 };
    const { offence } = walkChain(chain, place, { may: everything, sure: everything });
    return offence ? [offence.index] : [];
  });
  return indexes.length === 0 ? undefined : Math.min(...indexes);
}

interface PlacedChain {
  readonly table: Table;
  readonly chain: Chain;
  readonly base: BaseChain;
}

/** Every base chain of type nat on the postrouting hook that packets of the family pass, in the order of priority. */
export function natChains(tables: readonly Table[], family: Family): readonly PlacedChain[] {
  return baseChains(tables, family)
    .filter(({ base }) => base.type === "nat" && base.hook === "postrouting")
    .toSorted((one, other) => one.base.priority - other.base.priority);
}

function baseChains(tables: readonly Table[], family: Family): readonly PlacedChain[] {
  return tables.flatMap((table) =>
    carries(table, family) ? table.chains.flatMap((chain) => (chain.base ? [{ table, chain, base: chain.base }] : [])) : [],
  );
}
