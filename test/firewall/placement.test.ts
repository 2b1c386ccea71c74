import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { afterBatch, undoOf } from "../../src/firewall/edits.ts";
import { findings } from "../../src/firewall/exemption.ts";
import { parseIptablesSave } from "../../src/firewall/iptables-save.ts";
import { mergeBatches } from "../../src/firewall/layout.ts";
import type { Rule, Table } from "../../src/firewall/model.ts";
import { parseNftRule } from "../../src/firewall/nft-statement.ts";
import { isOwn, ownerComment } from "../../src/firewall/owner.ts";
import { type Exemption, placeExemptions, removeExemptions } from "../../src/firewall/placement.ts";
import { formatNetwork, parseNetwork } from "../../src/text/address.ts";

const NETWORKS = [
  "10.0.2.0/24",
  "10.0.2.0/25",
  "10.0.2.128/25",
  "10.0.0.0/16",
  "10.5.0.0/24",
  "192.168.0.0/16",
  "192.168.7.0/24",
];

function exemption(source: string, destination: string): Exemption {
  const pair = { source: parseNetwork(source), destination: parseNetwork(destination) };
  if (!pair.source || !pair.destination) throw new Error("no network");
  const comment = ownerComment("nat_exemption", [formatNetwork(pair.source), formatNetwork(pair.destination)]);
  return { pair: { source: pair.source, destination: pair.destination }, match: "subnets", verdict: "return", comment };
}

const network = fc.constantFrom(...NETWORKS);
const exemptions = fc.uniqueArray(
  fc.tuple(fc.constantFrom("10.0.2.0/24", "10.5.0.0/24", "10.0.2.0/25"), fc.constantFrom("192.168.0.0/16", "10.9.0.0/24")),
  { minLength: 1, maxLength: 4, selector: ([source, destination]) => `${source} ${destination}` },
);
const addresses = fc
  .tuple(fc.option(network), fc.option(network), fc.boolean())
  .map(
    ([source, destination, negated]) =>
      `${negated && source ? "! " : ""}${source ? `-s ${source} ` : ""}${destination ? `-d ${destination} ` : ""}`,
  );
const others = fc.constantFrom("", "-o eth0 ", "-p udp ", "-m mark --mark 0x1 ", "-m policy --dir out --pol none ");
const target = fc.constantFrom(
  "MASQUERADE",
  "RETURN",
  "ACCEPT",
  "USER",
  "LOG",
  "NETMAP --to 10.0.2.0/24",
  "SNAT --to-source 1.2.3.4",
);
const iptablesRule = fc.tuple(addresses, others, target).map(([where, what, to]) => `${where}${what}-j ${to}`);
const ownRule = exemptions.map(([first]) => {
  const [source = "", destination = ""] = first ?? [];
  return `-s ${source} -d ${destination} -m comment --comment "${exemption(source, destination).comment}" -j RETURN`;
});
const iptables = fc
  .tuple(
    fc.array(fc.oneof({ weight: 4, arbitrary: iptablesRule }, { weight: 1, arbitrary: ownRule }), { maxLength: 8 }),
    fc.array(
      iptablesRule.filter((rule) => !rule.endsWith("USER")),
      { maxLength: 3 },
    ),
  )
  .map(([base, user]) => {
    const lines = [...base.map((rule) => `-A POSTROUTING ${rule}`), ...user.map((rule) => `-A USER ${rule}`)];
    const text = ["*nat", ":POSTROUTING ACCEPT [0:0]", ":USER - [0:0]", ...lines, "COMMIT"].join("\n");
    return parseIptablesSave(text, "iptables-nft", "ipv4").tables;
  });

const nftAddresses = fc
  .tuple(fc.option(network), fc.option(network), fc.constantFrom("", "!= "))
  .map(
    ([source, destination, not]) =>
      `${source ? `ip saddr ${not}${source} ` : ""}${destination ? `ip daddr ${destination} ` : ""}`,
  );
const nftRule = fc
  .tuple(
    nftAddresses,
    fc.constantFrom("", 'oifname "eth0" ', "rt ipsec missing ", "counter "),
    fc.constantFrom("masquerade", "return", "accept", "jump user"),
  )
  .map(([where, what, to]) => `${where}${what}${to}`);
const nft = fc
  .tuple(
    fc.array(nftRule, { maxLength: 8 }),
    fc.array(
      nftRule.filter((rule) => !rule.endsWith("user")),
      { maxLength: 3 },
    ),
    fc.constantFrom("ip", "inet"),
  )
  .map(([base, user, family]): readonly Table[] => {
    let handle = 1;
    const rules = (texts: readonly string[]): readonly Rule[] =>
      texts.map((text) => {
        handle += 1;
        return { ...parseNftRule(text), handle };
      });
    const hook = { type: "nat", hook: "postrouting", priority: 110, policy: "accept" } as const;
    const chains = [
      { name: "post", base: hook, rules: rules(base) },
      { name: "user", rules: rules(user) },
    ];
    return [{ backend: "nftables", family: family === "ip" ? "ip" : "inet", name: "fw", chains }];
  });
const ruleset = fc
  .tuple(fc.oneof(iptables, fc.constant([])), fc.oneof(nft, fc.constant([])))
  .map(([one, other]) => [...one, ...other]);

const all = (): boolean => true;

