import type { FirewallBackend, FirewallBatch } from "../model/step.ts";
import type { Family } from "../text/address.ts";

export type TableFamily = FirewallBatch["family"];

/** Every table that was read from one place: the kernel through one tool, or one saved file. */
export interface Ruleset {
  readonly tables: readonly Table[];
}

export interface Table {
  readonly backend: FirewallBackend;
  readonly family: TableFamily;
  readonly name: string;
  readonly chains: readonly Chain[];
}

export interface Chain {
  readonly name: string;
  /** Set when packets enter the chain from a hook; a user chain is only jumped to. */
  readonly base?: BaseChain;
  readonly rules: readonly Rule[];
}

export interface BaseChain {
  /** `nat`, `filter` or `route`. */
  readonly type: string;
  /** Lower case, such as `postrouting`. */
  readonly hook: string;
  readonly priority: number;
  readonly policy: "accept" | "drop";
}

/** One rule; its position is its place in the chain, counted from 1. */
export interface Rule {
  /** The rule without its chain, counters and handle, as its own tool reads it back: `-s A -d B -j RETURN`, `ip saddr A return`. */
  readonly text: string;
  /** nftables only, and unknown of a rule that the plan adds. */
  readonly handle?: number;
  readonly comment?: string;
  /** All have to match; none at all means every packet. */
  readonly matches: readonly Match[];
  readonly verdict: Verdict;
  /** The MSS that the rule writes into a SYN. */
  readonly mss?: number | "pmtu";
  /** The rule exempts the packet from connection tracking. */
  readonly untracks?: boolean;
  /** Besides its verdict the rule logs, marks or the like. */
  readonly alsoActs?: boolean;
  readonly counters?: { readonly packets: number; readonly bytes: number };
}

/** Inclusive bounds of addresses of one family. */
export interface Range {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}

/** Packets from one range to another; an absent side is any address. */
export interface Region {
  readonly source?: Range;
  readonly destination?: Range;
}

/** One condition of a rule. What is not understood is kept as `unknown`: it may or may not match. */
export type Match =
  | {
      readonly kind: "address";
      /** Their union. */
      readonly regions: readonly Region[];
      readonly negated: boolean;
      /** False when more conditions hang on the addresses, or when the set changes by itself. */
      readonly exact: boolean;
    }
  | { readonly kind: "family"; readonly family: Family; readonly negated: boolean }
  /** `names` may end in `*`; nftables' own wildcard and iptables' `+` alike. */
  | { readonly kind: "interface"; readonly side: "in" | "out"; readonly names: readonly string[]; readonly negated: boolean }
  | { readonly kind: "protocol"; readonly protocols: readonly string[]; readonly negated: boolean }
  | {
      readonly kind: "port";
      readonly side: "source" | "destination" | "either";
      readonly ranges: readonly (readonly [number, number])[];
      readonly negated: boolean;
    }
  /** Whether an IPsec policy exists for the packet on its way out. */
  | { readonly kind: "ipsec"; readonly exists: boolean }
  | { readonly kind: "tcp-flags"; readonly mask: readonly string[]; readonly set: readonly string[]; readonly negated: boolean }
  | { readonly kind: "state"; readonly states: readonly string[]; readonly negated: boolean }
  | { readonly kind: "unknown"; readonly text: string };

/** What a rule does with a packet that matches. */
export type Verdict =
  /** Nothing that ends the walk: it counts, logs, marks. */
  | { readonly kind: "none" }
  | { readonly kind: "accept" | "return" | "drop" }
  | { readonly kind: "jump" | "goto"; readonly chain: string }
  /** A verdict map: each entry as if it were a rule of its own, of which at most one matches. */
  | { readonly kind: "map"; readonly entries: readonly { readonly matches: readonly Match[]; readonly verdict: Verdict }[] }
  /** Writes another source address; sources in `identity` keep theirs, and no later chain rewrites them. */
  | { readonly kind: "rewrite"; readonly name: string; readonly identity: readonly Range[] }
  /** A target that this model does not know: it may rewrite the packet. */
  | { readonly kind: "unknown"; readonly name: string };

/** Names one chain among all that a host has. */
export interface ChainRef {
  readonly backend: FirewallBackend;
  readonly family: TableFamily;
  readonly table: string;
  readonly chain: string;
}

/** Whether packets of the address family pass through a table of this family. */
export function carries(table: Table, family: Family): boolean {
  return table.family === "inet" || (table.family === "ipv4" || table.family === "ip" ? "ipv4" : "ipv6") === family;
}

/** Whether the two tables are one and the same. */
export function sameTable(
  one: Pick<Table, "backend" | "family" | "name">,
  other: Pick<Table, "backend" | "family" | "name">,
): boolean {
  return one.backend === other.backend && one.family === other.family && one.name === other.name;
}

export function findTable(tables: readonly Table[], wanted: Pick<Table, "backend" | "family" | "name">): Table | undefined {
  return tables.find((table) => sameTable(table, wanted));
}

export function findChain(table: Table, name: string): Chain | undefined {
  return table.chains.find((chain) => chain.name === name);
}

/** A chain as plans and messages call it, such as `iptables nat POSTROUTING` or `nftables inet fw postrouting`. */
export function chainLabel({ backend, family, table, chain }: ChainRef): string {
  if (backend === "nftables") return `nftables ${family} ${table} ${chain}`;
  const tool = family === "ipv6" ? "ip6tables" : "iptables";
  return `${tool}${backend === "iptables-legacy" ? "-legacy" : ""} ${table} ${chain}`;
}
