import { describe, expect, it } from "vitest";
import { mergeChanges, mergeSteps } from "../../src/engine/merge.ts";
import type { Change } from "../../src/model/plan.ts";
import type { Step } from "../../src/model/step.ts";

const write = (path: string, before: string | null, after: string): Step => ({
  do: "write-file",
  path,
  before,
  after,
  encoding: "utf8",
});

function change(steps: readonly Step[], more: Partial<Change> = {}): Change {
  return {
    action: "update",
    target: "",
    property: "",
    before: null,
    after: null,
    reason: "",
    impact: "none",
    risks_access: false,
    interrupts: [],
    steps,
    undo: [],
    ...more,
  };
}

describe("mergeSteps", () => {
  it("makes one write of two edits to one file, in the place of the last", () => {
    const sysctl: Step = { do: "sysctl", key: "net.ipv4.ip_forward", value: "1" };
    expect(mergeSteps([write("/a", "1", "2"), sysctl, write("/a", "2", "3")])).toEqual([sysctl, write("/a", "1", "3")]);
  });

  it("drops what two edits take back", () => {
    expect(mergeSteps([write("/a", "1", "2"), write("/a", "2", "1")])).toEqual([]);
    expect(mergeSteps([write("/a", null, "2"), { do: "remove-file", path: "/a", before: "2" }])).toEqual([]);
  });

  it("removes in one step a file that was edited first", () => {
    expect(mergeSteps([write("/a", "1", "2"), { do: "remove-file", path: "/a", before: "2" }])).toEqual([
      { do: "remove-file", path: "/a", before: "1" },
    ]);
  });

  it("makes one batch per table and keeps tables apart", () => {
    const batch = (table: string, chain: string): Step => ({
      do: "firewall-batch",
      backend: "iptables-nft",
      family: "ipv4",
      table,
      edits: [{ edit: "insert", chain, rule: "-j ACCEPT", before: null }],
    });
    const merged = mergeSteps([batch("nat", "A"), batch("filter", "B"), batch("nat", "C")]);
    expect(merged.map((step) => (step.do === "firewall-batch" ? [step.table, step.edits.length] : []))).toEqual([
      ["filter", 1],
      ["nat", 2],
    ]);
  });
});

describe("mergeChanges", () => {
  it("loads a conn once, after every write, and restarts before it loads", () => {
    const load: Step = { do: "load-conn", conn: "a" };
    const up: Step = { do: "initiate-conn", conn: "a" };
    const restart: Step = { do: "service", unit: "ipsec.service", verb: "restart" };
    const operations = mergeChanges(
      [
        change([write("/a", "1", "2")], { finally: [load, up] }),
        change([write("/b", null, "x")], { finally: [restart, load, up] }),
      ],
      () => [],
      () => [load, up],
    );
    expect(operations.writes.map(({ step }) => step.do)).toEqual(["write-file", "write-file"]);
    expect(operations.closing.map(({ step }) => step)).toEqual([restart, load, up]);
    expect(operations.closing.map(({ undo }) => undo)).toEqual([[restart], [load, up], []]);
  });

  it("hangs the undo of a change that only closes on its step, and undoes loads by what was loaded", () => {
    const load: Step = { do: "load-conn", conn: "new" };
    const unload: Step = { do: "unload-conn", conn: "new" };
    const up: Step = { do: "initiate-conn", conn: "old" };
    const down: Step = { do: "terminate-conn", conn: "old" };
    const operations = mergeChanges(
      [change([], { finally: [load], undo: [unload] }), change([], { finally: [up], undo: [down] })],
      () => [],
      (conn) => [{ do: "unload-conn", conn }],
    );
    expect(operations.closing).toEqual([
      { step: load, undo: [unload] },
      { step: up, undo: [down] },
    ]);
  });

  it("hangs a change's own undo on the first of its steps that is not merged", () => {
    const on: Step = { do: "nm-modify", connection: "bond0", property: "p", value: "on" };
    const off: Step = { ...on, value: "" };
    const operations = mergeChanges(
      [change([write("/a", "1", "2"), on], { undo: [off, { do: "restore-file", path: "/a" }] })],
      () => [],
    );
    expect(operations.writes).toEqual([
      { step: write("/a", "1", "2"), undo: [{ do: "restore-file", path: "/a" }] },
      { step: on, undo: [off] },
    ]);
  });
});
