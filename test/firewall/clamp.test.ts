import { describe, expect, test } from "vitest";
import { type ClampFlow, clampBackend, clampBatches, clampRemovals, unclamped } from "../../src/firewall/clamp.ts";
import { afterBatch, undoOf } from "../../src/firewall/edits.ts";
import { parseIptablesSave } from "../../src/firewall/iptables-save.ts";
import type { Table } from "../../src/firewall/model.ts";
import { parseNftJson } from "../../src/firewall/nft-json.ts";
import { ownerComment } from "../../src/firewall/owner.ts";
import { batchScript } from "../../src/firewall/render.ts";
import type { FirewallBackend, FirewallBatch } from "../../src/model/step.ts";
import { parseNetwork } from "../../src/text/address.ts";
import { inNamespace, kernelLoads } from "./saved-kernel.ts";

const owner = ownerComment("tcp_mss_clamp", ["any"]);
const everything: readonly ClampFlow[] = [{ family: "ipv4", mss: "pmtu", protected: false, owner }];

type Mss = ClampFlow["mss"];

function at(mss: Mss, flows: readonly ClampFlow[]): readonly ClampFlow[] {
  return flows.map((flow) => ({ ...flow, mss }));
}

function network(text: string) {
  const parsed = parseNetwork(text);
  if (!parsed) throw new Error(text);
  return parsed;
}

const [lan, remote] = [network("10.0.2.0/24"), network("192.168.0.0/16")];
const between: readonly ClampFlow[] = [
  {
    family: "ipv4",
    mss: "pmtu",
    protected: true,
    pair: { source: lan, destination: remote },
    owner: ownerComment("tcp_mss_clamp", ["out"]),
  },
  {
    family: "ipv4",
    mss: "pmtu",
    protected: false,
    pair: { source: remote, destination: lan },
    owner: ownerComment("tcp_mss_clamp", ["in"]),
  },
];

/** Rules of the mangle and filter tables, as a person would write them. */
function iptables(rules: { readonly mangle?: readonly string[]; readonly filter?: readonly string[] }): readonly Table[] {
  return parseIptablesSave(save(rules), "iptables-nft", "ipv4").tables;
}

function save({
  mangle = [],
  filter = [],
}: {
  readonly mangle?: readonly string[];
  readonly filter?: readonly string[];
}): string {
  const table = (name: string, rules: readonly string[]) =>
    `*${name}\n:FORWARD ACCEPT [0:0]\n${rules.map((rule) => `-A FORWARD ${rule}\n`).join("")}COMMIT\n`;
  return table("mangle", mangle) + table("filter", filter);
}

const CLAMP = "-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu";
const FIXED = "-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss";

