import { describe, expect, test } from "vitest";
import { afterSteps, readGateway } from "../../../src/gateway/effect.ts";
import type { Gateway } from "../../../src/gateway/gateway.ts";
import { bondEspOffload } from "../../../src/kinds/bond-esp-offload.ts";
import type { Assessment } from "../../../src/kinds/kind.ts";
import type { BondEspOffload } from "../../../src/model/specs.generated.ts";
import { factsOf } from "../../network/namespace.ts";

/** What differs from a gateway whose bond0 offloads; the management connection comes in by mgmt0. */
interface Host {
  readonly mode?: string;
  readonly bondFeature?: string;
  readonly portFeature?: string;
  readonly driver?: string;
  readonly profiles?: string;
  readonly server?: string;
  readonly tools?: readonly string[];
  readonly ports?: readonly string[];
  readonly status?: string;
  readonly traffic?: string;
}

const ACTIVE_BACKUP = "fault-tolerance (active-backup)";
const ALB = "adaptive load balancing";

function profile(properties: {
  readonly device?: string;
  readonly id?: string;
  readonly uuid?: string;
  readonly options?: string;
  readonly feature?: string;
}): string {
  return [
    `== ${properties.device ?? "bond0"}`,
    `connection.id:${properties.id ?? "Uplink: a\\b"}`,
    `connection.uuid:${properties.uuid ?? "f10e09f3-41ea-41f8-9f1e-ce996563a6a9"}`,
    "connection.type:bond",
    "connection.interface-name:bond0",
    `bond.options:${properties.options ?? "mode=active-backup,miimon=100,primary=enp1s0"}`,
    ...(properties.feature === undefined ? [] : [`ethtool.feature-esp-hw-offload:${properties.feature}`]),
    "",
  ].join("\n");
}

function gatewayOf(host: Host): Gateway {
  const ports = host.ports ?? ["enp1s0", "enp2s0"];
  const portFeature = host.portFeature ?? "off";
  return readGateway(
    factsOf({
      system: [
        "kernel=6.1.0-18-amd64",
        `ssh=198.51.100.50 50022 ${host.server ?? "198.51.100.7"} 22`,
        ...(host.tools ?? ["ethtool", "nmcli"]).map((tool) => `tool=${tool}`),
      ].join("\n"),
      network: `4: bond0: <MASTER,UP,LOWER_UP> mtu 1500 state UP
    inet 192.0.2.1/24 scope global bond0
7: mgmt0: <UP,LOWER_UP> mtu 1500 state UP
    inet 198.51.100.7/24 scope global mgmt0
== route
198.51.100.0/24 dev mgmt0
== route6
`,
      "libreswan.version": "Libreswan 4.10",
      ...(host.status === undefined ? {} : { "libreswan.status": host.status, "libreswan.traffic": host.traffic ?? "" }),
      "network.bonds": [
        "== bond0",
        "Ethernet Channel Bonding Driver: v6.1.176",
        "",
        `Bonding Mode: ${host.mode ?? ACTIVE_BACKUP}`,
        ...(ports[0] === undefined ? [] : [`Currently Active Slave: ${ports[0]}`]),
        ...ports.map((port) => `\nSlave Interface: ${port}\nMII Status: up`),
        "",
      ].join("\n"),
      "network.features": [
        `== bond0\ndriver: bonding\nesp-hw-offload: ${host.bondFeature ?? "on"}`,
        ...ports.map((port) => `== ${port}\ndriver: ${host.driver ?? "ixgbe"}\nesp-hw-offload: ${portFeature}`),
        "",
      ].join("\n"),
      "network.profiles": host.profiles ?? `running\n${profile({ feature: "on" })}`,
    }),
  );
}

function assess(gateway: Gateway, spec: Partial<BondEspOffload> = {}): Assessment {
  const full = { bond: "bond0", require_capable_ports: true, ...spec };
  return bondEspOffload.assess(
    {
      address: "bond_esp_offload[bond0]",
      kind: "bond_esp_offload",
      name: "bond0",
      spec: full,
      tags: [],
      ignore_drift: [],
      at: { file: "p.yml", line: 1, column: 1 },
    },
    gateway,
  );
}