/** Rules that are neither ours nor equal to one of ours, in their order. */
function foreign(tables: readonly Table[], wanted: readonly Exemption[]): readonly Rule[] {
  const pairs = wanted.map(({ pair }) => [formatNetwork(pair.source), formatNetwork(pair.destination)]);
  const isEqual = ({ text, verdict }: Rule): boolean =>
    verdict.kind === "return" &&
    pairs.some(([source = "", destination = ""]) => text.includes(source) && text.includes(destination));
  return tables.flatMap(({ chains }) => chains.flatMap(({ rules }) => rules.filter((rule) => !isOwn(rule) && !isEqual(rule))));
}

/** Like the rule sets themselves, but for the handles that a rule gets anew when it comes back. */
function shape(tables: readonly Table[]): unknown {
  return tables.map(({ chains, ...table }) => ({
    ...table,
    chains: chains.map(({ rules, ...chain }) => ({ ...chain, rules: rules.map(({ handle: _handle, ...rule }) => rule) })),
  }));
}

describe("placing exemptions in any rule set", () => {
  const given = fc
    .tuple(ruleset, exemptions)
    .map(([tables, pairs]) => ({ tables, wanted: pairs.map(([s, d]) => exemption(s, d)) }));

  it("exempts every pair, and a second plan is empty", () => {
    fc.assert(
      fc.property(given, ({ tables, wanted }) => {
        const { tables: after } = placeExemptions(tables, wanted, all);
        for (const { pair } of wanted) expect(findings(after, pair).flatMap(({ offence }) => offence ?? [])).toEqual([]);
        expect(placeExemptions(after, wanted, all).placements).toEqual([]);
      }),
      { numRuns: 600 },
    );
  });

  it("does not depend on which resource asks: one after another comes to the same end, whoever looks again first", () => {
    fc.assert(
      fc.property(given, fc.nat({ max: 3 }), ({ tables, wanted }, first) => {
        const after = wanted.reduce<readonly Table[]>((state, one) => placeExemptions(state, [one], all).tables, tables);
        const order = [...wanted.slice(first), ...wanted.slice(0, first)].toReversed();
        for (const one of order) expect(placeExemptions(after, [one], all).placements).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("leaves foreign rules where they are, in their order, with their handles", () => {
    fc.assert(
      fc.property(given, ({ tables, wanted }) => {
        const { tables: after } = placeExemptions(tables, wanted, all);
        expect(foreign(after, wanted)).toEqual(foreign(tables, wanted));
      }),
      { numRuns: 300 },
    );
  });

  it("writes one block in playbook order into a chain that has none of ours", () => {
    fc.assert(
      fc.property(given, ({ tables, wanted }) => {
        fc.pre(!tables.some(({ chains }) => chains.some(({ rules }) => rules.some(isOwn))));
        const { tables: after } = placeExemptions(tables, wanted, all);
        for (const { rules } of after.flatMap(({ chains }) => chains)) {
          const own = rules.flatMap((rule, index) => (isOwn(rule) ? [index] : []));
          expect(own).toEqual(own.map((_, nth) => (own[0] ?? 0) + nth));
          const order = own.map((index) => wanted.findIndex(({ comment }) => comment === rules[index]?.comment));
          expect(order).toEqual(order.toSorted((one, other) => one - other));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("is taken back by its undo, edit by edit and merged", () => {
    fc.assert(
      fc.property(given, ({ tables, wanted }) => {
        const { placements, tables: after } = placeExemptions(tables, wanted, all);
        const undone = placements.toReversed().reduce((state, { undo }) => afterBatch(state, undo), after);
        expect(shape(undone)).toEqual(shape(tables));
        for (const table of tables) {
          const batches = placements.map(({ batch }) => batch).filter((batch) => batch.backend === table.backend);
          const [first, ...more] = batches;
          if (first === undefined) continue;
          const merged = more.reduce(mergeBatches, first);
          const once = afterBatch([table], merged);
          expect(once).toEqual(after.filter(({ backend }) => backend === table.backend));
          expect(shape(afterBatch(once, undoOf(merged, [table])))).toEqual(shape([table]));
        }
      }),
      { numRuns: 400 },
    );
  });

  it("goes away with state: absent, and nothing else does", () => {
    fc.assert(
      fc.property(given, ({ tables, wanted }) => {
        const { tables: after } = placeExemptions(tables, wanted, all);
        const { tables: bare } = removeExemptions(after, new Set(wanted.map(({ comment }) => comment)));
        const comments = new Set(wanted.map(({ comment }) => comment));
        expect(
          bare.flatMap(({ chains }) => chains.flatMap(({ rules }) => rules.filter(({ comment }) => comments.has(comment ?? "")))),
        ).toEqual([]);
        expect(foreign(bare, wanted)).toEqual(foreign(tables, wanted));
      }),
      { numRuns: 200 },
    );
  });
});

it("numbers the rule to blame as the gateway does, without the rules that the plan puts before it", () => {
  const { tables } = parseIptablesSave(
    "*nat\n:POSTROUTING ACCEPT [0:0]\n[1:84] -A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE\n[0:0] -A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n",
    "iptables-nft",
    "ipv4",
  );
  const wanted = [exemption("10.0.2.0/24", "192.168.0.0/16"), exemption("10.5.0.0/24", "192.168.0.0/16")];
  expect(placeExemptions(tables, wanted, () => true).placements.map(({ reason }) => reason)).toEqual([
    "rule 2 (MASQUERADE -o eth0) rewrites its packets",
    "rule 2 (MASQUERADE -o eth0) rewrites its packets",
  ]);
});
