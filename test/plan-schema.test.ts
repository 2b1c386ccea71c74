import { describe, expect, it } from "vitest";
import type { Change, HostPlan, Outcome, Plan } from "../src/model/plan.ts";
import type { FirewallEdit, RuleRef, Step } from "../src/model/step.ts";
import { documentErrors as valid } from "./plan-document.ts";

const rules: readonly RuleRef[] = [
  { position: 1 },
  { handle: 12 },
  { comment: "ipsec-fix:nat_exemption:0123456789ab" },
  { comment: "x", rule: "-j RETURN" },
];

/** One of each; a new member of the union does not compile here until it stands in the schema's test. */
const edits: { readonly [Edit in FirewallEdit["edit"]]: readonly Extract<FirewallEdit, { edit: Edit }>[] } = {
  insert: [null, ...rules].map((before) => ({ edit: "insert", chain: "POSTROUTING", rule: "-j RETURN", before })),
  delete: rules.map((rule) => ({ edit: "delete", chain: "POSTROUTING", rule })),
  "create-chain": [{ edit: "create-chain", chain: "postrouting", type: "nat", hook: "postrouting", priority: 100 }],
  "drop-chain": [{ edit: "drop-chain", chain: "postrouting", table: true }],
};

const steps: { readonly [Do in Step["do"]]: readonly Extract<Step, { do: Do }>[] } = {
  "write-file": [
    { do: "write-file", path: "/etc/ipsec.conf", before: "a", after: "b", encoding: "utf8", check: "libreswan" },
    { do: "write-file", path: "/etc/x", before: null, after: "", encoding: "latin1", create_mode: "0644" },
  ],
  "firewall-batch": [
    { do: "firewall-batch", backend: "nftables", family: "inet", table: "nat", edits: Object.values(edits).flat() },
    {
      do: "firewall-batch",
      backend: "iptables-nft",
      family: "ipv4",
      table: "nat",
      edits: [],
      expect: [{ chain: "POSTROUTING", rules: ["-j RETURN"] }],
    },
  ],
  "remove-file": [{ do: "remove-file", path: "/etc/x", before: "a" }],
  "replace-text": [{ do: "replace-text", path: "/etc/x", before: "a", after: "b" }],
  "restore-file": [{ do: "restore-file", path: "/etc/x" }],
  sysctl: [{ do: "sysctl", key: "net.ipv4.ip_forward", value: "1" }],
  "firewall-cmd": [{ do: "firewall-cmd", args: ["--reload"] }],
  service: [{ do: "service", unit: "ipsec.service", verb: "restart" }],
  "load-conn": [{ do: "load-conn", conn: "myvpn" }],
  "unload-conn": [{ do: "unload-conn", conn: "myvpn" }],
  "initiate-conn": [{ do: "initiate-conn", conn: "myvpn" }],
  "route-conn": [{ do: "route-conn", conn: "myvpn" }],
  "terminate-conn": [{ do: "terminate-conn", conn: "myvpn" }],
  "pluto-debug": [{ do: "pluto-debug", value: "all" }],
  "pluto-listen": [{ do: "pluto-listen" }],
  "flush-conntrack": [{ do: "flush-conntrack", family: "ipv4", source: "10.0.1.0/24", destination: "10.0.2.0/24" }],
  "nm-modify": [{ do: "nm-modify", connection: "bond0", property: "ethtool.feature-esp-hw-offload", value: "" }],
  "nm-activate": [{ do: "nm-activate", connection: "bond0" }],
  "ethtool-feature": [{ do: "ethtool-feature", device: "bond0", feature: "esp-hw-offload", on: true }],
  "schedule-revert": [{ do: "schedule-revert", id: "x", seconds: 7200, reverts: [{ do: "pluto-debug", value: "none" }] }],
  "cancel-revert": [{ do: "cancel-revert", id: "x" }],
};

const outcomes: { readonly [Each in Outcome]: true } = {
  ok: true,
  changed: true,
  "would-change": true,
  failed: true,
  "rolled-back": true,
  "rollback-failed": true,
  unreachable: true,
  skipped: true,
  blocked: true,
};

function plan(change: Partial<Change>, host: Partial<HostPlan>): Plan {
  const whole: Change = {
    action: "move",
    target: "iptables nat POSTROUTING",
    property: "position",
    before: 3,
    after: { any: ["value", null] },
    reason: "rule 1 shadows it",
    impact: "none",
    risks_access: false,
    interrupts: ["myvpn"],
    steps: [],
    undo: [],
    ...change,
  };
  const resource = {
    address: "tunnel[a]",
    kind: "tunnel",
    name: "a",
    outcome: "ok",
    reason: "r",
    unblock: "u",
    fingerprint: "sha256:0",
    changes: [whole],
    settling: true,
    notes: ["n"],
  } as const;
  return {
    format: "ipsec-fix/plan",
    version: 1,
    tool: "1.0.0",
    playbook: { path: "playbook.yml", sha256: "0".repeat(64) },
    hosts: [{ host: "gw1", address: "192.0.2.1", status: "ok", fingerprint: "sha256:0", resources: [resource], ...host }],
    summary: { create: 0, update: 0, move: 1, delete: 0, hosts: 1, changed_hosts: 1 },
  };
}

describe("the schema of plans agrees with the types of plans", () => {
  it.each(Object.entries(steps))("step %s", (_, variants) => {
    for (const step of variants) expect(valid("plan", plan({ steps: [step], undo: [step], finally: [step] }, {}))).toEqual([]);
  });

  it.each(Object.keys(outcomes) as Outcome[])("outcome %s", (status) => {
    expect(valid("plan", plan({}, { status }))).toEqual([]);
  });

  it("a report is a plan with checks and exit codes", () => {
    const checks = [
      { name: "a", passed: true, detail: "d" },
      { name: "b", passed: false, detail: "d", needs_peer: true },
    ] as const;
    const report = { ...plan({}, { status: "changed", reason: "r", checks, exit: 0 }), format: "ipsec-fix/report" };
    expect(valid("report", report)).toEqual([]);
    expect(valid("plan", report)).not.toEqual([]);
  });

  it.each([
    ["an unknown step", { steps: [{ do: "run-anything", argv: ["rm"] }] }],
    ["a step with more than it takes", { steps: [{ do: "pluto-listen", argv: ["rm"] }] }],
    ["a step with less than it needs", { steps: [{ do: "sysctl", key: "x" }] }],
    ["an unknown action", { action: "replace" }],
    ["an unknown impact", { impact: "some" }],
  ])("%s is refused", (_, change) => {
    expect(valid("plan", plan(change as unknown as Partial<Change>, {}))).not.toEqual([]);
  });
});