const UUID = "f10e09f3-41ea-41f8-9f1e-ce996563a6a9";
const LACP = profile({ options: "mode=802.3ad,miimon=100,lacp_rate=fast", feature: "on" });

describe("what changes", () => {
  test("nothing, where profile and bond offload already", () => {
    expect(assess(gatewayOf({})).changes).toEqual([]);
    expect(assess(gatewayOf({})).blocked).toBeUndefined();
  });

  test("profile and running bond are set apart, by UUID and without taking the bond down", () => {
    const { changes } = assess(gatewayOf({ bondFeature: "off", profiles: `running\n${profile({})}` }));
    expect(
      changes.map(({ property, before, after, impact, risks_access }) => [property, before, after, impact, risks_access]),
    ).toEqual([
      ["ethtool.feature-esp-hw-offload", null, "on", "none", false],
      ["esp-hw-offload", "off", "on", "none", false],
    ]);
    expect(changes.flatMap(({ steps }) => steps)).toEqual([
      { do: "nm-modify", connection: UUID, property: "ethtool.feature-esp-hw-offload", value: "on" },
      { do: "ethtool-feature", device: "bond0", feature: "esp-hw-offload", on: true },
    ]);
    expect(changes[1]?.finally).toBeUndefined();
  });

  test("only the profile, where the running bond offloads by the kernel's default", () => {
    const { changes } = assess(gatewayOf({ profiles: `running\n${profile({ feature: "off" })}` }));
    expect(changes.map(({ property, before }) => [property, before])).toEqual([["ethtool.feature-esp-hw-offload", "off"]]);
    expect(changes[0]?.undo).toEqual([
      { do: "nm-modify", connection: UUID, property: "ethtool.feature-esp-hw-offload", value: "off" },
    ]);
  });

  test("only the running bond, where the profile says so and was never activated", () => {
    expect(assess(gatewayOf({ bondFeature: "off" })).changes.map(({ property }) => property)).toEqual(["esp-hw-offload"]);
  });

  test("a mode that any switch takes becomes active-backup, other options kept, with the outage named", () => {
    const alb = profile({ options: "mode=balance-alb,miimon=100,primary=enp1s0" });
    const { changes } = assess(gatewayOf({ mode: ALB, bondFeature: "off [fixed]", profiles: `running\n${alb}` }));
    expect(changes).toMatchObject([
      { property: "mode", before: "balance-alb", after: "active-backup", impact: "outage", risks_access: true },
    ]);
    expect(changes[0]?.steps).toEqual([
      { do: "nm-modify", connection: UUID, property: "+bond.options", value: "mode=active-backup" },
      { do: "nm-modify", connection: UUID, property: "ethtool.feature-esp-hw-offload", value: "on" },
      { do: "nm-activate", connection: UUID },
    ]);
    expect(changes[0]?.undo).toEqual([
      { do: "nm-modify", connection: UUID, property: "ethtool.feature-esp-hw-offload", value: "" },
      { do: "nm-modify", connection: UUID, property: "bond.options", value: "mode=balance-alb,miimon=100,primary=enp1s0" },
      { do: "nm-activate", connection: UUID },
    ]);
  });

  test("a profile that was made active-backup and never activated is activated", () => {
    const { changes } = assess(gatewayOf({ mode: "IEEE 802.3ad Dynamic link aggregation", bondFeature: "off [fixed]" }));
    expect(changes.flatMap(({ steps }) => steps)).toEqual([{ do: "nm-activate", connection: UUID }]);
    expect(changes.flatMap(({ undo }) => undo)).toEqual([
      { do: "nm-modify", connection: UUID, property: "bond.options", value: "mode=802.3ad,miimon=100" },
      { do: "nm-activate", connection: UUID },
      { do: "nm-modify", connection: UUID, property: "bond.options", value: "mode=active-backup,miimon=100,primary=enp1s0" },
    ]);
  });

  test("a profile of another mode is corrected without activation while the bond is active-backup", () => {
    const { changes } = assess(gatewayOf({ profiles: `running\n${LACP}` }));
    expect(changes).toMatchObject([{ property: "mode", before: "802.3ad", impact: "none", risks_access: false }]);
    expect(changes[0]?.steps).toEqual([
      { do: "nm-modify", connection: UUID, property: "-bond.options", value: "lacp_rate" },
      { do: "nm-modify", connection: UUID, property: "+bond.options", value: "mode=active-backup" },
    ]);
  });
});

