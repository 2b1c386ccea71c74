import { describe, expect, test } from "vitest";
import { afterSteps, readGateway } from "../../../src/gateway/effect.ts";
import type { Gateway } from "../../../src/gateway/gateway.ts";
import type { Assessment } from "../../../src/kinds/kind.ts";
import { libreswanConn } from "../../../src/kinds/libreswan-conn.ts";
import { libreswanSetup } from "../../../src/kinds/libreswan-setup.ts";
import type { LibreswanSetup } from "../../../src/model/specs.generated.ts";
import type { Step } from "../../../src/model/step.ts";
import { casesOf, checkCase, factsOf } from "../cases.ts";

const MAIN = "/etc/ipsec.conf";
const RUNNING = {
  "libreswan.version": "Libreswan 4.10",
  "libreswan.status": "000 debug:\n000 Connection list:\n",
  "libreswan.traffic":
    "006 #2: \"t\", type=ESP, add_time=1, inBytes=0, outBytes=0, maxBytes=2^63B, id='192.0.2.2'\n006 #4: \"u/1x2\", type=ESP, add_time=1, inBytes=0, outBytes=0, maxBytes=2^63B, id='192.0.2.2'",
};

function resourceOf<Spec>(spec: Spec, name = "x") {
  return { address: `k[${name}]`, kind: "k", name, spec, tags: [], ignore_drift: [], at: { file: "p.yml", line: 1, column: 1 } };
}

function assess(spec: LibreswanSetup, gateway: Gateway): Assessment {
  return libreswanSetup.assess(resourceOf(spec), gateway);
}

function gatewayOf(text: string, readings: Readonly<Record<string, string>> = RUNNING): Gateway {
  return readGateway(factsOf({ readings, files: { [MAIN]: text } }));
}

function apply({ changes }: Assessment, gateway: Gateway): Gateway {
  return changes.reduce((state, change) => afterSteps(afterSteps(state, change.steps), change.finally ?? []), gateway);
}

describe("libreswan_setup", () => {
  test.each(casesOf("libreswan_setup"))("$file", (given) => checkCase(libreswanSetup, given));

  test("debug words go into the file and the running daemon, without a restart", () => {
    const [change] = assess({ options: { plutodebug: "all" } }, gatewayOf("config setup\n\tuniqueids=yes\n")).changes;
    expect(change?.steps.map((step) => step.do)).toEqual(["write-file", "pluto-debug"]);
    expect(change?.finally).toEqual([]);
    expect(change?.impact).toBe("none");
  });

  test("other options restart the service, and the plan says which tunnels drop", () => {
    const [change] = assess({ options: { logfile: "/var/log/pluto.log" } }, gatewayOf("config setup\n\tuniqueids=yes\n")).changes;
    expect(change).toMatchObject({
      impact: "outage",
      interrupts: ["t", "u"],
      finally: [
        { do: "service", unit: "ipsec", verb: "restart" },
        { do: "initiate-conn", conn: "t" },
        { do: "initiate-conn", conn: "u" },
      ],
    });
  });

  test("a daemon with other debug words than the file is drift", () => {
    const { changes } = assess({ options: { plutodebug: "all" } }, gatewayOf("config setup\n\tplutodebug=all\n"));
    expect(changes.map(({ steps }) => steps)).toEqual([[{ do: "pluto-debug", value: "all" }]]);
  });
});

