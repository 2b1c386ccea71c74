import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  afterFirewalldStep,
  type FirewalldState,
  readFirewalld,
  zoneOfInterface,
  zoneOfPeer,
} from "../../src/firewall/firewalld.ts";
import { directRuleChanges, directRuleRemovals, exemptionRule, isExemptAfterReload } from "../../src/firewall/firewalld-rules.ts";
import type { Change } from "../../src/model/plan.ts";
import { parseNetwork } from "../../src/text/address.ts";

/** What the probe printed on a gateway with firewalld 1.3.3: eth0 external, eth1 and a source internal, a rich and a direct rule at run time only. */
const recorded = readFileSync(new URL("../fixtures/firewall/firewalld-1.3.3.txt", import.meta.url), "utf8");

function read(text: string): FirewalldState {
  const state = readFirewalld({ readings: new Map([["firewalld", { exit: 0, text }]]), files: new Map() });
  if (!state) throw new Error("firewalld does not run");
  return state;
}

function pair(source: string, destination: string) {
  const [from, to] = [parseNetwork(source), parseNetwork(destination)];
  if (!from || !to) throw new Error(source);
  return { source: from, destination: to };
}

const state = read(recorded);
const lan = pair("10.0.2.0/24", "192.168.0.0/16");
const OWNER = "ipsec-fix:nat_exemption:0123456789ab";

describe("what firewalld says", () => {
  test("is read as it was printed", () => {
    expect(state.backend).toBe("nftables");
    expect(state.defaultZone).toBe("public");
    expect(state.runtime.zones.map(({ name }) => name)).toEqual(
      "block dmz drop external home internal public trusted work".split(" "),
    );
    expect(state.runtime.zones.find(({ name }) => name === "external")).toEqual({
      name: "external",
      target: "default",
      interfaces: ["eth0"],
      sources: [],
      services: ["ssh"],
      ports: [],
      protocols: [],
      masquerade: true,
      richRules: ['rule family="ipv4" destination NOT address="192.168.0.0/16" masquerade'],
    });
    expect(state.permanent.zones.find(({ name }) => name === "external")?.richRules).toEqual([]);
    expect(state.runtime.direct).toEqual([
      {
        family: "ipv4",
        table: "nat",
        chain: "POSTROUTING",
        priority: 0,
        rule: `-s 10.0.2.0/24 -d 192.168.0.0/16 -m comment --comment ${OWNER} -j NETMAP --to 10.0.2.0/24`,
      },
    ]);
    expect(state.permanent.direct).toEqual([]);
    expect(state.policies.map(({ name }) => name)).toEqual(["allow-host-ipv6"]);
  });

  test("is nothing where it does not run", () => {
    expect(readFirewalld({ readings: new Map([["firewalld", { exit: 0, text: "" }]]), files: new Map() })).toBeUndefined();
    expect(readFirewalld({ readings: new Map(), files: new Map() })).toBeUndefined();
  });

  test("a source binds a peer to its zone before its interface does; what nothing binds is in the default zone", () => {
    expect(zoneOfInterface(state, "eth0")?.name).toBe("external");
    expect(zoneOfInterface(state, "ppp0")?.name).toBe("public");
    expect(zoneOfPeer(state, "198.51.100.7", "eth0")?.name).toBe("internal");
    expect(zoneOfPeer(state, "203.0.113.7", "eth0")?.name).toBe("external");
  });
});

