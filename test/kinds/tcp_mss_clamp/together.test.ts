import { describe, expect, test } from "vitest";
import { mergeChanges } from "../../../src/engine/merge.ts";
import { undoOf } from "../../../src/firewall/edits.ts";
import { afterSteps, readGateway } from "../../../src/gateway/effect.ts";
import type { Gateway } from "../../../src/gateway/gateway.ts";
import { ikeAccess } from "../../../src/kinds/ike-access.ts";
import { type SealedKind, seal } from "../../../src/kinds/kind.ts";
import { natExemption } from "../../../src/kinds/nat-exemption.ts";
import { tcpMssClamp } from "../../../src/kinds/tcp-mss-clamp.ts";
import type { Change } from "../../../src/model/plan.ts";
import { factsOf } from "../cases.ts";

const persist = { state: "present", backend: "auto", persist: true };
const playbook: readonly (readonly [SealedKind, object])[] = [
  [seal(natExemption), { ...persist, source: "10.0.2.0/24", destination: "192.168.0.0/16", verdict: "return", match: "subnets" }],
  [seal(natExemption), { ...persist, source: "10.0.3.0/24", destination: "192.168.0.0/16", verdict: "return", match: "subnets" }],
  [seal(tcpMssClamp), { ...persist, mss: "pmtu" }],
  [seal(tcpMssClamp), { ...persist, mss: 1300, out: "eth0" }],
  [seal(ikeAccess), { ...persist, peers: ["198.51.100.20"] }],
  [seal(ikeAccess), { ...persist, peers: ["198.51.100.30"] }],
];

function assess(gateway: Gateway, index: number): readonly Change[] {
  const [kind, spec] = playbook[index] ?? [];
  const at = { file: "playbook.yml", line: 1, column: 1 };
  const resource = { address: `${kind?.name}[x]`, kind: kind?.name ?? "", name: "x", spec, tags: [], ignore_drift: [], at };
  const assessment = kind?.assess(resource, gateway);
  expect(assessment?.blocked).toBeUndefined();
  return assessment?.changes ?? [];
}

const RULES = `*nat
:POSTROUTING ACCEPT
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
*mangle
:FORWARD ACCEPT
COMMIT
*filter
:INPUT DROP
:FORWARD ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -j ACCEPT
COMMIT
`;

const SCRIPT = `flush ruleset
table ip nat {
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "eth0" masquerade
	}
}
table inet fw {
	chain input {
		type filter hook input priority filter; policy drop;
		tcp dport 22 accept
	}
}
`;

const JSON_RULES = `{"nftables": [
{"table": {"family": "ip", "name": "nat", "handle": 1}},
{"chain": {"family": "ip", "table": "nat", "name": "postrouting", "handle": 1, "type": "nat", "hook": "postrouting", "prio": 100, "policy": "accept"}},
{"rule": {"family": "ip", "table": "nat", "chain": "postrouting", "handle": 2, "expr": [{"match": {"op": "==", "left": {"meta": {"key": "oifname"}}, "right": "eth0"}}, {"masquerade": null}]}},
{"table": {"family": "inet", "name": "fw", "handle": 2}},
{"chain": {"family": "inet", "table": "fw", "name": "input", "handle": 1, "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}},
{"rule": {"family": "inet", "table": "fw", "chain": "input", "handle": 2, "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}}, {"accept": null}]}}]}`;

const hosts = {
  iptables: {
    readings: { nft: '{"nftables": []}', persistence: "init sh", "iptables-nft ipv4": RULES },
    files: { "/etc/iptables/rules.v4": RULES },
    tables: 3,
  },
  nftables: { readings: { nft: JSON_RULES, persistence: "init sh" }, files: { "/etc/nftables.conf": SCRIPT }, tables: 3 },
};

describe.each(Object.entries(hosts))("several resources on the same chains and file: %s", (_, { readings, files, tables }) => {
  const before = readGateway(factsOf({ readings, files }));
  const changes: Change[] = [];
  const after = playbook.reduce((gateway, _resource, index) => {
    const own = assess(gateway, index);
    changes.push(...own);
    return afterSteps(
      gateway,
      own.flatMap(({ steps }) => steps),
    );
  }, before);

  test("each adds its own to what the ones before it left", () => {
    expect(changes).toHaveLength(2 * playbook.length);
    for (const index of playbook.keys()) expect(assess(after, index)).toEqual([]);
  });

  test("come out as one batch a table and one write a file", () => {
    const { writes } = mergeChanges(changes, (batch) => [undoOf(batch, before.firewall.tables)]);
    const kinds = writes.map(({ step }) => step.do);
    expect(kinds.filter((kind) => kind === "firewall-batch")).toHaveLength(tables);
    expect(kinds.filter((kind) => kind === "write-file")).toHaveLength(1);
    const merged = afterSteps(
      before,
      writes.map(({ step }) => step),
    );
    expect(merged.files).toEqual(after.files);
    const texts = (gateway: Gateway) =>
      gateway.firewall.tables.map(({ name, chains }) => [name, chains.map((chain) => chain.rules.map(({ text }) => text))]);
    expect(texts(merged)).toEqual(texts(after));
  });

  test("foreign lines of the saved file stay as they are, in their order", () => {
    for (const [path, text] of Object.entries(files)) {
      const lines = after.files.get(path)?.content.split("\n") ?? [];
      const ownTable = lines.indexOf("table inet ipsec_fix {");
      const foreign = ownTable < 0 ? lines : lines.slice(0, ownTable);
      expect(
        foreign
          .filter((line) => !line.includes("ipsec-fix"))
          .join("\n")
          .trimEnd(),
      ).toBe(text.trimEnd());
    }
  });
});
