import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { batchScript } from "../../src/firewall/render.ts";
import type { FirewallBatch, FirewallEdit } from "../../src/model/step.ts";
import { labIsPossible } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";

function batch(edits: readonly FirewallEdit[], backend: FirewallBatch["backend"] = "iptables-nft"): FirewallBatch {
  return { do: "firewall-batch", backend, family: backend === "nftables" ? "inet" : "ipv4", table: "nat", edits };
}

const chain = "POSTROUTING";

describe("a batch as its tool takes it", () => {
  it("counts positions as they were before, whatever the order of the edits", () => {
    const edits: readonly FirewallEdit[] = [
      { edit: "delete", chain, rule: { position: 2 } },
      { edit: "insert", chain, rule: "-s 10.1.0.0/16 -j RETURN", before: { position: 2 } },
      { edit: "insert", chain, rule: "-s 10.2.0.0/16 -j RETURN", before: { position: 2 } },
      { edit: "insert", chain, rule: "-s 10.3.0.0/16 -j RETURN", before: null },
      { edit: "delete", chain, rule: { position: 4 } },
    ];
    expect(batchScript(batch(edits)).input.split("\n")).toEqual([
      "*nat",
      "-A POSTROUTING -s 10.3.0.0/16 -j RETURN",
      "-D POSTROUTING 4",
      "-I POSTROUTING 2 -s 10.1.0.0/16 -j RETURN",
      "-I POSTROUTING 3 -s 10.2.0.0/16 -j RETURN",
      "-D POSTROUTING 4",
      "COMMIT",
      "",
    ]);
  });

  it("names the command for a person", () => {
    const edits: readonly FirewallEdit[] = [{ edit: "insert", chain: "post", rule: "accept", before: { comment: "x" } }];
    expect(batchScript(batch(edits, "nftables"))).toMatchObject({
      argv: ["nft", "-f", "-"],
      input: "insert rule inet nat post position $handle accept\n",
    });
    expect(batchScript(batch(edits, "iptables-legacy")).argv.join(" ")).toBe("iptables-legacy-restore --noflush -w 5");
  });

  it.each(["a\nCOMMIT", "a\r", "a\0b"])("refuses a rule with a line break (%j)", (rule) => {
    for (const backend of ["iptables-nft", "nftables"] as const)
      expect(() => batchScript(batch([{ edit: "insert", chain: "c", rule, before: null }], backend))).toThrow(RangeError);
  });

  it.each(["a b", "a;flush ruleset", "a}", "", "$(id)"])("refuses a chain that nft cannot name (%j)", (name) => {
    expect(() => batchScript(batch([{ edit: "insert", chain: name, rule: "accept", before: null }], "nftables"))).toThrow(
      RangeError,
    );
  });

  it("brings any text to the tool unchanged, and nothing of it to the shell", () => {
    const text = fc.string({ unit: "binary-ascii" }).map((raw) => raw.replaceAll(/[\n\r\0]/g, "_"));
    const hostile = fc.constantFrom(
      "$(touch /tmp/owned)",
      "`id`",
      "';id;'",
      '"; id; "',
      "* ? [a]",
      "\\",
      "%s%n",
      "-n",
      "ünïcödé",
    );
    fc.assert(
      fc.property(fc.oneof(text, hostile), fc.constantFrom("dash", "busybox"), (rule, shell) => {
        const { script, input } = batchScript(batch([{ edit: "insert", chain, rule, before: null }]));
        const shown = script.replace(/^batch_tool=.*$/m, "").replace(/"\$batch_tool-restore" --noflush.*/, "cat");
        expect(execFileSync(shell, shell === "busybox" ? ["sh", "-c", shown] : ["-c", shown]).toString()).toBe(input);
      }),
      { numRuns: 60 },
    );
  });
});

describe.skipIf(!labIsPossible())("a batch on a host", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({ hosts: 1 });
  });
  afterAll(() => lab.stop());

  it("is all or nothing", async () => {
    const host = lab.host("gw1");
    await host.must(
      "iptables-nft -t nat -A POSTROUTING -j ACCEPT; iptables-legacy -t nat -A POSTROUTING -j ACCEPT; nft 'add table inet nat; add chain inet nat POSTROUTING'",
    );
    const listing = () =>
      host.must("iptables-nft-save 2>/dev/null | grep -v '^#'; iptables-legacy-save | grep -v '^#'; nft list table inet nat");
    const before = await listing();
    for (const backend of ["iptables-nft", "iptables-legacy", "nftables"] as const) {
      const good = backend === "nftables" ? "ip saddr 10.0.0.0/8 return" : "-s 10.0.0.0/8 -j RETURN";
      const bad = backend === "nftables" ? "ip saddr 10.0.0.0/8 jump nowhere" : "-s 10.0.0.0/8 -j NOWHERE";
      const edits = [good, bad].map((rule): FirewallEdit => ({ edit: "insert", chain, rule, before: null }));
      expect((await host.exec(batchScript(batch(edits, backend)).script)).exit).not.toBe(0);
      expect(await listing()).toBe(before);
    }
  });

  it("waits for the lock of iptables-legacy, and gives up with 75", async () => {
    const host = lab.host("gw1");
    const { script } = batchScript(
      batch([{ edit: "insert", chain, rule: "-s 10.0.0.0/8 -j RETURN", before: null }], "iptables-legacy"),
    );
    const held = (seconds: number) =>
      `flock /run/xtables.lock sleep ${seconds} & sleep 0.2\n${script}\nstatus=$?; wait; exit $status`;
    expect((await host.exec(held(1))).exit).toBe(0);
    expect((await host.exec(held(7))).exit).toBe(75);
  });

  it("takes a chain and a table that it made back with them", async () => {
    const host = lab.host("gw1");
    const made: FirewallBatch = {
      do: "firewall-batch",
      backend: "nftables",
      family: "inet",
      table: "ipsec_fix",
      edits: [
        { edit: "create-chain", chain: "post", type: "nat", hook: "postrouting", priority: 90 },
        { edit: "insert", chain: "post", rule: 'ip saddr 10.0.0.0/8 accept comment "ipsec-fix:x:1"', before: null },
      ],
    };
    await host.must(batchScript(made).script);
    expect(await host.must("nft list table inet ipsec_fix")).toContain("srcnat - 10");
    const gone: readonly FirewallEdit[] = [
      { edit: "delete", chain: "post", rule: { comment: "ipsec-fix:x:1" } },
      { edit: "drop-chain", chain: "post", table: true },
    ];
    await host.must(batchScript({ ...made, edits: gone }).script);
    expect((await host.exec("nft list table inet ipsec_fix")).exit).toBe(1);
  });
});