describe("what counts as clamped", () => {
  const holds = (tables: readonly Table[], mss: Mss, flows = everything) => unclamped(tables, at(mss, flows)).length === 0;

  test.each([
    ["the procedure's rule at the head of the filter table", { filter: [CLAMP, "-j ACCEPT"] }, "pmtu", true],
    ["the same below an ACCEPT", { filter: ["-j ACCEPT", CLAMP] }, "pmtu", false],
    ["below an ACCEPT that some SYNs take", { filter: ["-s 10.0.0.0/8 -j ACCEPT", CLAMP] }, "pmtu", false],
    ["below a DROP, whose packets need none", { filter: ["-s 10.0.0.0/8 -j DROP", CLAMP] }, "pmtu", true],
    [
      "below an ACCEPT for established traffic, which takes SYN-ACKs",
      { filter: ["-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", CLAMP] },
      "pmtu",
      false,
    ],
    ["below a DROP of invalid packets", { filter: ["-m conntrack --ctstate INVALID -j DROP", CLAMP] }, "pmtu", true],
    ["in the mangle table, whatever the filter table accepts", { mangle: [CLAMP], filter: ["-j ACCEPT"] }, "pmtu", true],
    [
      "only SYNs without ACK",
      { mangle: ["-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --clamp-mss-to-pmtu"] },
      "pmtu",
      false,
    ],
    [
      "only one interface",
      { mangle: ["-o eth0 -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu"] },
      "pmtu",
      false,
    ],
    ["a fixed value that is the wanted one", { mangle: [`${FIXED} 1380`] }, 1380, true],
    ["a smaller fixed value", { mangle: [`${FIXED} 1300`] }, 1380, true],
    ["a larger fixed value", { mangle: [`${FIXED} 1400`] }, 1380, false],
    ["a fixed value where the path MTU is wanted", { mangle: [`${FIXED} 1380`] }, "pmtu", false],
    ["the path MTU where a fixed value is wanted", { mangle: [CLAMP] }, 1380, false],
    ["UDP", { mangle: ["-p udp -j TCPMSS --clamp-mss-to-pmtu"] }, "pmtu", false],
  ] as const)("%s", (_, rules, mss, expected) => {
    expect(holds(iptables(rules), mss)).toBe(expected);
  });

  test("a clamp for each direction between two networks", () => {
    const tables = iptables({ mangle: [`-s 10.0.0.0/8 -d 192.168.0.0/16 ${CLAMP}`, `-s 192.168.0.0/16 -d 10.0.0.0/8 ${CLAMP}`] });
    expect(holds(tables, "pmtu", between)).toBe(true);
    expect(holds(iptables({ mangle: [`-s 10.0.0.0/8 -d 192.168.0.0/16 ${CLAMP}`] }), "pmtu", between)).toBe(false);
  });

  test("an outbound IPsec policy covers what is about to be encrypted", () => {
    const tables = iptables({ mangle: [`-m policy --dir out --pol ipsec ${CLAMP}`] });
    expect(unclamped(tables, between).map(({ owner: missing }) => missing)).toEqual([between[1]?.owner]);
  });
});

function planned(tables: readonly Table[], mss: Mss, flows = everything, backend: FirewallBackend = "iptables-nft") {
  return clampBatches(tables, { flows: at(mss, flows), backend });
}

function applied(tables: readonly Table[], batches: readonly FirewallBatch[]): readonly Table[] {
  return batches.reduce(afterBatch, tables);
}

