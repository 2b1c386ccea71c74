import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { factsScript, parseFacts } from "../../../src/engine/facts.ts";
import { mergeChanges } from "../../../src/engine/merge.ts";
import { ENVIRONMENT, LIBRARY } from "../../../src/engine/shell-library.ts";
import { stepScript } from "../../../src/engine/step-script.ts";
import { undoOf } from "../../../src/firewall/edits.ts";
import { readGateway } from "../../../src/gateway/effect.ts";
import type { Gateway } from "../../../src/gateway/gateway.ts";
import { systemProbes } from "../../../src/gateway/system.ts";
import type { Assessment } from "../../../src/kinds/kind.ts";
import { natExemption } from "../../../src/kinds/nat-exemption.ts";
import type { NatExemption } from "../../../src/model/specs.generated.ts";
import type { Step } from "../../../src/model/step.ts";
import { clear, listing } from "../../firewall/live.ts";
import { startFirewalld } from "../../lab/daemons.ts";
import { type Masquerade, masquerade } from "../../lab/faults.ts";
import { type LabHost, labIsPossible } from "../../lab/host.ts";
import { type Lab, startLab } from "../../lab/lab.ts";
import { startTraffic, type Traffic } from "../../lab/traffic.ts";

const SPEC: NatExemption = {
  state: "present",
  conn: "myvpn",
  backend: "auto",
  verdict: "return",
  match: "subnets",
  persist: true,
};
const PACKET = { from: "10.0.2.33", to: "192.168.7.9" };

interface Look {
  readonly gateway: Gateway;
  readonly assessment: Assessment;
}

async function look(host: LabHost, spec: NatExemption): Promise<Look> {
  const probes = [...systemProbes, ...natExemption.probes(spec)];
  const mark = "fedcba9876543210fedcba9876543210";
  const facts = parseFacts(Buffer.from(await host.must(factsScript(probes, mark))), probes, mark);
  if (facts === undefined) throw new Error("the facts are not whole");
  const gateway = readGateway(facts);
  const at = { file: "playbook.yml", line: 1, column: 1 };
  const resource = { address: "nat_exemption[x]", kind: "nat_exemption", name: "x", spec, tags: [], ignore_drift: [], at };
  return { gateway, assessment: natExemption.assess(resource, gateway) };
}

async function runSteps(host: LabHost, steps: readonly Step[]): Promise<void> {
  const context = { libreswan: undefined, reveal: (text: string) => text };
  for (const step of steps) await host.must(`${ENVIRONMENT}\n${LIBRARY}\n${stepScript(step, "1", context)}`);
}

/** Applies as a run does: merged, firewall first, what closes the run last. */
async function apply(host: LabHost, { gateway, assessment }: Look): Promise<void> {
  const { writes, closing } = mergeChanges(assessment.changes, (batch) => [undoOf(batch, gateway.firewall.tables)]);
  expect(writes.filter(({ step }) => step.do === "firewall-batch").length).toBeLessThanOrEqual(1);
  await runSteps(
    host,
    [...writes, ...closing].map(({ step }) => step),
  );
}

function actions({ assessment }: Look): readonly string[] {
  return assessment.changes.map(({ action, target }) => `${action} ${target}`);
}

