import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Rule, Ruleset } from "../../src/firewall/model.ts";
import { parseNftJson } from "../../src/firewall/nft-json.ts";
import { parseSavedNft } from "../../src/firewall/saved-nft.ts";
import { editSavedNft } from "../../src/firewall/saved-nft-edit.ts";
import type { FirewallBatch, FirewallEdit } from "../../src/model/step.ts";
import { fileFact, inNamespace, kernelLoads } from "./saved-kernel.ts";

const MAIN = "/etc/nftables.conf";
const everyForm = readFileSync(new URL("../fixtures/firewall/every-form.nft", import.meta.url), "utf8");

function files(texts: { readonly [path: string]: string }) {
  return new Map(Object.entries(texts).map(([path, text]) => [path, fileFact(path, text)]));
}

function saved(text: string) {
  return parseSavedNft(files({ [MAIN]: text }), MAIN);
}

function chain(ruleset: Ruleset, table: string, name: string) {
  const found = ruleset.tables.find((one) => one.name === table)?.chains.find((one) => one.name === name);
  if (!found) throw new Error(`no chain ${table} ${name}`);
  return found;
}

const ours = 'ip saddr 10.0.2.0/24 ip daddr 192.168.0.0/16 return comment "ipsec-fix:nat_exemption:0123456789ab"';

function edited(text: string, edits: readonly FirewallEdit[], table = "nat"): string {
  const batch: FirewallBatch = { do: "firewall-batch", backend: "nftables", family: "ip", table, edits };
  return editSavedNft(files({ [MAIN]: text }), saved(text), [batch]).get(MAIN) ?? text;
}

describe.runIf(kernelLoads)("the kernel reads a saved script as this program does", () => {
  const kernel = parseNftJson(inNamespace('nft -f "$1"; nft -j list ruleset', everyForm));
  const read = saved(everyForm);

  test("nothing is left over", () => {
    expect(read.problems).toEqual([]);
    expect(read.ruleset.tables.map(({ family, name }) => `${family} ${name}`).sort()).toEqual(
      kernel?.tables.map(({ family, name }) => `${family} ${name}`).sort(),
    );
  });

  const chains = kernel?.tables.flatMap((table) => table.chains.map((one) => ({ table: table.name, one }))) ?? [];
  test.each(chains.map(({ table, one }) => [`${table} ${one.name}`, table, one] as const))("chain %s", (_, table, one) => {
    const own = chain(read.ruleset, table, one.name);
    expect(own.base).toEqual(one.base);
    expect(own.rules.map(certain)).toEqual(one.rules.map((rule, index) => certain(rule, index, own.rules)));
  });
});

/** A rule's meaning, where this program claims to know it: an unknown part of ours excuses the kernel's more exact view. */
function certain(rule: Rule, index: number, ours: readonly Rule[]) {
  const own = ours[index] ?? rule;
  const vague = own.verdict.kind === "unknown" || own.matches.some(({ kind }) => kind === "unknown");
  if (vague) return { comment: rule.comment };
  const matches = rule.matches
    .filter((match) => match.kind !== "state" && match.kind !== "unknown")
    .map((match) => (match.kind === "address" ? { ...match, regions: joined(match.regions) } : match));
  return { comment: rule.comment, verdict: rule.verdict, mss: rule.mss, matches };
}

/** The kernel sorts a set and joins neighbours. */
function joined(regions: readonly { readonly source?: Bounds; readonly destination?: Bounds }[]): readonly string[] {
  const bounds = regions.flatMap((region) => (region.source ? [region.source] : region.destination ? [region.destination] : []));
  const sorted = bounds.toSorted((one, other) => (one.first < other.first ? -1 : 1));
  return sorted
    .reduce<Bounds[]>((result, next) => {
      const last = result.at(-1);
      if (last && last.last + 1n === next.first) result[result.length - 1] = { first: last.first, last: next.last };
      else result.push(next);
      return result;
    }, [])
    .map(({ first, last }) => `${first}-${last}`);
}

interface Bounds {
  readonly first: bigint;
  readonly last: bigint;
}

const forms: { readonly [name: string]: string } = {
  "a chain in braces": `flush ruleset

table ip nat {
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 10.9.0.0/24 return # keep
		oifname "eth0" masquerade
	}
}
`,
  "two spaces, one line":
    'table ip nat {\n  chain postrouting { type nat hook postrouting priority 100; ip saddr 10.9.0.0/24 return; oifname "eth0" masquerade;\n  }\n}\n',
  commands: `add table ip nat
add chain ip nat postrouting { type nat hook postrouting priority 100 ; policy accept ; }
add rule ip nat postrouting ip saddr 10.9.0.0/24 return
add rule ip nat postrouting oifname "eth0" masquerade`,
  "inserted rules": `add table ip nat
add chain ip nat postrouting { type nat hook postrouting priority 100; }
insert rule ip nat postrouting oifname "eth0" masquerade
insert rule ip nat postrouting ip saddr 10.9.0.0/24 return
`,
};