describe("the repair", () => {
  test("goes into the mangle table, also where the host has none yet", () => {
    const [batch, ...others] = planned([], "pmtu");
    expect(others).toEqual([]);
    expect(batch).toMatchObject({ table: "mangle", family: "ipv4", backend: "iptables-nft" });
    expect(batch?.edits).toEqual([
      {
        edit: "insert",
        chain: "FORWARD",
        rule: `-p tcp -m tcp --tcp-flags SYN,RST SYN -m comment --comment "${owner}" -j TCPMSS --clamp-mss-to-pmtu`,
        before: null,
      },
    ]);
  });

  test("stands before the first rule that lets packets out of the chain", () => {
    const [batch] = planned(
      iptables({ mangle: ["-j MARK --set-xmark 0x1/0x1", "-s 10.9.0.0/16 -j ACCEPT", "-j RETURN"] }),
      "pmtu",
    );
    expect(batch?.edits[0]).toMatchObject({ edit: "insert", before: { position: 2 } });
  });

  test("moves an equal rule that stands too low", () => {
    const [batch] = planned(iptables({ filter: ["-i eth1 -j ACCEPT", CLAMP] }), "pmtu");
    expect(batch?.table).toBe("filter");
    expect(batch?.edits.map(({ edit }) => edit).sort()).toEqual(["delete", "insert"]);
  });

  test("replaces our own rule when the value changes, and drops our duplicates", () => {
    const own = (mss: number) =>
      `-p tcp -m tcp --tcp-flags SYN,RST SYN -m comment --comment "${owner}" -j TCPMSS --set-mss ${mss}`;
    const tables = iptables({ mangle: [own(1400), own(1400), own(1400)] });
    const result = applied(tables, planned(tables, 1380));
    expect(result.flatMap(({ chains }) => chains.flatMap(({ rules }) => rules.map(({ text }) => text)))).toEqual([own(1380)]);
  });

  test("makes a table of its own where nftables has no forward chain", () => {
    const [batch] = planned([], 1380, everything, "nftables");
    expect(batch).toMatchObject({ family: "inet", table: "ipsec_fix" });
    expect(batch?.edits.map(({ edit }) => edit)).toEqual(["create-chain", "insert"]);
  });

  const starts = [
    { name: "nothing", tables: [] as readonly Table[] },
    { name: "a filter ACCEPT", tables: iptables({ filter: ["-j ACCEPT"] }) },
    { name: "the rule too low", tables: iptables({ filter: ["-j ACCEPT", CLAMP] }) },
    { name: "a chain that returns", tables: iptables({ mangle: ["-i eth1 -j RETURN"] }) },
    { name: "half of it", tables: iptables({ mangle: [`-s 10.0.0.0/8 ${CLAMP}`] }) },
  ];
  const variants = starts.flatMap((start) =>
    (["pmtu", 1360] as const).flatMap((mss) =>
      [everything, between].flatMap((flows) =>
        (["iptables-nft", "nftables"] as const).map((backend) => ({ ...start, mss, flows, backend })),
      ),
    ),
  );
  test.each(variants)("converges from $name ($mss, $backend)", ({ tables, mss, flows, backend }) => {
    const batches = planned(tables, mss, flows, backend);
    const result = applied(tables, batches);
    expect(unclamped(result, at(mss, flows))).toEqual([]);
    expect(planned(result, mss, flows, backend)).toEqual([]);
    const undone = batches.toReversed().reduce((now, batch) => afterBatch(now, undoOf(batch, tables)), result);
    expect(unclamped(undone, at(mss, flows))).toEqual(unclamped(tables, at(mss, flows)));
    const owners = new Set(flows.map((flow) => flow.owner));
    const removed = applied(result, clampRemovals(result, owners));
    expect(clampRemovals(removed, owners)).toEqual([]);
    expect(removed.some(({ name }) => name === "ipsec_fix")).toBe(false);
  });
});

test("the tool is the one that has rules for forwarding, else one that has rules, else one that is installed", () => {
  const tools = new Set(["nft", "iptables-save"]);
  expect(clampBackend(iptables({ filter: ["-j ACCEPT"] }), tools)).toBe("iptables-nft");
  expect(clampBackend(parseIptablesSave(save({ filter: ["-j ACCEPT"] }), "iptables-legacy", "ipv4").tables, tools)).toBe(
    "iptables-legacy",
  );
  expect(clampBackend(iptables({}), tools)).toBe("nftables");
  expect(clampBackend([], new Set(["iptables-save"]))).toBe("iptables-nft");
});

describe.runIf(kernelLoads)("the kernel takes the repair and reads it back as clamped", () => {
  const read = (text: string, backend: FirewallBackend): readonly Table[] =>
    backend === "nftables" ? (parseNftJson(text)?.tables ?? []) : parseIptablesSave(text, backend, "ipv4").tables;

  test.each(["iptables-nft", "iptables-legacy", "nftables"] as const)("%s", (backend) => {
    const list = backend === "nftables" ? "nft -j list ruleset" : `${backend}-save`;
    for (const flows of [everything, between]) {
      for (const mss of ["pmtu", 1380] as const) {
        const script = planned([], mss, flows, backend).map((batch) => batchScript(batch).script);
        const tables = read(inNamespace([...script, list].join("\n"), ""), backend);
        expect(unclamped(tables, at(mss, flows))).toEqual([]);
        expect(planned(tables, mss, flows, backend)).toEqual([]);
      }
    }
  });
});
