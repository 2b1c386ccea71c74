import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { afterDaemonStep, daemonProbes, loadedConns, readDaemon, trafficOf } from "../../src/libreswan/state.ts";
import { parseConnLine, parseStateLine, parseStatus } from "../../src/libreswan/status.ts";
import { loadedDiffers } from "../../src/libreswan/status-differences.ts";
import { isOfConn, parseTraffic, parseTrafficLine } from "../../src/libreswan/trafficstatus.ts";
import { versionOf } from "../../src/libreswan/version.ts";
import type { Reading } from "../../src/model/fact.ts";
import { hasRecordings, recording, scenarios } from "./status-recordings.ts";

const statusText = readFileSync(new URL("../fixtures/libreswan/status-4.txt", import.meta.url), "utf8");
const v4 = versionOf("4.10") ?? expect.fail();
const v5 = versionOf("5.2") ?? expect.fail();

function daemon(readings: Record<string, Reading | string>) {
  const entries = Object.entries(readings).map(
    ([key, value]) => [`libreswan.${key}`, typeof value === "string" ? { exit: 0, text: value } : value] as const,
  );
  return readDaemon({ readings: new Map(entries), files: new Map() });
}

describe("parseTrafficLine", () => {
  test.each([
    [
      `006 #2: "t", type=ESP, add_time=0, inBytes=168, outBytes=168, id='192.0.2.2'`,
      { serial: 2, name: "t", inBytes: 168n, id: "192.0.2.2" },
    ],
    [
      `#2: "t/1x2"[1][2] 192.0.2.2, type=ESP(nic-offload=crypto), add_time=1, inBytes=0, outBytes=5, maxBytes=2^63B, id='@e'`,
      { name: "t/1x2", instance: "[1][2]", offload: "crypto", outBytes: 5n, peer: "192.0.2.2" },
    ],
    [
      `#2: "m", username=use3, type=ESP, add_time=1, inBytes=84, outBytes=84, maxBytes=2^63B, lease=192.0.2.209/32`,
      { user: "use3", leases: ["192.0.2.209/32"] },
    ],
    [
      `#2: "p#192.1.2.0/24"[1] 10.0.10.1/32=== ...192.1.2.23, type=ESP, add_time=1, inBytes=0, outBytes=0, id='C=CA, ST=O'Neil, CN=e, E=a@b', lease=10.0.10.1/32,10.0.10.2/32`,
      { id: "C=CA, ST=O'Neil, CN=e, E=a@b", leases: ["10.0.10.1/32", "10.0.10.2/32"], peer: "10.0.10.1/32=== ...192.1.2.23" },
    ],
    [`006 #3: "a", type=AH, add_time=0`, { type: "AH", serial: 3 }],
  ])("%s", (line, wanted) => {
    expect(parseTrafficLine(line)).toMatchObject(wanted);
  });

  test.each(["", `006 #2: "t", type=ESP,`, `whack: Pluto is not running`, `"t" #2: established`])("%s is none", (line) => {
    expect(parseTrafficLine(line)).toBeUndefined();
  });

  test("never throws", () => {
    fc.assert(fc.property(fc.string(), (text) => parseTraffic(`#1: "${text}", type=ESP, add_time=0\n${text}`).length <= 2));
  });

  test("a conn owns what its lists of subnets make, and no namesake", () => {
    expect(["t", "t/1x1", "t/0x12", "t/x", "tt", "t/1x1/1x1"].map((name) => isOfConn(name, "t"))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(isOfConn("a/1x1/1x1", "a/1x1")).toBe(true);
  });
});

describe("parseStatus", () => {
  const status = parseStatus(statusText);
  const conn = (name: string) => status.conns.find((one) => one.name === name) ?? expect.fail();

  test("the head", () => {
    expect(status.interfaces).toContainEqual({ device: "eth0", address: "203.0.113.10", port: 500 });
    expect(status.interfaces).toContainEqual({ device: "eth0", address: "2001:db8::10", port: 500 });
    expect(status.setup.get("ikev1-policy")).toBe("accept");
    expect(status.setup.get("fips mode")).toBe("disabled");
    expect(status.debug).toBe("base+cpu-usage");
  });

  test("conns with their ends and routing", () => {
    expect(status.conns.map(({ name, instance, routing }) => `${name}${instance} ${routing}`)).toEqual([
      "office/1x1 tunnel",
      "office/2x1 trap",
      "hop none",
      "gone unoriented",
      "road[2] tunnel",
    ]);
    expect(conn("office/1x1").ours).toEqual({ client: "10.0.1.0/24", host: "203.0.113.10", id: undefined });
    expect(conn("hop").ours).toEqual({ client: undefined, host: "203.0.113.10", id: "@here" });
    expect(conn("hop").theirs).toEqual({ client: "10.8.0.0/24", host: "198.51.100.30", id: "@there" });
    expect(conn("road").ours.id).toBe("C=NL, O=A=B, CN=gw");
    expect([...conn("office/1x1").policy]).toContain("UP");
    expect(conn("office/1x1").fields.get("mtu")).toBe("1400");
    expect(conn("office/1x1").fields.get("nic-offload")).toBe("auto");
    expect(conn("office/1x1").owner).toBe(4);
    expect(conn("office/2x1").owner).toBeUndefined();
  });

  test("states", () => {
    expect(status.states.map(({ serial, port, isEstablished }) => [serial, port, isEstablished])).toEqual([
      [3, 500, true],
      [4, 500, true],
      [5, 4500, false],
    ]);
  });

  test("the 5.x form", () => {
    const line = '"t": 10.0.1.0/24===192.0.2.1...192.0.2.2===10.0.2.0/24; routed-ondemand; my_ip=unset; their_ip=unset;';
    expect(parseConnLine(line)).toMatchObject({
      routing: "trap",
      ours: { client: "10.0.1.0/24" },
      theirs: { client: "10.0.2.0/24" },
    });
    expect(parseStateLine('#2: "t"[1] 192.0.2.9:4500 established Child SA; REKEY in 1s; newest;')).toMatchObject({
      port: 4500,
      instance: "[1]",
      isEstablished: true,
    });
  });
});

describe("loadedDiffers", () => {
  const office = parseStatus(statusText).conns[0] ?? expect.fail();
  const disk: Record<string, string> = {
    left: "203.0.113.10",
    right: "198.51.100.20",
    leftsubnets: "10.0.1.0/24 10.0.2.0/24",
    rightsubnet: "10.9.1.0/16",
    mtu: "1400",
    ike: "aes_gcm256-sha2-modp2048",
    esp: "aes_gcm256,aes128-sha2",
    salifetime: "1h",
    authby: "secret",
  };
  const keys = (change: Record<string, string | undefined>, version = v4) =>
    loadedDiffers(office, (key) => ({ ...disk, ...change })[key], version).map(({ key }) => key);

  test("the same, however it is spelled", () => {
    expect(keys({})).toEqual([]);
    expect(keys({ mtu: "01400", salifetime: "60m", esp: "aes_gcm_256,aes128-sha2_256", ikev2: "insist", pfs: "true" })).toEqual(
      [],
    );
    expect(
      keys({
        left: "198.51.100.20",
        right: "203.0.113.10",
        leftsubnets: undefined,
        leftsubnet: "10.9.0.0/16",
        rightsubnet: undefined,
        rightsubnets: "10.0.1.0/24",
      }),
    ).toEqual([]);
    expect(keys({ left: "%defaultroute" })).toEqual([]);
    expect(keys({ priority: "0" })).toEqual([]);
  });

  test.each([
    [{ mtu: "1300" }, ["mtu"]],
    [{ mtu: undefined }, ["mtu"]],
    [{ "nic-offload": "yes" }, ["nic-offload"]],
    [{ ikev2: "never" }, ["ikev2"]],
    [{ pfs: "no" }, ["pfs"]],
    [{ compress: "yes" }, ["compress"]],
    [{ phase2: "ah" }, ["phase2"]],
    [{ authby: "rsasig" }, ["authby"]],
    [{ salifetime: "2h" }, ["salifetime"]],
    [{ right: "198.51.100.21" }, ["right"]],
    [{ rightsubnet: "10.10.0.0/16" }, ["rightsubnet"]],
    [{ leftsubnets: "10.0.2.0/24" }, ["leftsubnet"]],
    [{ leftsubnets: undefined }, ["leftsubnet"]],
    [{ esp: "aes_gcm256" }, ["esp"]],
    [{ esp: "aes_gcm256,aes128-sha2,aes-sha1" }, ["esp"]],
    [{ ike: "aes-sha2,aes-sha1;modp2048" }, ["ike"]],
  ])("%j", (change, wanted) => {
    expect(keys(change)).toEqual(wanted);
  });

  test("5.x names the IKE version otherwise, and its default offload is no", () => {
    expect(keys({ keyexchange: "ikev1" }, v5)).toEqual(["nic-offload", "keyexchange"]);
  });
});

describe("readDaemon", () => {
  test("nothing installed", () => {
    const none = { exit: undefined, text: "" };
    expect(daemon({ version: none, status: none, traffic: none })).toMatchObject({
      flavour: "none",
      version: undefined,
      answer: "down",
    });
    expect(readDaemon({ readings: new Map(), files: new Map() })).toMatchObject({ flavour: "none" });
  });

  test("strongSwan is not ours", () => {
    expect(daemon({ version: "Linux strongSwan U5.9.8/K6.1.0" }).flavour).toBe("strongswan");
  });

  test("down, denied and stuck are three faults", () => {
    const answers = [
      { exit: 33, text: 'whack: Pluto is not running (no "/run/pluto/pluto.ctl")' },
      { exit: 1, text: "whack: connect() failed: Permission denied" },
      { exit: 124, text: "" },
      { exit: 0, text: statusText },
    ].map((status) => daemon({ version: "Libreswan 4.10", status }).answer);
    expect(answers).toEqual(["down", "denied", "silent", "answered"]);
  });

  test.each([
    [
      "LoadState=loaded\nUnitFileState=enabled\nActiveState=active\nprocess=alive\n",
      { unitExists: true, enabled: true, running: true },
    ],
    ["LoadState=loaded\nUnitFileState=disabled\nActiveState=inactive\n", { unitExists: true, enabled: false, running: false }],
    ["LoadState=not-found\nUnitFileState=\nActiveState=inactive\n", { unitExists: false, enabled: false, running: false }],
    ["LoadState=loaded\nUnitFileState=enabled\nActiveState=failed\n", { unitExists: true, enabled: true, running: false }],
    ["process=alive\n", { manager: "other", unitExists: false, enabled: undefined, running: true }],
    ["", { manager: "other", enabled: undefined, running: false }],
  ])("service %j", (service, wanted) => {
    expect(daemon({ service }).service).toMatchObject(wanted);
  });

  test("each key is asked once", () => {
    expect(new Set(daemonProbes.map(({ key }) => key)).size).toBe(daemonProbes.length);
  });
});

describe("afterDaemonStep", () => {
  const before = daemon({
    version: "Libreswan 4.10",
    status: statusText,
    traffic: `006 #4: "office/1x1", type=ESP, add_time=1, inBytes=1, outBytes=1, id='198.51.100.20'\n`,
    service: "LoadState=loaded\nUnitFileState=enabled\nActiveState=active\n",
  });

  test("a load makes every conn of the name fresh and takes its tunnels down", () => {
    const after = afterDaemonStep(before, { do: "load-conn", conn: "office" });
    expect(loadedConns(after, "office").map(({ name, routing, isFresh }) => [name, routing, isFresh])).toEqual([
      ["office/1x1", "none", true],
      ["office/2x1", "none", true],
    ]);
    expect(trafficOf(after, "office")).toEqual([]);
    expect(loadedConns(after, "hop")).toEqual(loadedConns(before, "hop"));
  });

  test("initiate and terminate are each other's undo", () => {
    const up = afterDaemonStep(before, { do: "initiate-conn", conn: "hop" });
    expect(trafficOf(up, "hop")).toMatchObject([{ name: "hop", serial: undefined }]);
    expect(afterDaemonStep(up, { do: "terminate-conn", conn: "hop" })).toEqual(before);
  });

  test("unload, route, debug, reverts, service", () => {
    expect(loadedConns(afterDaemonStep(before, { do: "unload-conn", conn: "office" }), "office")).toEqual([]);
    expect(loadedConns(afterDaemonStep(before, { do: "route-conn", conn: "hop" }), "hop")[0]?.routing).toBe("trap");
    expect(loadedConns(afterDaemonStep(before, { do: "load-conn", conn: "new" }), "new")).toMatchObject([
      { name: "new", isFresh: true },
    ]);
    expect(afterDaemonStep(before, { do: "pluto-debug", value: "all" }).status.debug).toBe("all");
    expect([...afterDaemonStep(before, { do: "schedule-revert", id: "x", seconds: 1, reverts: [] }).reverts]).toEqual(["x"]);
    const stopped = afterDaemonStep(before, { do: "service", unit: "ipsec", verb: "stop" });
    expect(stopped).toMatchObject({ answer: "down", service: { running: false } });
    expect(afterDaemonStep(stopped, { do: "service", unit: "ipsec.service", verb: "start" })).toMatchObject({
      answer: "answered",
      isFreshlyStarted: true,
    });
    expect(afterDaemonStep(before, { do: "service", unit: "sshd", verb: "stop" })).toBe(before);
  });
});

describe.skipIf(!hasRecordings)("recorded outputs", () => {
  test("every connection line of Libreswan's own consoles", () => {
    for (const version of ["main", "v3.25", "v3.32", "v4.10"])
      for (const line of recording(`console/libreswan-tests/status-connection-line-${version}.txt`).split("\n").filter(Boolean)) {
        const conn = parseConnLine(line);
        expect(conn?.ours.host, line).toMatch(/^[^=\s]+$/);
        expect(conn?.theirs.host, line).toMatch(/^[^=\s]+$/);
        expect(conn?.routing, line).not.toBe("transitional");
      }
  });

  test("every state and traffic line that is whole", () => {
    for (const version of ["main", "v3.25", "v3.32", "v4.10"]) {
      for (const line of recording(`console/libreswan-tests/status-state-line-${version}.txt`).split("\n").filter(Boolean))
        if (!line.includes(":PORT ")) expect(parseStateLine(line), line).toBeDefined();
      for (const line of recording(`console/libreswan-tests/trafficstatus-${version}.txt`).split("\n").filter(Boolean))
        if (!/type=ESP,$|=\d+n/.test(line.trim())) expect(parseTrafficLine(line), line).toBeDefined();
    }
  });

  test.each(scenarios())("%s", (path) => {
    const text = recording(path);
    for (const line of text.split("\n"))
      if (/^(?:006 )?#\d+: .*type=/.test(line)) expect(parseTrafficLine(line), line).toBeDefined();
    for (const block of text.split(/^# ipsec (?:auto --)?status$/m).slice(1)) {
      const status = parseStatus(block.split("[rc=")[0] ?? "");
      const total = /loaded (\d+)/.exec(block)?.[1];
      if (total !== undefined) expect(status.conns.filter(({ instance }) => instance === "").length).toBe(Number(total));
      for (const conn of status.conns) expect(conn.policy.size, conn.name).toBeGreaterThan(2);
    }
  });
});
