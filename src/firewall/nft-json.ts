import { remembered } from "../text/remembered.ts";
import type { BaseChain, Chain, Rule, Ruleset, Table, TableFamily } from "./model.ts";
import { isRecord, type NftExpression, parseNftExpressions, type SetLookup } from "./nft-expression.ts";
import { nftRuleText } from "./nft-rule-text.ts";

const FAMILIES: ReadonlySet<string> = new Set(["ip", "ip6", "inet"]);

/** Reads `nft -j list ruleset`; tables of other families (arp, bridge, netdev) see no routed packet and are left out. */
export const parseNftJson = remembered(16, (text): Ruleset | undefined => {
  const objects = nftObjects(text);
  if (objects === undefined) return undefined;
  const of = (kind: string): readonly NftExpression[] =>
    objects.flatMap((object) => (isRecord(object[kind]) && isFamily(object[kind]["family"]) ? [object[kind]] : []));
  const rules = of("rule");
  const updated = new Set(rules.flatMap(updatedSets));
  const named = [...of("set"), ...of("map")].map((set): [string, NftExpression] => [
    `${set["family"]} ${set["table"]} @${set["name"]}`,
    set,
  ]);
  const sets = new Map(named.filter(([name]) => !updated.has(name)));
  const chains = of("chain");
  return {
    tables: of("table").map((table) => {
      const { family, name } = table;
      const inTable = (object: NftExpression): boolean => object["family"] === family && object["table"] === name;
      const lookup: SetLookup = (reference) => sets.get(`${family} ${name} ${reference}`);
      return {
        backend: "nftables",
        family: isFamily(family) ? family : "inet",
        name: String(name),
        chains: chains.filter(inTable).map((chain): Chain => {
          const own = rules.filter((rule) => inTable(rule) && rule["chain"] === chain["name"]);
          const base = isDormant(table) ? undefined : baseChain(chain);
          return { name: String(chain["name"]), ...(base ? { base } : {}), rules: own.map((rule) => parseRule(rule, lookup)) };
        }),
      } satisfies Table;
    }),
  };
});

/** The sets that a rule adds packets' addresses to: what they hold is true for a moment only. */
function updatedSets({ family, table, expr }: NftExpression): readonly string[] {
  const statements = Array.isArray(expr) ? expr.filter(isRecord) : [];
  return statements.flatMap((statement) =>
    ["set", "map"].flatMap((kind) => {
      const body = statement[kind];
      return isRecord(body) ? [`${family} ${table} ${body[kind]}`] : [];
    }),
  );
}

function nftObjects(text: string): readonly NftExpression[] | undefined {
  try {
    const document: unknown = JSON.parse(text);
    const list = isRecord(document) ? document["nftables"] : undefined;
    return Array.isArray(list) ? list.filter(isRecord) : undefined;
  } catch {
    return undefined;
  }
}

function isFamily(value: unknown): value is TableFamily {
  return typeof value === "string" && FAMILIES.has(value);
}

/** No packet enters the chains of a dormant table. nft 1.0.6 shortens the word. */
function isDormant({ flags }: NftExpression): boolean {
  return [flags].flat().some((flag) => typeof flag === "string" && flag.startsWith("dorm"));
}

function baseChain(chain: NftExpression): BaseChain | undefined {
  const { type, hook, prio, policy } = chain;
  if (typeof type !== "string" || typeof hook !== "string") return undefined;
  return { type, hook, priority: Number(prio ?? 0), policy: policy === "drop" ? "drop" : "accept" };
}

function parseRule(rule: NftExpression, lookup: SetLookup): Rule {
  const expressions = Array.isArray(rule["expr"]) ? rule["expr"].filter(isRecord) : [];
  const { comment, handle } = rule;
  const parts = typeof comment === "string" ? { comment } : {};
  return {
    text: nftRuleText(expressions, parts.comment),
    ...(typeof handle === "number" ? { handle } : {}),
    ...parts,
    ...parseNftExpressions(expressions, lookup),
  };
}
