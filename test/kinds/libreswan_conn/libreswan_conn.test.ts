import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { afterSteps, readGateway } from "../../../src/gateway/effect.ts";
import type { Gateway } from "../../../src/gateway/gateway.ts";
import type { Assessment } from "../../../src/kinds/kind.ts";
import { libreswanConn } from "../../../src/kinds/libreswan-conn.ts";
import type { LibreswanConn } from "../../../src/model/specs.generated.ts";
import { casesOf, checkCase, checkLaws, factsOf } from "../cases.ts";

const MAIN = "/etc/ipsec.conf";
const ENDS = "\tleft=192.0.2.1\n\tright=192.0.2.2\n";

function gatewayOf(files: Readonly<Record<string, string>>, readings: Readonly<Record<string, string>> = {}): Gateway {
  return readGateway(factsOf({ readings: { "libreswan.version": "Libreswan 4.10", ...readings }, files }));
}

function assess(spec: Omit<LibreswanConn, "state"> & { readonly state?: "present" | "absent" }, gateway: Gateway): Assessment {
  const resource = {
    address: "libreswan_conn[x]",
    kind: "libreswan_conn",
    name: "x",
    spec: { state: "present" as const, ...spec },
    tags: [],
    ignore_drift: [],
    at: { file: "p.yml", line: 1, column: 1 },
  };
  return libreswanConn.assess(resource, gateway);
}

function written(assessment: Assessment, path = MAIN): string | undefined {
  const steps = assessment.changes
    .flatMap(({ steps: all }) => all)
    .filter((step) => step.do === "write-file" && step.path === path);
  const last = steps.at(-1);
  return last?.do === "write-file" ? last.after : undefined;
}

describe("libreswan_conn", () => {
  test.each(casesOf("libreswan_conn"))("$file", (given) => checkCase(libreswanConn, given));
});

describe("traps that line editors fall into", () => {
  test("D1: two conns, and the other one has the key: the right one is edited", () => {
    const text = `conn other\n${ENDS}\tmtu=1500\n\nconn myvpn\n${ENDS}`;
    expect(written(assess({ name: "myvpn", options: { mtu: "1400" } }, gatewayOf({ [MAIN]: text })))).toBe(`${text}\tmtu=1400\n`);
  });

  test("D2: the other conn has that very line: the right one is edited none the less", () => {
    const text = `conn myvpn\n${ENDS}\nconn other\n${ENDS}\tmtu=1400\n`;
    expect(written(assess({ name: "myvpn", options: { mtu: "1400" } }, gatewayOf({ [MAIN]: text })))).toBe(
      `conn myvpn\n${ENDS}\tmtu=1400\n\nconn other\n${ENDS}\tmtu=1400\n`,
    );
  });

  test("D3: the conn is missing: nothing is written, and the nearest name is suggested", () => {
    expect(assess({ name: "myvnp1", options: { mtu: "1400" } }, gatewayOf({ [MAIN]: `conn myvpn1\n${ENDS}` }))).toMatchObject({
      changes: [],
      blocked: { reason: expect.stringContaining('did you mean "myvpn1"?') },
    });
  });

  test("D4: mtu = 1400 is right already, so neither the file nor the tunnel is touched", () => {
    expect(
      assess({ name: "myvpn", options: { mtu: "1400" } }, gatewayOf({ [MAIN]: `conn myvpn\n${ENDS}\tmtu = 1400\n` })).changes,
    ).toEqual([]);
  });

  test("D5: conn  myvpn with two blanks is the conn", () => {
    expect(
      written(assess({ name: "myvpn", options: { mtu: "1400" } }, gatewayOf({ [MAIN]: `conn  myvpn\n${ENDS}conn z\n${ENDS}` }))),
    ).toBe(`conn  myvpn\n${ENDS}\tmtu=1400\nconn z\n${ENDS}`);
  });

  test("D6: the key twice: one is left, and the conn loads again", () => {
    const assessment = assess(
      { name: "myvpn", options: { mtu: "1400" } },
      gatewayOf({ [MAIN]: `conn myvpn\n${ENDS}\tmtu=1500\n\tmtu=1300\n` }),
    );
    expect(written(assessment)).toBe(`conn myvpn\n${ENDS}\tmtu=1400\n`);
    expect(assessment.changes[0]?.reason).toContain("Libreswan drops the conn");
  });

  test("D7: no section of another syntax is written", () => {
    const text = written(assess({ name: "myvpn", options: { mtu: "1400" } }, gatewayOf({ [MAIN]: `conn myvpn\n${ENDS}` })));
    expect(text).not.toContain("[");
  });

  test("D8: beside a key that was set by hand no second one is put", () => {
    const text = `conn myvpn\n${ENDS}\tmtu=1500 # by hand\n# a block of another tool\n`;
    expect(written(assess({ name: "myvpn", options: { mtu: "1400" } }, gatewayOf({ [MAIN]: text })))).toBe(
      text.replace("1500", "1400"),
    );
  });
});

