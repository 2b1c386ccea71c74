import type { FirewallBackend } from "../model/step.ts";
import type { Family } from "../text/address.ts";
import { remembered } from "../text/remembered.ts";
import { parseIptablesRule } from "./iptables-rule.ts";
import type { BaseChain, Rule, Ruleset } from "./model.ts";

interface OpenTable {
  readonly name: string;
  readonly chains: Map<string, OpenChain>;
}

interface OpenChain {
  readonly name: string;
  readonly base?: BaseChain;
  readonly rules: Rule[];
}

type Backend = Exclude<FirewallBackend, "nftables">;

/** Reads the output of iptables-save (with or without `-c`), or a saved file of the same format. */
export function parseIptablesSave(text: string, backend: Backend, family: Family): Ruleset {
  return readers[backend][family](text);
}

// Every resource of a plan asks for the saved files anew.
const reader = (backend: Backend, family: Family) => remembered(16, (text) => read(text, backend, family));
const readers = {
  "iptables-nft": { ipv4: reader("iptables-nft", "ipv4"), ipv6: reader("iptables-nft", "ipv6") },
  "iptables-legacy": { ipv4: reader("iptables-legacy", "ipv4"), ipv6: reader("iptables-legacy", "ipv6") },
};

function read(text: string, backend: Backend, family: Family): Ruleset {
  const tables: OpenTable[] = [];
  for (const line of logicalLines(text)) {
    const table = tables.at(-1);
    const chain = /^:(\S+) (\S+)/.exec(line);
    const rule = /^(?:\[(\d+):(\d+)\] )?(?:-A|--append) (\S+) ?([\s\S]*)$/.exec(line);
    if (line.startsWith("*")) tables.push({ name: line.slice(1).trim(), chains: new Map() });
    else if (table && chain?.[1]) {
      const base = builtinChain(table.name, chain[1], chain[2] === "DROP" ? "drop" : "accept");
      table.chains.set(chain[1], { name: chain[1], rules: [], ...(base ? { base } : {}) });
    } else if (table && rule?.[3]) {
      const counters = rule[1] ? { counters: { packets: Number(rule[1]), bytes: Number(rule[2]) } } : {};
      table.chains.get(rule[3])?.rules.push({ ...parseIptablesRule(rule[4] ?? "", family, table.chains), ...counters });
    }
  }
  return { tables: tables.map(({ name, chains }) => ({ backend, family, name, chains: [...chains.values()] })) };
}

/** Where the kernel hooks iptables' own chains in, on every version; undefined for a user's chain. */
export function builtinChain(table: string, chain: string, policy: "accept" | "drop"): BaseChain | undefined {
  const priority = PRIORITIES[table]?.[chain];
  if (priority === undefined) return undefined;
  return { type: table === "nat" ? "nat" : "filter", hook: chain.toLowerCase(), priority, policy };
}

/** The chains that a table of iptables always has. */
export function builtinNames(table: string): readonly string[] {
  return Object.keys(PRIORITIES[table] ?? {});
}

const PRIORITIES: { readonly [table: string]: { readonly [chain: string]: number } } = {
  raw: { PREROUTING: -300, OUTPUT: -300 },
  mangle: { PREROUTING: -150, INPUT: -150, FORWARD: -150, OUTPUT: -150, POSTROUTING: -150 },
  nat: { PREROUTING: -100, INPUT: 100, OUTPUT: -100, POSTROUTING: 100 },
  filter: { INPUT: 0, FORWARD: 0, OUTPUT: 0 },
  security: { INPUT: 50, FORWARD: 50, OUTPUT: 50 },
};

/** A quoted comment may hold a line break, which iptables-save prints as it is. */
function logicalLines(text: string): readonly string[] {
  const lines: string[] = [];
  let open = "";
  for (const line of text.split("\n")) {
    const whole = open === "" ? line.replace(/\r$/, "") : `${open}\n${line}`;
    const isRule = /^(?:\[\d+:\d+\] )?-/.test(whole);
    open = isRule && insideQuotes(whole) ? whole : "";
    if (open === "") lines.push(whole);
  }
  return open === "" ? lines : [...lines, open];
}

function insideQuotes(text: string): boolean {
  let inside = false;
  for (let index = 0; index < text.length; index += 1) {
    if (inside && text[index] === "\\") index += 1;
    else if (text[index] === '"') inside = !inside;
  }
  return inside;
}
