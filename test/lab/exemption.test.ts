import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { factsScript, parseFacts } from "../../src/engine/facts.ts";
import { findings } from "../../src/firewall/exemption.ts";
import { type FirewallState, firewallProbes, readFirewall } from "../../src/firewall/state.ts";
import { parseNetwork } from "../../src/text/address.ts";
import { LOCAL_NETWORK, REMOTE_NETWORK } from "./gateway.ts";
import { type LabHost, labIsPossible } from "./host.ts";
import { type Lab, startLab } from "./lab.ts";
import { DESTINATIONS, randomRuleset, SOURCES } from "./rulesets.ts";
import { startTraffic, type Traffic } from "./traffic.ts";

// A case takes a seventh of a second; a longer search is this file with IPSEC_FIX_RUNS=1000.
const RUNS = Number(process.env["IPSEC_FIX_RUNS"] ?? 25);
const MARK = "0123456789abcdef0123456789abcdef";

describe.skipIf(!labIsPossible())("the judgement on NAT exemption", () => {
  let lab: Lab;
  let host: LabHost;
  let traffic: Traffic;
  beforeAll(async () => {
    lab = await startLab({ hosts: 1 });
    host = lab.host("gw1");
    traffic = await startTraffic(host);
  });
  afterAll(() => lab.stop());

  it("agrees with what the kernel does to real packets, for any ruleset", { timeout: 60_000 + RUNS * 1000 }, async () => {
    const packets = SOURCES.flatMap((from) => DESTINATIONS.map((to) => ({ from, to })));
    const pair = { source: network(LOCAL_NETWORK), destination: network(REMOTE_NETWORK) };
    let exempt = 0;
    await fc.assert(
      fc.asyncProperty(randomRuleset, async ({ script, ordered }) => {
        await host.must("nft flush ruleset; iptables-legacy -t nat -F; iptables-legacy -t nat -X; conntrack -F 2>/dev/null || :");
        await host.must(script);
        const judged = findings((await firewall(host)).tables, pair).every(({ offence }) => offence === undefined);
        const sources = await traffic.sources(packets);
        const kept = sources.every((source, index) => source === packets[index]?.from);
        exempt += kept ? 1 : 0;
        // Chains of one priority may run in the other order after a reboot: exempt means exempt in any order.
        if (judged || ordered) expect({ exempt: kept, sources }).toEqual({ exempt: judged, sources });
      }),
      { numRuns: RUNS },
    );
    expect(exempt).toBeGreaterThan(0);
    expect(exempt).toBeLessThan(RUNS);
  });
});

async function firewall(host: LabHost): Promise<FirewallState> {
  const output = await host.must(factsScript(firewallProbes, MARK));
  const facts = parseFacts(Buffer.from(output), firewallProbes, MARK);
  if (facts === undefined) throw new Error("the facts are not whole");
  return readFirewall(facts);
}

function network(text: string) {
  const parsed = parseNetwork(text);
  if (parsed === undefined) throw new Error(`not a network: ${text}`);
  return parsed;
}