describe("an option that expires", () => {
  const spec: LibreswanSetup = { options: { plutodebug: "all", logfile: "/var/log/pluto.log" }, expires: "2h" };
  const text = "config setup\n\tuniqueids=yes\n\tplutodebug=none\n\nconn t\n\tleft=192.0.2.1\n\tright=192.0.2.2\n";

  function scheduled(assessment: Assessment): readonly Step[] {
    const step = assessment.changes.flatMap(({ steps }) => steps).find((candidate) => candidate.do === "schedule-revert");
    if (step?.do !== "schedule-revert") throw new Error("no revert is scheduled");
    expect(step.seconds).toBe(7200);
    return step.reverts;
  }

  /** The file after the reverts, as the host would do them. */
  function takenBack(reverts: readonly Step[], file: string): string {
    return reverts.reduce((content, step) => {
      if (step.do !== "replace-text") return content;
      expect(content.split(step.before)).toHaveLength(2);
      return content.replace(step.before, () => step.after);
    }, file);
  }

  test("is taken back by the host itself", () => {
    const gateway = gatewayOf(text);
    const assessment = assess(spec, gateway);
    const file = apply(assessment, gateway).files.get(MAIN)?.content ?? "";
    expect(file).toContain("plutodebug=all");
    const reverts = scheduled(assessment);
    expect(takenBack(reverts, file)).toBe(text);
    expect(reverts.filter((step) => step.do !== "replace-text")).toEqual([
      { do: "pluto-debug", value: "none" },
      { do: "service", unit: "ipsec", verb: "restart" },
      { do: "initiate-conn", conn: "t" },
      { do: "initiate-conn", conn: "u" },
    ]);
  });

  test("is taken back although others have edited the file since", () => {
    const gateway = gatewayOf(text);
    const assessment = assess(spec, gateway);
    const edited = apply(
      libreswanConn.assess(
        resourceOf({ name: "t", state: "present" as const, options: { mtu: "1400" } }),
        apply(assessment, gateway),
      ),
      apply(assessment, gateway),
    );
    expect(takenBack(scheduled(assessment), edited.files.get(MAIN)?.content ?? "")).toBe(`${text}\tmtu=1400\n`);
  });

  test("is taken back where it was removed or made the section", () => {
    const removal: LibreswanSetup = { options: { plutodebug: null }, expires: "2h" };
    const gateway = gatewayOf(text);
    const assessment = assess(removal, gateway);
    expect(takenBack(scheduled(assessment), apply(assessment, gateway).files.get(MAIN)?.content ?? "")).toBe(text);
    const bare = gatewayOf("conn t\n\tleft=192.0.2.1\n");
    const created = assess({ ...spec, options: { plutodebug: "all" } }, bare);
    expect(takenBack(scheduled(created), apply(created, bare).files.get(MAIN)?.content ?? "")).toBe("conn t\n\tleft=192.0.2.1\n");
  });

  test("counts as satisfied from then on, until the resource is edited", () => {
    const gateway = gatewayOf(text);
    const after = apply(assess(spec, gateway), gateway);
    const expired: Gateway = {
      ...after,
      files: new Map(after.files).set(MAIN, {
        ...(after.files.get(MAIN) ?? { path: MAIN, encoding: "utf8", mode: "", uid: 0, gid: 0 }),
        content: text,
      }),
    };
    expect(assess(spec, after)).toMatchObject({ changes: [], notes: ["applied; the host takes it back by itself"] });
    expect(assess(spec, expired).changes).toEqual([]);
    expect(assess({ ...spec, expires: "3h" }, expired).changes).not.toEqual([]);
    expect(libreswanSetup.assess(resourceOf(spec, "another name"), expired).changes).not.toEqual([]);
  });

  test("is undone with its timer and its marker", () => {
    const gateway = gatewayOf(text);
    const { changes } = assess(spec, gateway);
    const expiry = changes.at(-1);
    const done = afterSteps(gateway, expiry?.steps ?? []);
    expect(done.daemon.reverts.size).toBe(1);
    expect(afterSteps(done, expiry?.undo ?? [])).toEqual(gateway);
  });

  test("gives way to an edited wording, and what was there first comes back in the end", () => {
    const debug: LibreswanSetup = { options: { plutodebug: "all" }, expires: "2h" };
    const gateway = gatewayOf(text);
    const first = apply(assess(debug, gateway), gateway);
    const once = readGateway(
      factsOf({
        readings: {
          ...RUNNING,
          "libreswan.status": "000 debug:base+cpu-usage\n",
          "libreswan.reverts": [...first.daemon.reverts].map((id) => `${id}\n${id}.sh\n`).join(""),
        },
        files: Object.fromEntries([...first.files.values()].map(({ path, content }) => [path, content])),
      }),
    );
    const longer = assess({ ...debug, expires: "4h" }, once);
    expect(longer.changes).toMatchObject([{ action: "update", property: "expires", before: "2h", after: "4h" }]);
    const other = assess({ options: { plutodebug: "base" }, expires: "2h" }, once);
    for (const edited of [longer, other]) {
      const after = apply(edited, once);
      expect([...after.daemon.reverts]).toHaveLength(1);
      const step = edited.changes.flatMap(({ steps }) => steps).find((candidate) => candidate.do === "schedule-revert");
      if (step?.do !== "schedule-revert") throw new Error("no revert is scheduled");
      expect(takenBack(step.reverts, after.files.get(MAIN)?.content ?? "")).toBe(text);
      expect(step.reverts.at(-1)).toEqual({ do: "pluto-debug", value: "none" });
      const undone = [...edited.changes].reverse().reduce((state, change) => afterSteps(state, change.undo), after);
      expect([undone.files, undone.daemon.reverts]).toEqual([once.files, once.daemon.reverts]);
      // Back to the first wording: that is an edit, too.
      expect(assess(debug, after).changes).not.toEqual([]);
    }
  });

  test("asks the host for its markers", () => {
    expect(libreswanSetup.probes(spec).map(({ key }) => key)).toContain("expiries");
    expect(libreswanSetup.probes({ options: {} }).map(({ key }) => key)).not.toContain("expiries");
  });
});
