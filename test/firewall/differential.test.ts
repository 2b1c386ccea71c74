import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findings } from "../../src/firewall/exemption.ts";
import type { Table } from "../../src/firewall/model.ts";
import { parseNetwork } from "../../src/text/address.ts";
import { labIsPossible } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { startTraffic, type Traffic } from "../lab/traffic.ts";
import { clear, liveFirewall } from "./live.ts";

// Every network of a rule is a union of the four quarters, or has nothing of them: one packet decides a quarter.
const QUARTERS = [
  { from: "10.0.2.33", to: "192.168.7.9", source: "10.0.2.0/25", destination: "192.168.0.0/17" },
  { from: "10.0.2.33", to: "192.168.200.9", source: "10.0.2.0/25", destination: "192.168.128.0/17" },
  { from: "10.0.2.200", to: "192.168.7.9", source: "10.0.2.128/25", destination: "192.168.0.0/17" },
  { from: "10.0.2.200", to: "192.168.200.9", source: "10.0.2.128/25", destination: "192.168.128.0/17" },
];
const SOURCES = ["10.0.2.0/24", "10.0.2.0/25", "10.0.2.128/25", "10.0.0.0/8", "10.9.0.0/16"];
const DESTINATIONS = ["192.168.0.0/16", "192.168.0.0/17", "192.168.128.0/17", "192.0.0.0/8", "10.9.0.0/16"];

const maybe = (values: readonly string[]) => fc.option(fc.tuple(fc.constantFrom(...values), fc.boolean()), { freq: 2 });
const where = fc.tuple(maybe(SOURCES), maybe(DESTINATIONS), fc.boolean());
const target = fc.constantFrom("masquerade", "snat", "accept", "return", "inner", "inner", "log");

// The model does not know the interface: what it says of a rule that names one is "may", which is exact for these alone.
const MAYBE: ReadonlySet<string> = new Set(["masquerade", "snat", "log"]);

const iptablesRule = fc.tuple(where, target, fc.boolean()).map(([[source, destination, out], to, goto]) => {
  const part = (option: string, value: readonly [string, boolean] | null): string =>
    value ? `${value[1] ? "! " : ""}${option} ${value[0]} ` : "";
  const targets = {
    masquerade: "-j MASQUERADE",
    snat: "-j SNAT --to-source 172.16.0.1",
    accept: "-j ACCEPT",
    return: "-j RETURN",
    inner: goto ? "-g INNER" : "-j INNER",
    log: "-j MARK --set-mark 7",
  };
  return `${part("-s", source)}${part("-d", destination)}${out && MAYBE.has(to) ? "-o eth0 " : ""}${targets[to]}`;
});
const nftRule = fc
  .tuple(where, target, fc.constantFrom("plain", "set", "pair", "map"), fc.boolean())
  .map(([[source, destination, out], to, form, goto]) => {
    const verdicts = {
      masquerade: "masquerade",
      snat: "snat ip to 172.16.0.1",
      accept: "accept",
      return: "return",
      inner: goto ? "goto inner" : "jump inner",
      log: "counter",
    };
    if (form === "pair" && source && destination)
      return `ip saddr . ip daddr ${source[1] ? "!= " : ""}{ ${source[0]} . ${destination[0]} } ${verdicts[to]}`;
    if (form === "map" && source && ["accept", "return", "inner"].includes(to))
      return `ip saddr vmap { ${source[0]} : ${verdicts[to]}, 172.31.0.0/16 : drop }`;
    const part = (field: string, value: readonly [string, boolean] | null): string =>
      value ? `ip ${field} ${value[1] ? "!= " : ""}${form === "set" ? `{ ${value[0]}, 203.0.113.0/24 }` : value[0]} ` : "";
    return `${part("saddr", source)}${part("daddr", destination)}${out && MAYBE.has(to) ? 'oifname "eth0" ' : ""}${verdicts[to]}`;
  });

interface Rules {
  readonly base: readonly string[];
  readonly inner: readonly string[];
}

/** Rules of a user chain do not jump on. */
function rules(rule: fc.Arbitrary<string>, jump: RegExp): fc.Arbitrary<Rules | null> {
  return fc.option(
    fc.record({
      base: fc.array(rule, { minLength: 1, maxLength: 4 }),
      inner: fc.array(
        rule.filter((text) => !jump.test(text)),
        { maxLength: 3 },
      ),
    }),
  );
}

const ruleset = fc.record({
  legacy: rules(iptablesRule, /INNER/),
  managed: rules(iptablesRule, /INNER/),
  early: rules(nftRule, / inner/),
  late: rules(nftRule, / inner/),
  netmap: fc.boolean(),
});

type Ruleset = typeof ruleset extends fc.Arbitrary<infer T> ? T : never;

function script({ legacy, managed, early, late, netmap }: Ruleset): string {
  const restore = (tool: string, all: Rules | null, first: readonly string[]): string => {
    const base = [...first, ...(all?.base ?? [])];
    if (base.length === 0) return "";
    const lines = [
      "*nat",
      ":INNER - [0:0]",
      ...base.map((rule) => `-A POSTROUTING ${rule}`),
      ...(all?.inner ?? []).map((rule) => `-A INNER ${rule}`),
      "COMMIT",
    ];
    return `${tool}-restore --noflush <<'END'\n${lines.join("\n")}\nEND\n`;
  };
  const native = (name: string, family: string, priority: number, all: Rules | null): string =>
    all
      ? `nft -f - <<'END'\ntable ${family} ${name} {\nchain inner {\n${all.inner.join("\n")}\n}\nchain post {\ntype nat hook postrouting priority ${priority};\n${all.base.join("\n")}\n}\n}\nEND\n`
      : "";
  // Identity NAT spares later chains alone, and which of two chains of one priority runs later, nobody can tell.
  const identity = netmap && !legacy ? ["-s 10.0.2.0/24 -d 192.168.0.0/17 -j NETMAP --to 10.0.2.0/24"] : [];
  return `set -e\n${restore("iptables-legacy", legacy, [])}${restore("iptables-nft", managed, identity)}${native("early", "ip", 90, early)}${native("late", "inet", 110, late)}`;
}

/** For each quarter whether the model calls it exempt. */
function exempt(tables: readonly Table[]): readonly boolean[] {
  return QUARTERS.map(({ source, destination }) => {
    const pair = { source: parseNetwork(source), destination: parseNetwork(destination) };
    if (!pair.source || !pair.destination) throw new Error("no network");
    return findings(tables, { source: pair.source, destination: pair.destination }).every(({ offence }) => offence === undefined);
  });
}

describe.skipIf(!labIsPossible())("any rule set, in the model and in the kernel", () => {
  let lab: Lab;
  let traffic: Traffic;
  beforeAll(async () => {
    lab = await startLab({ hosts: 1 });
    traffic = await startTraffic(lab.host("gw1"));
  });
  afterAll(async () => {
    await traffic.stop();
    await lab.stop();
  });

  it("the model calls a packet exempt exactly where the far side sees its own source", async () => {
    const host = lab.host("gw1");
    const started = Date.now();
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(ruleset, async (given) => {
        if (Date.now() - started > 15_000) return;
        await clear(host);
        await host.must(script(given));
        compared += 1;
        const { tables } = await liveFirewall(host);
        const seen = await traffic.sources(QUARTERS);
        expect(exempt(tables)).toEqual(QUARTERS.map(({ from }, index) => seen[index] === from));
      }),
      { numRuns: 30, endOnFailure: true },
    );
    expect(compared).toBeGreaterThan(5);
  });
});
