import { describe, expect, test } from "vitest";
import { afterSteps, readGateway } from "../../../src/gateway/effect.ts";
import { reloadReasons } from "../../../src/gateway/loaded.ts";
import { tunnel } from "../../../src/kinds/tunnel.ts";
import type { Tunnel } from "../../../src/model/specs.generated.ts";
import { hasRecordings, recording } from "../../libreswan/status-recordings.ts";
import { casesOf, checkCase, factsOf } from "../cases.ts";

const conf =
  "conn t\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tleftsubnet=10.0.1.0/24\n\trightsubnet=10.0.2.0/24\n\tauthby=secret\n\tretransmit-timeout=4s\n";

describe("tunnel", () => {
  test.each(casesOf("tunnel"))("$file", (given) => checkCase(tunnel, given));

  test("a file that the plan edits must be loaded again, until a planned step loads it", () => {
    const gateway = readGateway(
      factsOf({
        readings: {
          "libreswan.version": "Libreswan 4.10",
          "libreswan.status": '000 "t": 10.0.1.0/24===192.0.2.1...192.0.2.2===10.0.2.0/24; unrouted; eroute owner: #0\n',
        },
        files: { "/etc/ipsec.conf": conf },
      }),
    );
    expect(reloadReasons(gateway, "t")).toEqual([]);
    const edited = afterSteps(gateway, [
      { do: "write-file", path: "/etc/ipsec.conf", before: conf, after: `${conf}\tmtu=1400\n`, encoding: "utf8" },
    ]);
    expect(reloadReasons(edited, "t")).toEqual(["mtu is not set in the daemon and 1400 on disk"]);
    expect(reloadReasons(afterSteps(edited, [{ do: "load-conn", conn: "t" }]), "t")).toEqual([]);
    const respelled = afterSteps(gateway, [
      { do: "write-file", path: "/etc/ipsec.conf", before: conf, after: conf.replace("4s", "4000ms"), encoding: "utf8" },
    ]);
    expect(reloadReasons(respelled, "t")).toEqual([]);
  });
});

describe("after a planned start", () => {
  test.each([
    ["start", []],
    ["ondemand", []],
    ["add", [{ do: "initiate-conn", conn: "t" }]],
    [
      "ignore",
      [
        { do: "load-conn", conn: "t" },
        { do: "initiate-conn", conn: "t" },
      ],
    ],
  ])("auto=%s", (auto, wanted) => {
    const stopped = readGateway(
      factsOf({
        readings: { "libreswan.version": "Libreswan 5.2", "libreswan.status": { exit: 33, text: "" } },
        files: { "/etc/ipsec.conf": `${conf}\tauto=${auto}\n` },
      }),
    );
    const started = afterSteps(stopped, [{ do: "service", unit: "ipsec", verb: "start" }]);
    const at = { file: "p", line: 1, column: 1 };
    const spec = { conn: "t", state: "established" } as const;
    const { changes } = tunnel.assess({ address: "t", kind: "tunnel", name: "t", spec, tags: [], ignore_drift: [], at }, started);
    expect(changes.flatMap((change) => change.finally ?? [])).toEqual(wanted);
  });
});

describe.skipIf(!hasRecordings)("recorded gateways", () => {
  const block = (text: string, pattern: string) =>
    new RegExp(`^# ${pattern}$\\n([\\s\\S]*?)(?=^(?:#|---|\\[rc=))`, "m").exec(text)?.[1] ?? "";
  const assess = (version: string, text: string, more: string, state: Tunnel["state"]) => {
    const gateway = readGateway(
      factsOf({
        readings: {
          "libreswan.version": `Libreswan ${version}`,
          "libreswan.status": block(text, "ipsec status"),
          "libreswan.traffic": block(text, "ipsec trafficstatus"),
          "kernel.xfrm.policy": block(text, "nx w ip xfrm policy"),
          "kernel.xfrm.state": block(text, "nx w ip xfrm state"),
        },
        files: { "/etc/ipsec.conf": conf + more },
      }),
    );
    return tunnel.assess(
      {
        address: "tunnel[t]",
        kind: "tunnel",
        name: "t",
        spec: { conn: "t", state },
        tags: [],
        ignore_drift: [],
        at: { file: "p", line: 1, column: 1 },
      },
      gateway,
    );
  };

  test.each(["4.10", "5.2", "5.4"])("%s: an established tunnel is as declared", (version) => {
    expect(assess(version, recording(`console/${version}/ok_v2.txt`), "", "established")).toEqual({ changes: [], notes: [] });
  });

  test.each(["4.10", "5.2", "5.4"])("%s: mtu=1400 is loaded, and 1300 is not", (version) => {
    const text = recording(`console/${version}/mtu.txt`);
    expect(assess(version, text, "\tmtu=1400\n", "loaded").changes).toEqual([]);
    expect(assess(version, text, "\tmtu=1300\n", "loaded").changes.map(({ reason }) => reason)).toEqual([
      "mtu is 1400 in the daemon and 1300 on disk",
    ]);
  });

  test.each(["5.2", "5.4"])("%s: nic-offload without hardware leaves the conn unoriented", (version) => {
    expect(assess(version, recording(`console/${version}/badnic.txt`), "\tnic-offload=yes\n", "loaded").violated).toContain(
      "not oriented",
    );
  });

  test("5.x: IKEv1 where the file says so", () => {
    const text = recording("console/5.2/ok_v1.txt");
    expect(assess("5.2", text, "\tkeyexchange=ikev1\n", "loaded").changes).toEqual([]);
    expect(assess("5.2", text, "", "loaded").changes.map(({ reason }) => reason)).toEqual([
      "keyexchange is ikev1 in the daemon and ikev2 on disk",
    ]);
  });
});
