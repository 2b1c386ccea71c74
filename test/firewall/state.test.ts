import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findings } from "../../src/firewall/exemption.ts";
import type { Table } from "../../src/firewall/model.ts";
import { batchScript } from "../../src/firewall/render.ts";
import { firewallProbes, readFirewall } from "../../src/firewall/state.ts";
import type { FirewallBatch } from "../../src/model/step.ts";
import { parseNetwork } from "../../src/text/address.ts";
import { uninstall } from "../lab/faults.ts";
import { labIsPossible } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { factsWith } from "./facts.ts";
import { liveFirewall } from "./live.ts";

function isExempt(tables: readonly Table[], source: string, destination: string): boolean {
  const pair = { source: parseNetwork(source), destination: parseNetwork(destination) };
  if (!pair.source || !pair.destination) throw new Error("no network");
  return findings(tables, { source: pair.source, destination: pair.destination }).every(({ offence }) => offence === undefined);
}

describe("facts of a firewall", () => {
  it("tell what could not be read from what is not there", () => {
    const facts = (readings: Record<string, { exit: number | undefined; text: string }>) => ({
      readings: new Map(Object.entries(readings)),
      files: new Map(),
    });
    const denied = { exit: 1, text: "" };
    const missing = { exit: undefined, text: "" };
    expect(readFirewall(facts({ nft: denied, "iptables-nft ipv4": { exit: 4, text: "" } })).unreadable).toEqual([
      "iptables-nft-save failed with exit 4",
      "nft -j list ruleset failed with exit 1",
    ]);
    expect(
      readFirewall(facts({ nft: missing, "iptables-nft ipv4": missing, "iptables-legacy ipv4": { exit: 0, text: "" } }))
        .unreadable,
    ).toEqual([]);
    expect(readFirewall(facts({ "iptables-legacy ipv4": missing })).unreadable).toEqual([
      "the kernel has legacy tables, and iptables-legacy-save is not installed",
    ]);
  });

  const corpus = join(process.env["IPSEC_FIX_CORPUS"] ?? join(import.meta.dirname, "../../../shared/corpus"), "formats/firewall");
  it.skipIf(!existsSync(corpus))("of real hosts say which packets are exempt", () => {
    const read = (name: string): string => readFileSync(join(corpus, name), "utf8");
    const legacy = readFirewall(factsWith({ "iptables-legacy ipv4": read("iptables-legacy-save-c.txt") })).tables;
    const managed = readFirewall(
      factsWith({ "iptables-nft ipv4": read("iptables-nft-save-c.txt"), nft: read("iptables-nft-as-seen-by-nft-j.json") }),
    ).tables;
    // What iptables shows is not read a second time through nft, where its match extensions are blind.
    expect(managed.map(({ backend, name }) => `${backend} ${name}`)).toEqual([
      "iptables-nft mangle",
      "iptables-nft filter",
      "iptables-nft nat",
    ]);
    for (const tables of [legacy, managed]) expect(isExempt(tables, "10.0.2.0/24", "192.168.0.0/16")).toBe(true);
    const native = readFirewall(factsWith({ nft: read("exemption-forms.nft.json") })).tables;
    const [first] = native.filter(({ name }) => name === "nat");
    expect(first && isExempt([first], "192.0.2.0/24", "10.9.0.0/16")).toBe(true);
    expect(first && isExempt([first], "10.1.0.0/24", "10.9.0.0/16")).toBe(true);
    expect(isExempt(native, "10.1.0.0/24", "10.9.0.0/16")).toBe(false);
  });
});

describe.skipIf(!labIsPossible())("probes of a firewall", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({ hosts: 2 });
  });
  afterAll(() => lab.stop());

  it("leave a host without rules as it is", async () => {
    const host = lab.host("gw1");
    expect(await liveFirewall(host)).toEqual({ tables: [], firewalld: undefined, notes: [], unreadable: [] });
    expect(await host.must("cat /proc/net/ip_tables_names /proc/net/ip6_tables_names; nft list ruleset")).toBe("");
  });

  it("print the same before and after traffic and time", async () => {
    const host = lab.host("gw1");
    await host.must(`iptables-nft -t nat -A OUTPUT -o lo -j ACCEPT; iptables-legacy -t nat -A OUTPUT -o lo -j ACCEPT
nft 'add table ip x; add set ip x s { type ipv4_addr; timeout 1h; elements = { 10.1.1.1 }; }; add chain ip x c { type filter hook output priority 0; }; add rule ip x c counter'`);
    const probe = (shell: string) =>
      host.must(`${shell} <<'END'\n${firewallProbes.map(({ command }) => `(\n${command}\n)`).join("\n")}\nEND`);
    const before = await probe("dash");
    await host.must("ping -c1 127.0.0.1 >/dev/null; sleep 1.1");
    expect(await probe("busybox sh")).toBe(before);
    expect(before).toContain("10.1.1.1");
  });

  it.each(["nft", "legacy"])(
    "read and write through the plain names where they are all that a host has, with %s behind them",
    async (kind) => {
      const host = lab.host("gw2");
      await uninstall(
        host,
        ...["iptables", "ip6tables"].flatMap((tool) =>
          ["legacy-save", "legacy-restore", "nft-save", "nft-restore"].map((rest) => `${tool}-${rest}`),
        ),
      );
      await host.must(`for tool in iptables ip6tables; do for verb in "" -save -restore; do
ln -sfn /usr/sbin/xtables-${kind}-multi /etc/alternatives/$tool$verb; done; done`);
      await host.must("iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE");
      const backend = kind === "nft" ? "iptables-nft" : "iptables-legacy";
      const before = await liveFirewall(host);
      expect(before.unreadable).toEqual([]);
      const [table] = before.tables.filter((one) => one.backend === backend);
      expect(table?.chains.find(({ name }) => name === "POSTROUTING")?.rules.map(({ text }) => text)).toEqual([
        "-o eth0 -j MASQUERADE",
      ]);
      const batch: FirewallBatch = {
        do: "firewall-batch",
        backend,
        family: "ipv4",
        table: "nat",
        edits: [{ edit: "insert", chain: "POSTROUTING", rule: "-s 10.0.0.0/8 -j RETURN", before: { position: 1 } }],
      };
      await host.must(batchScript(batch).script);
      const after = (await liveFirewall(host)).tables.find((one) => one.backend === backend);
      expect(after?.chains.find(({ name }) => name === "POSTROUTING")?.rules).toHaveLength(2);
    },
  );
});
