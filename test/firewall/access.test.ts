import { describe, expect, test } from "vitest";
import { type AccessFlow, accessBatches, accessRemovals, barriers } from "../../src/firewall/access.ts";
import { afterBatch, undoOf } from "../../src/firewall/edits.ts";
import { parseIptablesSave } from "../../src/firewall/iptables-save.ts";
import type { Table } from "../../src/firewall/model.ts";
import { parseNftJson } from "../../src/firewall/nft-json.ts";
import { ownerComment } from "../../src/firewall/owner.ts";
import { batchScript } from "../../src/firewall/render.ts";
import { parseSavedNft } from "../../src/firewall/saved-nft.ts";
import { parseNetwork } from "../../src/text/address.ts";
import { fileFact, inNamespace, kernelLoads } from "./saved-kernel.ts";

function flows(peers: readonly string[] = [], device?: string): readonly AccessFlow[] {
  const sorts = [{ protocol: "udp", port: 500 }, { protocol: "udp", port: 4500 }, { protocol: "esp" }] as const;
  const sources = peers.length === 0 ? [undefined] : peers.map((text) => parseNetwork(text));
  return sources.flatMap((peer) =>
    sorts.map((sort) => ({
      family: peer?.family ?? "ipv4",
      ...sort,
      ...(peer ? { peer } : {}),
      ...(device === undefined ? {} : { in: device }),
      owner: ownerComment("ike_access", [sort.protocol, String("port" in sort ? sort.port : ""), peer?.address ?? "any"]),
    })),
  );
}

function iptables(policy: "ACCEPT" | "DROP", rules: readonly string[]): readonly Table[] {
  const text = `*filter\n:INPUT ${policy} [0:0]\n:LOGDROP - [0:0]\n${rules.map((rule) => `-A INPUT ${rule}\n`).join("")}-A LOGDROP -j LOG\n-A LOGDROP -j DROP\nCOMMIT\n`;
  return parseIptablesSave(text, "iptables-nft", "ipv4").tables;
}

function nft(rules: string): readonly Table[] {
  return parseSavedNft(new Map([["/f", fileFact("/f", rules)]]), "/f").ruleset.tables;
}

const SSH = "-p tcp -m tcp --dport 22 -j ACCEPT";
const ALL = ["-p udp -m multiport --dports 500,4500 -j ACCEPT", "-p esp -j ACCEPT"];

describe("who is kept out", () => {
  test.each([
    ["no rules at all", iptables("ACCEPT", []), 0],
    ["a policy that drops", iptables("DROP", [SSH]), 3],
    ["rules that let all of it in", iptables("DROP", [SSH, ...ALL]), 0],
    ["rules that let it in behind a reject", iptables("DROP", [SSH, "-j REJECT --reject-with icmp-port-unreachable", ...ALL]), 3],
    ["a chain that drops", iptables("ACCEPT", [SSH, "-j LOGDROP"]), 3],
    ["only UDP 500", iptables("DROP", ["-p udp -m udp --dport 500 -j ACCEPT"]), 2],
    ["a drop of invalid packets", iptables("ACCEPT", ["-m conntrack --ctstate INVALID -j DROP"]), 0],
    ["a drop of other ports", iptables("ACCEPT", ["-p udp -m udp --dport 53 -j DROP", "-p tcp -j DROP"]), 0],
    ["an accept on loopback", iptables("DROP", ["-i lo -j ACCEPT"]), 3],
    ["a drop on loopback", iptables("ACCEPT", ["-i lo -j DROP"]), 0],
    [
      "a condition that is not understood",
      iptables("ACCEPT", ["-m recent --rcheck --seconds 60 --name bad --rsource -j DROP"]),
      3,
    ],
    [
      "nftables with a policy",
      nft("table inet f { chain input { type filter hook input priority 0; policy drop; tcp dport 22 accept\n} }"),
      3,
    ],
    [
      "nftables that lets it in",
      nft(
        "table inet f { chain input { type filter hook input priority 0; policy drop; udp dport { 500, 4500 } accept\n meta l4proto esp accept\n} }",
      ),
      0,
    ],
  ] as const)("%s", (_, tables, expected) => {
    expect(barriers(tables, flows())).toHaveLength(expected);
  });

  test("a rule for the interface that the peers come in by", () => {
    const tables = iptables(
      "DROP",
      ALL.map((rule) => `-i eth0 ${rule}`),
    );
    expect(barriers(tables, flows([], "eth0"))).toEqual([]);
    expect(barriers(tables, flows([], "ppp0"))).toHaveLength(3);
  });

  test("a rule for other peers", () => {
    const tables = iptables(
      "DROP",
      ALL.map((rule) => `-s 192.0.2.0/24 ${rule}`),
    );
    expect(barriers(tables, flows(["192.0.2.2"]))).toEqual([]);
    expect(barriers(tables, flows(["192.0.2.2", "198.51.100.1"]))).toHaveLength(3);
  });
});