describe.each(Object.entries(forms))("a rule set saved as %s", (_, text) => {
  const rules = chain(saved(text).ruleset, "nat", "postrouting").rules;
  const [first, second] = rules;

  test("is read in the kernel's order", () => {
    expect(rules.map((rule) => rule.text)).toEqual(["ip saddr 10.9.0.0/24 return", 'oifname "eth0" masquerade']);
  });

  const places = [
    { name: "at the head", before: first?.handle, expected: [ours, first?.text, second?.text] },
    { name: "before the masquerade", before: second?.handle, expected: [first?.text, ours, second?.text] },
    { name: "at the end", before: undefined, expected: [first?.text, second?.text, ours] },
  ];
  test.each(places)("takes a rule $name", ({ before, expected }) => {
    const after = edited(text, [
      { edit: "insert", chain: "postrouting", rule: ours, before: before === undefined ? null : { handle: before } },
    ]);
    expect(chain(saved(after).ruleset, "nat", "postrouting").rules.map((rule) => rule.text)).toEqual(expected);
    if (kernelLoads) expect(kernelRules(after)).toEqual(expected);
    const gone = edited(after, [
      { edit: "delete", chain: "postrouting", rule: { comment: "ipsec-fix:nat_exemption:0123456789ab" } },
    ]);
    expect(chain(saved(gone).ruleset, "nat", "postrouting").rules.map((rule) => rule.text)).toEqual(
      rules.map((rule) => rule.text),
    );
    if (_ === "a chain in braces") expect(gone).toBe(text);
  });

  test("keeps every other line", () => {
    const after = edited(text, [{ edit: "insert", chain: "postrouting", rule: ours, before: null }]);
    const others = after.split("\n").filter((line) => !line.includes(ours));
    expect(others.join("\n")).toBe(text);
  });
});

function kernelRules(text: string): readonly string[] {
  const listing = inNamespace('nft -f "$1"; nft -a list chain ip nat postrouting', text);
  return listing
    .split("\n")
    .flatMap((line) =>
      /# handle \d+$/.test(line) && !line.includes("chain ") && !line.includes("table ")
        ? [line.trim().replace(/ # handle \d+$/, "")]
        : [],
    );
}

test("a rule for a chain in an included file goes into that file", () => {
  const all = files({
    [MAIN]: 'flush ruleset\ninclude "/etc/nftables.d/*.nft"\n',
    "/etc/nftables.d/nat.nft":
      "table ip nat {\n\tchain postrouting {\n\t\ttype nat hook postrouting priority 100;\n\t\tmasquerade\n\t}\n}\n",
  });
  const read = parseSavedNft(all, MAIN);
  const [rule] = chain(read.ruleset, "nat", "postrouting").rules;
  const after = editSavedNft(all, read, [
    {
      do: "firewall-batch",
      backend: "nftables",
      family: "ip",
      table: "nat",
      edits: [{ edit: "insert", chain: "postrouting", rule: ours, before: { handle: rule?.handle ?? 0 } }],
    },
  ]);
  expect([...after.keys()]).toEqual(["/etc/nftables.d/nat.nft"]);
  expect(after.get("/etc/nftables.d/nat.nft")).toBe(
    `table ip nat {\n\tchain postrouting {\n\t\ttype nat hook postrouting priority 100;\n\t\t${ours}\n\t\tmasquerade\n\t}\n}\n`,
  );
});

test("a chain that no file declares is appended with its declaration", () => {
  const text = "#!/usr/sbin/nft -f\n\nflush ruleset";
  const after = edited(text, [
    { edit: "create-chain", chain: "postrouting", type: "nat", hook: "postrouting", priority: 100 },
    { edit: "insert", chain: "postrouting", rule: ours, before: null },
  ]);
  expect(after).toBe(
    `${text}\n\ntable ip nat {\n\tchain postrouting {\n\t\ttype nat hook postrouting priority 100; policy accept;\n\t\t${ours}\n\t}\n}\n`,
  );
  if (kernelLoads) expect(kernelRules(after)).toEqual([ours]);
});

test("what cannot be followed is said", () => {
  expect(saved('include "/etc/gone.nft"\n').problems).toEqual([
    "/etc/nftables.conf: includes /etc/gone.nft, which was not found",
  ]);
  expect(saved("frobnicate all\n").problems).toEqual(['/etc/nftables.conf: "frobnicate" is not understood']);
  expect(saved('include "/etc/nftables.conf"\n').problems).toEqual(["/etc/nftables.conf: includes itself"]);
});

test("any text is read to its end, and an edit of what was read can be taken back", () => {
  const words = fc.constantFrom(
    ...'table chain ip nat add rule insert set map elements = { } ; \n \t type nat hook postrouting priority 100 policy accept masquerade return comment "x" # \\ $x @s define include "/etc/nftables.conf" flush ruleset ip saddr 10.0.0.0/8 . , ( ) & vmap jump a'.split(
      " ",
    ),
  );
  const loose = fc.array(words, { maxLength: 40 }).map((list) => list.join(" "));
  const inChain = loose.map((text) => `table ip nat {\n chain a {\n masquerade\n ${text}\n }\n}\n`);
  const script = fc.oneof(fc.string(), loose, inChain);
  fc.assert(
    fc.property(script, (text) => {
      const read = saved(text);
      for (const { table, name, family, rules } of read.chains) {
        const [rule] = rules;
        if (!rule || rule.place.path !== MAIN) continue;
        const batch: FirewallBatch = {
          do: "firewall-batch",
          backend: "nftables",
          family: family === "ip6" ? "ip6" : "ip",
          table,
          edits: [{ edit: "insert", chain: name, rule: ours, before: { handle: rule.handle } }],
        };
        const after = editSavedNft(files({ [MAIN]: text }), read, [batch]).get(MAIN) ?? text;
        const removal: FirewallBatch = {
          ...batch,
          edits: [{ edit: "delete", chain: name, rule: { comment: "ipsec-fix:nat_exemption:0123456789ab" } }],
        };
        const back = editSavedNft(files({ [MAIN]: after }), saved(after), [removal]).get(MAIN) ?? after;
        expect(after).toContain(ours);
        expect(back.replace(/\s/g, "")).toBe(text.replace(/\s/g, ""));
      }
    }),
    { numRuns: 500 },
  );
});