describe.skipIf(!labIsPossible())("nat_exemption on a gateway", () => {
  let lab: Lab;
  let traffic: Traffic;
  beforeAll(async () => {
    lab = await startLab({ hosts: 2 });
    traffic = await startTraffic(lab.host("gw1"));
  });
  afterAll(async () => {
    await traffic.stop();
    await lab.stop();
  });

  const backends: readonly Masquerade["backend"][] = ["iptables-legacy", "iptables-nft", "nft-ip", "nft-inet"];
  it.each(backends.flatMap((backend) => (["base", "user"] as const).map((chain) => ({ backend, chain }))))(
    "$backend, masquerade in a $chain chain: the rule below moves up, now and in the saved rules, and nothing else changes",
    async ({ backend, chain }) => {
      const host = lab.host("gw1");
      await clear(host);
      await host.must("rm -f /etc/iptables/rules.v4 /etc/nftables.conf");
      await masquerade(host, { backend, chain, exemption: "below" });
      expect(await traffic.source(PACKET)).toBe("172.16.0.1");
      const before = await listing(host);
      const first = await look(host, SPEC);
      expect(first.assessment.blocked).toBeUndefined();
      expect(first.assessment.changes[0]).toMatchObject({ action: "move", before: 2, after: 1 });
      expect(first.assessment.changes).toHaveLength(2);
      await apply(host, first);
      const foreign = (text: string): readonly string[] =>
        text
          .replaceAll(/^(:.*) \[.*$/gm, "$1")
          .split("\n")
          .filter((line) => !/10\.0\.2\.0\/24.*192\.168\.0\.0\/16/.test(line));
      expect(foreign(await listing(host))).toEqual(foreign(before));
      expect(await traffic.source(PACKET)).toBe(PACKET.from);
      expect(actions(await look(host, SPEC))).toEqual([]);
      if (chain === "base") {
        // What is saved is what a boot loads.
        await clear(host);
        await host.must(backend.startsWith("nft") ? "nft -f /etc/nftables.conf" : `${backend}-restore </etc/iptables/rules.v4`);
        expect(await traffic.source(PACKET)).toBe(PACKET.from);
        expect(actions(await look(host, SPEC))).toEqual([]);
      }
      const absent = await look(host, { ...SPEC, state: "absent" });
      await apply(host, absent);
      expect(await traffic.source(PACKET)).toBe("172.16.0.1");
      expect(actions(await look(host, { ...SPEC, state: "absent" }))).toEqual([]);
    },
  );

  it("clears connections that run, and exempts every conn in one block", async () => {
    const host = lab.host("gw1");
    await clear(host);
    await masquerade(host, { backend: "nft-inet", saved: false });
    const { conn: _one, ...rest } = SPEC;
    const spec: NatExemption = { ...rest, conns: ["*"], persist: false };
    const flow = { ...PACKET, port: 4000 };
    expect(await traffic.source(flow)).toBe("172.16.0.1");
    const first = await look(host, spec);
    expect(actions(first)).toEqual(["create nftables inet nat postrouting", "create nftables inet nat postrouting"]);
    await apply(host, first);
    expect(await traffic.source(flow)).toBe(flow.from);
    expect(actions(await look(host, spec))).toEqual([]);
    const rules = (await host.must("nft list chain inet nat postrouting"))
      .split("\n")
      .filter((line) => line.includes("ip saddr"));
    expect(rules.map((line) => line.trim().split(" ")[2])).toEqual(["10.0.2.0/24", "10.0.3.0/24", "10.99.0.0/16"]);
  });

  it("writes what asks for an IPsec policy in both languages", async () => {
    const host = lab.host("gw1");
    await clear(host);
    await masquerade(host, { backend: "iptables-legacy", saved: false });
    await host.must(
      "nft 'add table ip x; add chain ip x p { type nat hook postrouting priority 120; }; add rule ip x p masquerade'",
    );
    const spec: NatExemption = { ...SPEC, match: "policy", persist: false };
    const { assessment } = await look(host, spec);
    for (const { steps } of assessment.changes) await runSteps(host, steps);
    expect(actions(await look(host, spec))).toEqual([]);
    expect(await listing(host)).toContain("rt ipsec exists return");
    expect(await listing(host)).toContain("-A POSTROUTING -m policy --dir out --pol ipsec -m comment");
  });

  it("protects IPv6 as well, in the chains that carry it and in no other", async () => {
    const host = lab.host("gw1");
    await clear(host);
    await host.must(`iptables-nft -t nat -A POSTROUTING -o eth0 -j MASQUERADE; ip6tables-nft -t nat -A POSTROUTING -o eth0 -j MASQUERADE
nft 'add table inet x; add chain inet x p { type nat hook postrouting priority 120; }; add rule inet x p ip daddr 10.0.0.0/8 return; add rule inet x p masquerade'`);
    const { conn: _one, ...rest } = SPEC;
    const spec: NatExemption = { ...rest, source: "fd00:10:2::/64", destination: "2001:db8:ffff::/48", persist: false };
    const packet = { from: "fd00:10:2::33", to: "2001:db8:ffff::9" };
    expect(await traffic.source(packet)).toBe("2001:db8:16::1");
    const first = await look(host, spec);
    expect(actions(first)).toEqual(["create ip6tables nat POSTROUTING", "create nftables inet x p"]);
    for (const { steps } of first.assessment.changes) await runSteps(host, steps);
    expect(await traffic.source(packet)).toBe(packet.from);
    expect(actions(await look(host, spec))).toEqual([]);
  });

  it("refuses to write into a chain that changed since it was read", async () => {
    const host = lab.host("gw1");
    for (const backend of backends) {
      await clear(host);
      await masquerade(host, { backend, saved: false });
      const first = await look(host, { ...SPEC, persist: false });
      await host.must(
        backend.startsWith("nft")
          ? `nft insert rule ${backend.slice(4)} nat postrouting counter`
          : `${backend} -t nat -I POSTROUTING -j LOG`,
      );
      const before = await listing(host);
      await expect(apply(host, first)).rejects.toThrow("has changed since it was read");
      expect(await listing(host)).toBe(before);
    }
  });

  it("goes through firewalld where that runs, and survives its reload", async () => {
    const host = lab.host("gw2");
    await startFirewalld(host);
    const ours = await startTraffic(host);
    expect(await ours.source(PACKET)).toBe("172.16.0.1");
    const first = await look(host, SPEC);
    expect(first.assessment.blocked).toBeUndefined();
    expect(actions(first)).toEqual(["create firewalld", "create firewalld (permanent)"]);
    await apply(host, first);
    expect(await ours.source(PACKET)).toBe(PACKET.from);
    expect(actions(await look(host, SPEC))).toEqual([]);
    await host.must("firewall-cmd --reload");
    expect(await ours.source(PACKET)).toBe(PACKET.from);
    expect(actions(await look(host, SPEC))).toEqual([]);
    await apply(host, await look(host, { ...SPEC, state: "absent" }));
    expect(await ours.source(PACKET)).toBe("172.16.0.1");
    await ours.stop();
    // Each firewall-cmd starts a Python of a quarter of a second.
  }, 120_000);
});