describe("the tunnels of the bond", () => {
  const conn = (name: string, own: string, offload: string): string =>
    `000 "${name}": 10.0.1.0/24===${own}...203.0.113.2===10.0.2.0/24; erouted; eroute owner: #5\n000 "${name}":   mtu: unset; nic-offload:${offload};\n`;
  const host: Host = {
    mode: ALB,
    bondFeature: "off [fixed]",
    profiles: `running\n${profile({ options: "mode=balance-alb" })}`,
    status:
      conn("up/1x1", "192.0.2.1", "yes") +
      conn("up/1x2", "192.0.2.1", "yes") +
      conn("idle", "192.0.2.1", "no") +
      conn("else", "198.51.100.7", "yes"),
    traffic: `006 #5: "up/1x2", type=ESP, add_time=1, inBytes=1, outBytes=1, id='@e'\n006 #6: "else", type=ESP, add_time=1, inBytes=1, outBytes=1, id='@e'\n`,
  };

  test("are named as interrupted where they are up, and listed where they ask for offload", () => {
    const { changes, notes } = assess(gatewayOf(host));
    expect(changes.map(({ interrupts }) => interrupts)).toEqual([["up"]]);
    expect(notes).toContain("conns on bond0 that ask for offload (nic-offload): up");
  });

  test("pluto, where it runs, looks at the interfaces again once the feature is on", () => {
    expect(assess(gatewayOf(host)).changes[0]?.finally).toEqual([{ do: "pluto-listen" }]);
    const { changes } = assess(gatewayOf({ bondFeature: "off", status: conn("up", "192.0.2.1", "yes") }));
    expect(changes.map(({ interrupts, finally: closing }) => [interrupts, closing])).toEqual([[[], [{ do: "pluto-listen" }]]]);
  });
});

describe("what blocks", () => {
  const cases: readonly (readonly [string, Host, Partial<BondEspOffload>, RegExp])[] = [
    ["an unknown bond", {}, { bond: "bond1" }, /^the host has no bond bond1 \(it has bond0\)$/],
    ["no ethtool", { tools: ["nmcli"] }, {}, /^ethtool is not installed/],
    ["no NetworkManager", { profiles: "" }, {}, /^NetworkManager does not run/],
    ["no profile", { profiles: "running\n" }, {}, /^NetworkManager has no profile of bond0$/],
    [
      "no profile of that name",
      {},
      { connection: "uplink" },
      /^NetworkManager has no profile uplink of bond0 \(it has Uplink: a\\b\)$/,
    ],
    [
      "two profiles, none active",
      { profiles: `running\n${profile({ device: "", uuid: "u1" })}${profile({ device: "", uuid: "u2" })}` },
      {},
      /^several profiles are of bond0 and none is active: Uplink: a\\b \(u1\), Uplink: a\\b \(u2\)$/,
    ],
    [
      "a mode that the switch must know of",
      { mode: "IEEE 802.3ad Dynamic link aggregation", bondFeature: "off [fixed]", profiles: `running\n${LACP}` },
      {},
      /^bond0 runs in mode 802\.3ad; .* mode active-backup only$/,
    ],
    [
      "a port that cannot",
      { portFeature: "off [fixed]", driver: "virtio_net" },
      {},
      /^enp1s0 \(virtio_net\), enp2s0 \(virtio_net\) of bond0 cannot/,
    ],
    ["no ports", { ports: [] }, {}, /^bond0 has no ports/],
    [
      "a kernel whose bonds do not offload",
      { bondFeature: "off [fixed]" },
      {},
      /^the bonding driver of kernel 6\.1\.0-18-amd64 does not/,
    ],
    [
      "a management connection that the outage would cut",
      {
        mode: ALB,
        bondFeature: "off [fixed]",
        server: "192.0.2.1",
        profiles: `running\n${profile({ options: "mode=balance-alb" })}`,
      },
      {},
      /^bond0 must be activated anew to become active-backup, and the management connection to 192\.0\.2\.1 crosses bond0$/,
    ],
  ];
  test.each(cases)("%s", (_what, host, spec, reason) => {
    const assessment = assess(gatewayOf(host), spec);
    expect(assessment.blocked?.reason).toMatch(reason);
    expect(assessment.blocked?.unblock).not.toBe("");
    expect(assessment.changes).toEqual([]);
  });
});