describe("what the daemon has", () => {
  const status = (mtu: string): string =>
    [
      '000 "myvpn": 10.0.1.0/24===192.0.2.1<192.0.2.1>...192.0.2.2<192.0.2.2>===10.0.2.0/24; erouted; eroute owner: #2',
      `000 "myvpn":   conn_prio: 24,24; interface: eth0; metric: 0; mtu: ${mtu}; sa_prio:auto; sa_tfc:none;`,
      '000 #2: "myvpn":500 STATE_V2_ESTABLISHED_CHILD_SA (established Child SA); REKEY in 27733s; newest; eroute owner; isakmp#1; idle;',
    ].join("\n");
  const traffic = "006 #2: \"myvpn\", type=ESP, add_time=1795318903, inBytes=168, outBytes=168, maxBytes=2^63B, id='192.0.2.2'";
  const conf = `conn myvpn\n${ENDS}\tleftsubnet=10.0.1.0/24\n\trightsubnet=10.0.2.0/24\n\tmtu=1400\n`;
  const answering = (mtu: string) => ({ "libreswan.status": status(mtu), "libreswan.traffic": traffic });

  test("a conn that is loaded otherwise than on disk is drift, and brought up again", () => {
    const { changes } = assess({ name: "myvpn", options: { mtu: "1400" } }, gatewayOf({ [MAIN]: conf }, answering("unset")));
    expect(changes).toHaveLength(1);
    expect(changes[0]).toMatchObject({
      steps: [],
      interrupts: ["myvpn"],
      impact: "flap",
      finally: [
        { do: "load-conn", conn: "myvpn" },
        { do: "initiate-conn", conn: "myvpn" },
      ],
    });
    expect(assess({ name: "myvpn", options: { mtu: "1400" } }, gatewayOf({ [MAIN]: conf }, answering("1400"))).changes).toEqual(
      [],
    );
  });

  test("an edit loads the conn once, after all writes, and is converged then", () => {
    const gateway = gatewayOf({ [MAIN]: conf }, answering("1400"));
    const { changes } = assess({ name: "myvpn", options: { mtu: "1300", pfs: "no" } }, gateway);
    expect(changes.map(({ property, before, after }) => [property, before, after])).toEqual([
      ["mtu", "1400", "1300"],
      ["pfs", null, "no"],
    ]);
    const done = changes.reduce((state, change) => afterSteps(afterSteps(state, change.steps), change.finally ?? []), gateway);
    expect(assess({ name: "myvpn", options: { mtu: "1300", pfs: "no" } }, done).changes).toEqual([]);
  });

  test("a removed conn is unloaded, and its tunnel ends", () => {
    expect(assess({ name: "myvpn", state: "absent" }, gatewayOf({ [MAIN]: conf }, answering("1400"))).changes[0]).toMatchObject({
      action: "delete",
      impact: "outage",
      interrupts: ["myvpn"],
      finally: [{ do: "unload-conn", conn: "myvpn" }],
    });
  });
});

describe("laws, for any file and any wish", () => {
  const line = fc.constantFrom("mtu=1400", "mtu=1500", "esp=aes-sha1", "auto=add", "also=base", "pfs=no", "MTU = 1400 # x");
  const body = fc.array(line, { maxLength: 4 }).map((lines) => lines.map((text) => `\t${text}\n`).join(""));
  const options = fc.constantFrom<NonNullable<LibreswanConn["options"]>>(
    { mtu: "1400" },
    { mtu: null, esp: "aes256-sha2" },
    { pfs: "yes", auto: "start" },
    { left: "192.0.2.9", rightsubnets: "10.0.2.0/24,10.0.3.0/24" },
  );

  test("converge, undo, minimal, pure", () => {
    fc.assert(
      fc.property(body, body, options, fc.constantFrom("3.32", "4.10", "5.2", "5.4"), (base, own, wanted, version) => {
        const text = `conn base\n${base.replaceAll("\talso=base\n", "")}\nconn myvpn\n${ENDS}${own}`;
        checkLaws(libreswanConn, {
          spec: { name: "myvpn", state: "present", options: wanted },
          readings: { "libreswan.version": `Libreswan ${version}` },
          files: { [MAIN]: text },
        });
      }),
      { numRuns: 150 },
    );
  });
});
