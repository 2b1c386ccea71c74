import { describe, expect, test } from "vitest";
import { afterSteps, readGateway } from "../../../src/gateway/effect.ts";
import { xfrmHealth } from "../../../src/kinds/xfrm-health.ts";
import { hasRecordings, recording } from "../../libreswan/status-recordings.ts";
import { casesOf, checkCase, factsOf } from "../cases.ts";

describe("xfrm_health", () => {
  test.each(casesOf("xfrm_health"))("$file", (given) => checkCase(xfrmHealth, given));

  test("what the plan brings up is not in the kernel yet, and no fault", () => {
    const at = { file: "p", line: 1, column: 1 };
    const resource = { address: "x", kind: "xfrm_health", name: "x", spec: { ignore: [] }, tags: [], ignore_drift: [], at };
    const status = '000 "t": 10.0.1.0/24===192.0.2.1...192.0.2.2===10.0.2.0/24; unrouted; eroute owner: #0\n';
    const gateway = readGateway(
      factsOf({ readings: { "libreswan.version": "Libreswan 4.10", "libreswan.status": status, "kernel.xfrm.policy": "" } }),
    );
    for (const step of [
      { do: "initiate-conn", conn: "t" },
      { do: "route-conn", conn: "t" },
    ] as const) {
      const planned = afterSteps(gateway, [step]);
      expect(xfrmHealth.assess(resource, planned).violated).toBeUndefined();
      expect(afterSteps(planned, [{ do: "terminate-conn", conn: "t" }])).toEqual(gateway);
    }
  });

  test("the counters are read before and after all else", () => {
    const keys = xfrmHealth.probes({ ignore: [] }).map(({ key }) => key);
    expect(keys[0]).toBe("kernel.xfrm_stat.first");
    expect(keys.slice(-2)).toEqual(["kernel.xfrm_stat.last", "kernel.xfrm_stat.recorded"]);
  });
});

describe.skipIf(!hasRecordings)("recorded gateways", () => {
  test.each(["4.10", "5.2", "5.4"])("%s: a healthy one is healthy", (version) => {
    const text = recording(`console/${version}/ok_v2.txt`);
    const block = (pattern: string) =>
      new RegExp(`^# ${pattern}$\\n([\\s\\S]*?)(?=^(?:#|---|\\[rc=))`, "m").exec(text)?.[1] ?? "";
    const gateway = readGateway(
      factsOf({
        readings: {
          "libreswan.version": `Libreswan ${version}`,
          "libreswan.status": block("ipsec status"),
          "kernel.xfrm.policy": block("nx w ip xfrm policy"),
          "kernel.xfrm.state": block("nx w ip xfrm state"),
          "kernel.xfrm_stat.first": block("nx w cat /proc/net/xfrm_stat"),
          "kernel.xfrm_stat.last": block("nx w cat /proc/net/xfrm_stat"),
        },
      }),
    );
    const at = { file: "p", line: 1, column: 1 };
    const resource = {
      address: "xfrm_health[x]",
      kind: "xfrm_health",
      name: "x",
      spec: { ignore: [] },
      tags: [],
      ignore_drift: [],
      at,
    };
    expect(gateway.daemon.conns.size).toBe(1);
    expect(gateway.kernel.xfrmStat.last.size).toBeGreaterThan(20);
    expect(xfrmHealth.assess(resource, gateway).violated).toBeUndefined();
  });
});