describe("who is exempt after a reload", () => {
  const withRich = (...rules: readonly string[]): FirewalldState => {
    const zones = state.permanent.zones.map((zone) =>
      zone.name === "external" ? { ...zone, masquerade: false, richRules: rules } : zone,
    );
    return { ...state, permanent: { ...state.permanent, zones } };
  };

  test.each([
    ["nobody while a zone in use masquerades", state, false],
    ["everybody when none does", withRich(), true],
    [
      "who is left out by its destination",
      withRich('rule family="ipv4" destination NOT address="192.168.0.0/16" masquerade'),
      true,
    ],
    ["not who is left out in part", withRich('rule family="ipv4" destination NOT address="192.168.1.0/24" masquerade'), false],
    ["who comes from elsewhere", withRich('rule family="ipv4" source address="172.17.0.0/16" masquerade'), true],
    ["who is of the other family", withRich('rule family="ipv6" masquerade'), true],
    ["not who may be in a set", withRich('rule family="ipv4" destination NOT ipset="remotes" masquerade'), false],
  ] as const)("%s", (_, given, expected) => {
    expect(isExemptAfterReload(given, lan)).toBe(expected);
  });

  test("who has a direct rule of identity NAT, and nobody else", () => {
    const exempt = { ...state, permanent: { ...state.permanent, direct: [exemptionRule(state, lan, OWNER)] } };
    expect(isExemptAfterReload(exempt, lan)).toBe(true);
    expect(isExemptAfterReload(exempt, pair("10.0.2.0/25", "192.168.7.0/24"))).toBe(true);
    expect(isExemptAfterReload(exempt, pair("10.0.0.0/16", "192.168.0.0/16"))).toBe(false);
    const returns = { ...exemptionRule(state, lan, OWNER), rule: "-s 10.0.2.0/24 -d 192.168.0.0/16 -j RETURN" };
    expect(isExemptAfterReload({ ...state, permanent: { ...state.permanent, direct: [returns] } }, lan)).toBe(false);
  });
});

describe("direct rules", () => {
  const wanted = {
    rules: [exemptionRule(state, lan, OWNER)],
    persist: true,
    reason: "test",
    holds: () => false,
  };
  const applied = (given: FirewalldState, changes: readonly Change[], undo = false): FirewalldState =>
    changes
      .flatMap((change) => (undo ? change.undo : change.steps))
      .reduce((now, step) => afterFirewalldStep(now, step) ?? now, given);

  test("are added where they are missing, by firewalld's own command", () => {
    const changes = directRuleChanges(state, wanted);
    expect(changes.map(({ action, target }) => `${action} ${target}`)).toEqual(["create firewalld (permanent)"]);
    expect(changes[0]?.steps).toEqual([
      {
        do: "firewall-cmd",
        args: `--permanent --direct --add-rule ipv4 nat POSTROUTING 0 -s 10.0.2.0/24 -d 192.168.0.0/16 -m comment --comment ${OWNER} -j NETMAP --to 10.0.2.0/24`.split(
          " ",
        ),
      },
    ]);
    const after = applied(state, changes);
    expect(directRuleChanges(after, wanted)).toEqual([]);
    expect(applied(after, changes, true)).toEqual(state);
  });

  test("are taken away by their owner alone", () => {
    const both = applied(state, directRuleChanges(state, wanted));
    const removals = directRuleRemovals(both, new Set([OWNER]));
    expect(removals.map(({ action, target }) => `${action} ${target}`)).toEqual([
      "delete firewalld",
      "delete firewalld (permanent)",
    ]);
    const after = applied(both, removals);
    expect([after.runtime.direct, after.permanent.direct]).toEqual([[], []]);
    expect(directRuleRemovals(both, new Set(["ipsec-fix:nat_exemption:ffffffffffff"]))).toEqual([]);
  });

  test("go ahead of a foreign one that would translate first", () => {
    const foreign = { family: "ipv4", table: "nat", chain: "POSTROUTING", priority: 0, rule: "-j MASQUERADE" } as const;
    const given = { ...state, runtime: { ...state.runtime, direct: [foreign, ...state.runtime.direct] } };
    expect(exemptionRule(given, lan, OWNER).priority).toBe(-1);
    const [runtime] = directRuleChanges(given, wanted).map((change) => change);
    expect(runtime?.action).toBe("create");
    const overtaken = directRuleChanges(given, { ...wanted, rules: [exemptionRule(given, lan, OWNER)] });
    expect(overtaken.map(({ action, target }) => `${action} ${target}`)).toEqual([
      "update firewalld",
      "create firewalld (permanent)",
    ]);
  });
});