const starts: readonly (readonly [string, readonly Table[], readonly AccessFlow[]])[] = [
  ["a policy", iptables("DROP", [SSH]), flows()],
  ["a reject in the middle", iptables("DROP", [SSH, "-j REJECT", ...ALL]), flows()],
  ["a jump to a chain that drops", iptables("ACCEPT", [SSH, "-j LOGDROP"]), flows(["192.0.2.2", "198.51.100.0/24"])],
  [
    "two chains",
    [...iptables("DROP", []), ...nft("table ip x { chain i { type filter hook input priority 5; policy drop;\n} }")],
    flows(),
  ],
];

function applied(tables: readonly Table[], wanted: readonly AccessFlow[]) {
  const batches = accessBatches(tables, wanted);
  return { batches, tables: batches.reduce(afterBatch, tables) };
}

describe.each(starts)("the repair of %s", (_, tables, wanted) => {
  const after = applied(tables, wanted);

  test("lets everything in, once", () => {
    expect(barriers(after.tables, wanted)).toEqual([]);
    expect(accessBatches(after.tables, wanted)).toEqual([]);
  });

  test("only adds accepts", () => {
    const edits = after.batches.flatMap((batch) => batch.edits);
    expect(edits.every((edit) => edit.edit === "insert" && /ACCEPT$|accept comment/.test(edit.rule))).toBe(true);
  });

  test("is undone to the byte, and taken back by absent", () => {
    const undone = after.batches.toReversed().reduce((now, batch) => afterBatch(now, undoOf(batch, tables)), after.tables);
    expect(undone).toEqual(tables);
    const removed = accessRemovals(after.tables, wanted).reduce(afterBatch, after.tables);
    expect(removed).toEqual(tables);
  });
});

test("new rules stand in order before what keeps the packets out", () => {
  const { tables } = applied(iptables("DROP", [SSH, "-j REJECT"]), flows());
  const [input] = tables[0]?.chains ?? [];
  expect(input?.rules.map(({ text }) => text.replace(/-m comment --comment "[^"]*" /, ""))).toEqual([
    SSH,
    "-p udp -m udp --dport 500 -j ACCEPT",
    "-p udp -m udp --dport 4500 -j ACCEPT",
    "-p esp -j ACCEPT",
    "-j REJECT",
  ]);
});

test("our rule that a reject has got ahead of moves before it, and our duplicates go", () => {
  const own = applied(iptables("DROP", []), flows()).tables[0]?.chains[0]?.rules.map(({ text }) => text) ?? [];
  const { tables, batches } = applied(iptables("DROP", ["-j REJECT", ...own, ...own]), flows());
  expect(barriers(tables, flows())).toEqual([]);
  expect(tables[0]?.chains[0]?.rules.map(({ text }) => text)).toEqual([...own, "-j REJECT"]);
  expect(batches).toHaveLength(1);
});

test("one rule of an inet table serves both families", () => {
  const both = (["ipv4", "ipv6"] as const).flatMap((family) => flows().map((flow) => ({ ...flow, family })));
  const start = nft(
    "table inet f { chain input { type filter hook input priority 0; policy accept; meta nfproto ipv6 drop\n drop\n} }",
  );
  const { tables } = applied(start, both);
  expect(barriers(tables, both)).toEqual([]);
  expect(tables[0]?.chains[0]?.rules).toHaveLength(5);
});

test("firewalld's chains are left to firewalld", () => {
  const start = nft("table inet firewalld { chain filter_INPUT { type filter hook input priority 10; policy accept; drop\n} }");
  expect(accessBatches(start, flows())).toEqual([]);
});

test.runIf(kernelLoads).each([
  [
    "iptables-nft",
    "iptables-nft -P INPUT DROP; iptables-nft -A INPUT -p tcp --dport 22 -j ACCEPT; iptables-nft -A INPUT -j REJECT",
  ],
  [
    "iptables-legacy",
    "iptables-legacy -P INPUT DROP; iptables-legacy -A INPUT -p tcp --dport 22 -j ACCEPT; iptables-legacy -A INPUT -j REJECT",
  ],
  [
    "nftables",
    "nft -f - <<'END'\ntable inet f {\n chain i {\n type filter hook input priority 0; policy drop;\n tcp dport 22 accept\n reject\n }\n}\nEND",
  ],
] as const)("the kernel takes the repair: %s", (backend, setUp) => {
  const list = backend === "nftables" ? "nft -j list ruleset" : `${backend}-save`;
  const read = (text: string) =>
    backend === "nftables" ? (parseNftJson(text)?.tables ?? []) : parseIptablesSave(text, backend, "ipv4").tables;
  const before = read(inNamespace(`${setUp}\n${list}`, ""));
  const batches = accessBatches(before, flows(["192.0.2.2"]));
  const script = [setUp, ...batches.map((batch) => batchScript(batch).script), list].join("\n");
  const after = read(inNamespace(script, ""));
  expect(barriers(before, flows(["192.0.2.2"]))).toHaveLength(3);
  expect(barriers(after, flows(["192.0.2.2"]))).toEqual([]);
});
