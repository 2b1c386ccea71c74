import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { undoOf } from "../../src/firewall/edits.ts";
import { findings } from "../../src/firewall/exemption.ts";
import { mergeBatches } from "../../src/firewall/layout.ts";
import { chainLabel, type Table } from "../../src/firewall/model.ts";
import { ownerComment } from "../../src/firewall/owner.ts";
import { type Exemption, placeExemptions } from "../../src/firewall/placement.ts";
import { culprit } from "../../src/firewall/quotation.ts";
import { batchScript } from "../../src/firewall/render.ts";
import type { FirewallBatch } from "../../src/model/step.ts";
import { parseNetwork } from "../../src/text/address.ts";
import { type LabHost, labIsPossible } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { startTraffic, type Traffic } from "../lab/traffic.ts";
import { clear, listing, liveFirewall } from "./live.ts";

interface Measured {
  readonly case: string;
  readonly setup: string;
  readonly culprit?: readonly string[];
  readonly actions?: readonly string[];
}

const cases: readonly Measured[] = parse(readFileSync(new URL("measured.yml", import.meta.url), "utf8"));
const OWN = ownerComment("nat_exemption", ["10.0.2.0/24", "192.168.0.0/16"]);

function network(text: string) {
  const parsed = parseNetwork(text);
  if (parsed === undefined) throw new Error(`${text} is no network`);
  return parsed;
}

const PAIR = { source: network("10.0.2.0/24"), destination: network("192.168.0.0/16") };
const EXEMPTION: Exemption = { pair: PAIR, match: "subnets", verdict: "return", comment: OWN };

/** One host in each quarter of the two networks: rule sets that cut them elsewhere are not among the cases. */
const QUARTERS = ["10.0.2.33", "10.0.2.200"].flatMap((from) => ["192.168.7.9", "192.168.200.9"].map((to) => ({ from, to })));

function culprits(tables: readonly Table[]): readonly string[] {
  return findings(tables, PAIR).flatMap(({ table, chain, offence }) =>
    offence ? [`${chainLabel({ ...table, table: table.name, chain: chain.name })}: ${culprit(table, offence)}`] : [],
  );
}

/** One batch for each table, as a run writes them. */
function merged(batches: readonly FirewallBatch[]): readonly FirewallBatch[] {
  const byTable = new Map<string, FirewallBatch>();
  for (const batch of batches) {
    const key = `${batch.backend} ${batch.family} ${batch.table}`;
    const earlier = byTable.get(key);
    byTable.set(key, earlier ? mergeBatches(earlier, batch) : batch);
  }
  return [...byTable.values()];
}

describe.skipIf(!labIsPossible())("the kernel agrees", () => {
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

  it.each(cases)("$case", async ({ setup, culprit: expected = [], actions = [] }) => {
    const host = lab.host("gw1");
    await clear(host);
    await host.must(`OWN=${OWN}\nset -e\n${setup}`);
    const arrives = async (): Promise<boolean> =>
      (await traffic.sources(QUARTERS)).every((source, index) => source === QUARTERS[index]?.from);

    const { tables } = await liveFirewall(host);
    const before = await listing(host);
    expect(culprits(tables)).toEqual(expected);
    expect(await arrives()).toBe(expected.length === 0);

    const plan = placeExemptions(tables, [EXEMPTION], () => true);
    expect(plan.placements.map(({ action }) => action)).toEqual(actions);
    const batches = merged(plan.placements.map(({ batch }) => batch));
    const held = await listing(host);
    for (const batch of batches) await write(host, batch);
    expect(foreign(await listing(host))).toEqual(foreign(held));
    expect(await arrives()).toBe(true);
    expect(await host.exec("test -e /tmp/owned")).toMatchObject({ exit: 1 });

    const after = await liveFirewall(host);
    expect(placeExemptions(after.tables, [EXEMPTION], () => true).placements).toEqual([]);
    for (const batch of batches.toReversed()) await write(host, undoOf(batch, tables));
    expect(withoutCounters(await listing(host))).toBe(withoutCounters(before));
  });
});

async function write(host: LabHost, batch: FirewallBatch): Promise<void> {
  const { exit, stderr } = await host.exec(batchScript(batch).script);
  const complaints = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("# "));
  expect({ exit, complaints }).toEqual({ exit: 0, complaints: [] });
}

/** Every rule but those about exactly our pair, with its counters. Any write of iptables-legacy starts the chains' own counters anew. */
function foreign(text: string): readonly string[] {
  return text
    .replaceAll(/^(:.*) \[.*$/gm, "$1")
    .split("\n")
    .filter((line) => !(line.includes("10.0.2.0/24") && line.includes("192.168.0.0/16")));
}

function withoutCounters(text: string): string {
  return text.replaceAll(/\[\d+:\d+\]/g, "[]").replaceAll(/packets \d+ bytes \d+/g, "");
}
