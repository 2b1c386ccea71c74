import { describe, expect, test } from "vitest";
import { readGateway } from "../../../src/gateway/effect.ts";
import { natExemption } from "../../../src/kinds/nat-exemption.ts";
import { casesOf, checkCase, factsOf } from "../cases.ts";

const cases = casesOf("nat_exemption");

describe("nat_exemption", () => {
  test.each(cases)("$file", (given) => checkCase(natExemption, given));

  test("connections that run are cleared once, after the last write, and the reason names the rule", () => {
    const given = cases.find(({ file }) => file === "trap-a-below-masquerade.yml");
    if (given === undefined) throw new Error("the case is gone");
    const resource = { address: "", kind: "", name: "", tags: [], ignore_drift: [], at: { file: "", line: 1, column: 1 } };
    const spec = given.spec as Parameters<typeof natExemption.probes>[0];
    const [change, ...more] = natExemption.assess({ ...resource, spec }, readGateway(factsOf(given))).changes;
    expect(more).toEqual([]);
    expect(change).toMatchObject({
      reason: "rule 1 (MASQUERADE -o eth0) shadows it",
      property: "position",
      impact: "none",
      risks_access: false,
      finally: [{ do: "flush-conntrack", family: "ipv4", source: "10.0.2.0/24", destination: "192.168.0.0/16" }],
    });
  });
});
