import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseIptablesSave } from "../../src/firewall/iptables-save.ts";
import { editIptablesSave } from "../../src/firewall/saved-iptables-edit.ts";
import type { FirewallBatch, FirewallEdit } from "../../src/model/step.ts";
import { inNamespace, kernelLoads } from "./saved-kernel.ts";

const ours = '-s 10.0.2.0/24 -d 192.168.0.0/16 -m comment --comment "ipsec-fix:nat_exemption:0123456789ab" -j RETURN';

function edited(text: string, edits: readonly FirewallEdit[], table = "nat") {
  const batch: FirewallBatch = { do: "firewall-batch", backend: "iptables-nft", family: "ipv4", table, edits };
  const result = editIptablesSave(text, [batch]);
  if ("problem" in result) throw new Error(result.problem);
  return result.text;
}

const insert = (position: number | null): FirewallEdit => ({
  edit: "insert",
  chain: "POSTROUTING",
  rule: ours,
  before: position === null ? null : { position },
});

const file = `# by hand, keep this line
*filter
:INPUT DROP [1:2]
-A INPUT -p tcp --dport 22 -m comment --comment "COMMIT *nat" -j ACCEPT
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [17:1234]
# the docker rules
[5:300] -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE

[0:0] -A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
# end`;

describe("an edit of a file that iptables-restore loads", () => {
  test("puts a rule before another one, in the manner of its neighbours", () => {
    const line = `[0:0] -A POSTROUTING ${ours}\n`;
    const before = "[0:0] -A POSTROUTING -o eth0 -j MASQUERADE\n";
    expect(edited(file, [insert(2)])).toBe(file.replace(before, line + before));
  });

  test("puts rules for one place there in their order", () => {
    const second: FirewallEdit = { edit: "insert", chain: "POSTROUTING", rule: "-j LOG", before: { position: 1 } };
    const lines = edited(file, [insert(1), second]).split("\n");
    const at = lines.findIndex((line) => line.includes("ipsec-fix"));
    expect(lines.slice(at, at + 3).map((line) => line.split(" ").at(-1))).toEqual(["RETURN", "LOG", "MASQUERADE"]);
  });

  test("appends behind the last rule of the chain, and a chain's first rule before COMMIT", () => {
    expect(
      edited(file, [insert(null)])
        .split("\n")
        .slice(-4),
    ).toEqual(["[0:0] -A POSTROUTING -o eth0 -j MASQUERADE", `[0:0] -A POSTROUTING ${ours}`, "COMMIT", "# end"]);
    const empty = "*nat\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n";
    expect(edited(empty, [insert(null)])).toBe(`*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING ${ours}\nCOMMIT\n`);
  });

  test("adds a table that is missing, also to a file without a last line end", () => {
    const text = edited("*filter\nCOMMIT", [insert(null)]);
    expect(text.startsWith("*filter\nCOMMIT\n*nat\n:PREROUTING ACCEPT [0:0]\n")).toBe(true);
    expect(text.endsWith(`-A POSTROUTING ${ours}\nCOMMIT\n`)).toBe(true);
    expect(edited("", [insert(null)]).startsWith("*nat\n")).toBe(true);
  });

  test("takes out what it put in, to the byte, wherever it was", () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2, null), fc.constantFrom("\n", "\r\n"), (position, end) => {
        const text = file.replaceAll("\n", end);
        const added = edited(text, [insert(position)]);
        expect(added).not.toBe(text);
        const removal: FirewallEdit = {
          edit: "delete",
          chain: "POSTROUTING",
          rule: { comment: "ipsec-fix:nat_exemption:0123456789ab" },
        };
        expect(edited(added, [removal])).toBe(text);
      }),
    );
  });

  test("removes a rule by its position and nothing that looks like it elsewhere", () => {
    const text = edited(file, [{ edit: "delete", chain: "POSTROUTING", rule: { position: 2 } }]);
    expect(text).toBe(file.replace("[0:0] -A POSTROUTING -o eth0 -j MASQUERADE\n", ""));
  });

  test.each([
    ["holds the table nat twice", "*nat\nCOMMIT\n*nat\nCOMMIT\n"],
    ["never commits its table nat", "*nat\n-A POSTROUTING -j MASQUERADE\n"],
    ["has commands other than -A in its table nat", "*nat\n-I POSTROUTING -j MASQUERADE\nCOMMIT\n"],
  ])("refuses a file that %s", (problem, text) => {
    const batch: FirewallBatch = {
      do: "firewall-batch",
      backend: "iptables-nft",
      family: "ipv4",
      table: "nat",
      edits: [insert(1)],
    };
    expect(editIptablesSave(text, [batch])).toEqual({ problem });
  });

  test.runIf(kernelLoads).each(["iptables-nft", "iptables-legacy"] as const)("is loaded by %s in the wanted order", (tool) => {
    const text = edited(file, [insert(2)]);
    const listed = inNamespace(`${tool}-restore "$1"; ${tool}-save -t nat`, text);
    const [table] = parseIptablesSave(listed, tool, "ipv4").tables;
    const rules = table?.chains.find(({ name }) => name === "POSTROUTING")?.rules.map((rule) => rule.text);
    expect(rules).toEqual(["-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE", ours, "-o eth0 -j MASQUERADE"]);
  });
});
