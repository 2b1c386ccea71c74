import fc from "fast-check";
import { ownerComment } from "../../src/firewall/owner.ts";
import { LOCAL_NETWORK, REMOTE_NETWORK } from "./gateway.ts";

/** A NAT ruleset of a host, as a script that loads it. */
export interface RandomRuleset {
  readonly script: string;
  /** No two of its base chains have one priority, so that their order is known. */
  readonly ordered: boolean;
}

/** The addresses that random rulesets tell apart, within the networks of the conn `myvpn`. */
export const SOURCES = ["10.0.2.33", "10.0.2.34", "10.0.2.200"] as const;
/** See SOURCES. */
export const DESTINATIONS = ["192.168.7.9", "192.168.7.10", "192.168.99.1", "192.168.200.1"] as const;

const address = (networks: readonly string[]) =>
  fc.option(fc.record({ network: fc.constantFrom(...networks), negated: fc.boolean() }), { nil: undefined, freq: 2 });

const conditions = {
  source: address(["10.0.2.0/24", "10.0.2.0/25", "10.0.2.33/32", "10.0.0.0/8", "10.0.3.0/24"]),
  destination: address(["192.168.0.0/16", "192.168.7.0/24", "192.168.0.0/17", "172.20.0.0/16", "192.168.7.9/32"]),
};

interface RandomRule {
  readonly source: { readonly network: string; readonly negated: boolean } | undefined;
  readonly destination: { readonly network: string; readonly negated: boolean } | undefined;
  readonly verdict: string;
}

/** The comment that makes an exemption of the conn's networks ours. */
export const OWN_COMMENT = ownerComment("nat_exemption", [LOCAL_NETWORK, REMOTE_NETWORK]);

// `exempt` and `owned` are the whole rule that a repair writes, without and with its comment.
const VERDICTS = ["exempt", "owned", "return", "return", "accept", "masquerade", "masquerade", "snat", "identity", "count"];

const rules = (targets: readonly string[]) => {
  const verdict = fc.constantFrom(...VERDICTS, ...targets.flatMap((target) => [`jump ${target}`, `goto ${target}`]));
  return fc.array(fc.record({ ...conditions, verdict }), { minLength: 1, maxLength: 4 });
};

const chains = fc.record({ base: rules(["one", "two"]), one: rules(["two"]), two: rules([]) });
type Chains = typeof chains extends fc.Arbitrary<infer T> ? T : never;

const iptables = fc.record({ tool: fc.constantFrom("iptables-legacy", "iptables-nft"), chains }).map(({ tool, chains: all }) => ({
  priority: 100,
  unique: tool,
  script: `${tool}-restore --noflush <<'END'\n${iptablesTable(all)}END`,
}));

const nftables = fc
  .record({ family: fc.constantFrom("ip", "inet"), priority: fc.constantFrom(90, 100, 110), chains })
  .map((table) => ({
    priority: table.priority,
    unique: `${table.family} ${table.priority}`,
    script: `nft -f - <<'END'\n${nftTable(table)}END`,
  }));

/** One to three NAT tables of iptables-legacy, iptables-nft and nftables, with user chains, negations and identity NAT. */
export const randomRuleset: fc.Arbitrary<RandomRuleset> = fc
  .uniqueArray(fc.oneof(iptables, nftables), { minLength: 1, maxLength: 3, selector: ({ unique }) => unique })
  .map((tables) => ({
    script: `set -e\n${tables.map(({ script }) => script).join("\n")}\n`,
    ordered: new Set(tables.map(({ priority }) => priority)).size === tables.length,
  }));

function iptablesTable({ base, one, two }: Chains): string {
  const lines = (chain: string, all: readonly RandomRule[]): string =>
    all.map((rule) => `-A ${chain} ${iptablesRule(rule)}\n`).join("");
  return `*nat\n:one -\n:two -\n${lines("POSTROUTING", base)}${lines("one", one)}${lines("two", two)}COMMIT\n`;
}

function iptablesRule({ source, destination, verdict }: RandomRule): string {
  if (verdict === "exempt") return `-s ${LOCAL_NETWORK} -d ${REMOTE_NETWORK} -j RETURN`;
  if (verdict === "owned") return `-s ${LOCAL_NETWORK} -d ${REMOTE_NETWORK} -m comment --comment "${OWN_COMMENT}" -j RETURN`;
  const not = (negated: boolean): string => (negated ? "! " : "");
  const from = verdict === "identity" ? "-s 10.0.2.0/24 " : source ? `${not(source.negated)}-s ${source.network} ` : "";
  const to = destination ? `${not(destination.negated)}-d ${destination.network} ` : "";
  return `${from}${to}${iptablesTarget(verdict)}`;
}

function iptablesTarget(verdict: string): string {
  const [word, chain] = verdict.split(" ");
  if (word === "jump") return `-j ${chain}`;
  if (word === "goto") return `-g ${chain}`;
  if (word === "snat") return "-j SNAT --to-source 172.16.0.77";
  if (word === "identity") return "-j NETMAP --to 10.0.2.0/24";
  return word === "count" ? '-m comment --comment "only counts"' : `-j ${verdict.toUpperCase()}`;
}

function nftTable({
  family,
  priority,
  chains: { base, one, two },
}: {
  family: string;
  priority: number;
  chains: Chains;
}): string {
  const lines = (all: readonly RandomRule[]): string => all.map((rule) => `    ${nftRule(rule, family)}\n`).join("");
  return `table ${family} nat${priority} {
  chain two {\n${lines(two)}  }
  chain one {\n${lines(one)}  }
  chain postrouting {\n    type nat hook postrouting priority ${priority}; policy accept;\n${lines(base)}  }
}
`;
}

function nftRule({ source, destination, verdict }: RandomRule, family: string): string {
  const exempt = `ip saddr ${LOCAL_NETWORK} ip daddr ${REMOTE_NETWORK} return`;
  if (verdict === "exempt") return exempt;
  if (verdict === "owned") return `${exempt} comment "${OWN_COMMENT}"`;
  const is = (negated: boolean): string => (negated ? "!= " : "");
  const from = source ? `ip saddr ${is(source.negated)}${source.network} ` : "";
  const to = destination ? `ip daddr ${is(destination.negated)}${destination.network} ` : "";
  const rewrites = ["masquerade", "snat", "identity"].includes(verdict);
  const ipv4 = rewrites && family === "inet" && from === "" && to === "" ? "meta nfproto ipv4 " : "";
  return `${ipv4}${from}${to}${nftStatement(verdict, family)}`;
}

function nftStatement(verdict: string, family: string): string {
  if (verdict === "snat") return `snat ${family === "inet" ? "ip " : ""}to 172.16.0.77`;
  if (verdict === "identity") return "snat ip prefix to ip saddr map { 10.0.2.0/24 : 10.0.2.0/24 }";
  return verdict === "count" ? "counter" : verdict;
}