test("of two profiles the active one is meant, and one may be named by its UUID", () => {
  const profiles = `running\n${profile({ device: "", uuid: "u1" })}${profile({ uuid: "u2" })}`;
  expect(assess(gatewayOf({ profiles })).changes[0]?.steps).toMatchObject([{ connection: "u2" }]);
  expect(assess(gatewayOf({ profiles }), { connection: "u1" }).changes[0]?.steps).toMatchObject([{ connection: "u1" }]);
});

test("require_capable_ports: false makes the change and warns", () => {
  const host = { portFeature: "off [fixed]", driver: "virtio_net", bondFeature: "off" };
  const { changes, notes } = assess(gatewayOf(host), { require_capable_ports: false });
  expect(changes.map(({ property }) => property)).toEqual(["esp-hw-offload"]);
  expect(notes).toContainEqual(expect.stringMatching(/^enp1s0 \(virtio_net\), enp2s0 \(virtio_net\) cannot offload ESP: /));
});

test("a kernel that holds the feature off is not asked again; with capable ports required that is a failure", () => {
  const held = gatewayOf({ bondFeature: "off [requested on]" });
  expect(assess(held)).toMatchObject({ changes: [], violated: "ESP offload is asked for on bond0, and the kernel keeps it off" });
  const tolerant = assess(held, { require_capable_ports: false });
  expect(tolerant.changes).toEqual([]);
  expect(tolerant.violated).toBeUndefined();
  expect(tolerant.notes).toContainEqual(expect.stringMatching(/keeps it off/));
});

describe("laws", () => {
  const hosts: readonly Host[] = [ACTIVE_BACKUP, ALB, "transmit load balancing", "load balancing (xor)"].flatMap((mode) =>
    ["mode=active-backup,primary=enp1s0", "mode=balance-alb,miimon=100", "mode=5", "mode=802.3ad,lacp_rate=fast"].flatMap(
      (options) =>
        [undefined, "on", "off"].flatMap((feature) =>
          (mode === ACTIVE_BACKUP ? ["on", "off"] : ["off [fixed]"]).map((bondFeature) => ({
            mode,
            bondFeature,
            profiles: `running\n${profile({ options, ...(feature === undefined ? {} : { feature }) })}`,
          })),
        ),
    ),
  );
  const planned = hosts
    .map((host) => ({ host, gateway: gatewayOf(host) }))
    .map((entry) => ({ ...entry, changes: assess(entry.gateway).changes }))
    .filter(({ changes }) => changes.length > 0);

  test("enough states have something to change", () => {
    expect(planned.length).toBeGreaterThan(20);
  });

  test.each(planned)("after the steps nothing is left, and undo brings everything back: $host", ({ gateway, changes }) => {
    const done = changes.reduce((state, change) => afterSteps(state, [...change.steps, ...(change.finally ?? [])]), gateway);
    expect(assess(done)).toMatchObject({ changes: [] });
    expect(assess(done).blocked).toBeUndefined();
    const undone = [...changes].reverse().reduce((state, change) => afterSteps(state, change.undo), done);
    const profiles = (state: Gateway): unknown =>
      state.network.profiles.map(({ bondOptions, features }) => [bondOptions, features.get("esp-hw-offload")]);
    expect(profiles(undone)).toEqual(profiles(gateway));
    expect(undone.network.bonds).toEqual(gateway.network.bonds);
    expect(undone.network.features).toEqual(gateway.network.features);
  });

  test("every change names a difference", () => {
    for (const change of planned.flatMap(({ changes }) => changes)) expect(change.before).not.toEqual(change.after);
  });
});
