import type { Facts, Probe, Reading } from "../model/fact.ts";
import type { Step } from "../model/step.ts";
import { type DaemonStatus, parseStatus, type StatusConn } from "./status.ts";
import { isOfConn, parseTraffic, type Traffic } from "./trafficstatus.ts";
import { parseVersion, type Version } from "./version.ts";

/** Which program answers to `ipsec`. */
export type Flavour = "libreswan" | "strongswan" | "other" | "none";

/** How the daemon is started and whether it lives. */
export interface ServiceState {
  /** `systemd`, or `other` where no systemd runs. */
  readonly manager: "systemd" | "other";
  readonly unitExists: boolean;
  /** No systemd runs, and Libreswan's own start script asks nothing else. */
  readonly lacksSystemd: boolean;
  /** Undefined where nobody can tell (no systemd). */
  readonly enabled: boolean | undefined;
  readonly running: boolean;
}

/** Whether the daemon answered, and if not, why: a daemon that is down is another fault than one that we may not ask. */
export type Answer = "answered" | "down" | "denied" | "silent";

/** A conn that the daemon has loaded. After a planned load or start the file, not the status, says what it is. */
export interface LoadedConn extends StatusConn {
  /** Loaded by a planned step: as on disk, whatever the status said before. */
  readonly isFresh: boolean;
  /** A planned step brings it up or routes it: its policies and SAs will be in the kernel, and are not yet. */
  readonly isComing: boolean;
}

/** Pluto, as the facts show it and as the plan so far leaves it. */
export interface DaemonState {
  readonly version: Version | undefined;
  readonly flavour: Flavour;
  readonly service: ServiceState;
  readonly answer: Answer;
  readonly status: Omit<DaemonStatus, "conns">;
  /** By name and instance, as the daemon prints them: `t`, `t/1x2`, `t[1]`. */
  readonly conns: ReadonlyMap<string, LoadedConn>;
  readonly traffic: readonly Traffic[];
  /** Started or restarted by a planned step: `config setup` is in force and conns are loaded as on disk. */
  readonly isFreshlyStarted: boolean;
  /** Ids of the timed reverts that wait on the host. */
  readonly reverts: ReadonlySet<string>;
}

const CONTROL = "/run/pluto/pluto.ctl";

/** Asks pluto, bounded in time; a daemon without its socket is down (root alone may look into /run/pluto). */
function whack(option: string): string {
  return `if [ -S ${CONTROL} ] || [ "$(id -u)" -ne 0 ]; then
  if command -v timeout >/dev/null; then timeout 10 ipsec whack ${option} 2>&1; else ipsec whack ${option} 2>&1; fi
elif command -v ipsec >/dev/null; then echo 'Pluto is not running'; (exit 33)
else (exit 127); fi`;
}

/** What is asked of the daemon in every run that concerns it. */
export const daemonProbes: readonly Probe[] = [
  { key: "libreswan.version", command: "ipsec --version 2>&1" },
  {
    key: "libreswan.service",
    command: `if [ -d /run/systemd/system ]; then systemctl show -p LoadState -p UnitFileState -p ActiveState ipsec.service
else sed -n 's/^initsystem="*\\([a-z]*\\).*/starter=\\1/p' "$(ipsec --directory)/setup" | head -n 1; fi
[ -s /run/pluto/pluto.pid ] && [ -d "/proc/$(cat /run/pluto/pluto.pid)" ] && echo process=alive
true`,
  },
  { key: "libreswan.status", command: whack("--status") },
  { key: "libreswan.traffic", command: whack("--trafficstatus") },
  { key: "libreswan.reverts", command: "ls /var/lib/ipsec-fix/expires; true" },
];

/** The daemon as the facts show it. Facts without these readings read as a host without Libreswan. */
export function readDaemon(facts: Facts): DaemonState {
  const reading = (key: string): Reading => facts.readings.get(`libreswan.${key}`) ?? { exit: undefined, text: "" };
  const version = parseVersion(reading("version").text);
  const status = reading("status");
  const parsed = parseStatus(status.exit === 0 ? status.text : "");
  const { conns, ...rest } = parsed;
  return {
    version,
    flavour: flavourOf(reading("version"), version),
    service: readService(reading("service").text),
    answer: answerOf(status),
    status: rest,
    conns: new Map(conns.map((conn) => [conn.name + conn.instance, { ...conn, isFresh: false, isComing: false }])),
    traffic: reading("traffic").exit === 0 ? parseTraffic(reading("traffic").text) : [],
    isFreshlyStarted: false,
    reverts: new Set(
      reading("reverts")
        .text.split("\n")
        .flatMap((name) => (name.endsWith(".sh") ? [name.slice(0, -3)] : [])),
    ),
  };
}

/** The conns that the daemon has loaded for a conn of the file: itself, its instances, and one for each pair of its subnets. */
export function loadedConns(daemon: DaemonState, conn: string): readonly LoadedConn[] {
  return [...daemon.conns.values()].filter((loaded) => isOfConn(loaded.name, conn));
}

/** The established tunnels of a conn of the file. */
export function trafficOf(daemon: DaemonState, conn: string): readonly Traffic[] {
  return daemon.traffic.filter((line) => isOfConn(line.name, conn));
}

/** The state after a step of this room; a step of another room leaves it as it is. */
export function afterDaemonStep(state: DaemonState, step: Step): DaemonState {
  switch (step.do) {
    case "load-conn":
      return withConns(withoutTraffic(state, step.conn), step.conn, { routing: "none", isFresh: true, isComing: false });
    case "unload-conn": {
      const kept = [...state.conns].filter(([, loaded]) => !isOfConn(loaded.name, step.conn));
      return { ...withoutTraffic(state, step.conn), conns: new Map(kept) };
    }
    case "initiate-conn":
      return withUp(
        withConns(withPlannedTraffic(state, step.conn), step.conn, { routing: "tunnel", isComing: true }),
        step.conn,
        true,
      );
    case "route-conn":
      return withConns(state, step.conn, { routing: "trap", isComing: true });
    case "terminate-conn":
      return withUp(
        withConns(withoutTraffic(state, step.conn), step.conn, { routing: "none", isComing: false }),
        step.conn,
        false,
      );
    case "service":
      return step.unit.replace(/\.service$/, "") === "ipsec" ? afterService(state, step.verb) : state;
    case "pluto-debug":
      return { ...state, status: { ...state.status, debug: step.value === "none" ? "" : step.value } };
    case "schedule-revert":
      return { ...state, reverts: new Set([...state.reverts, step.id]) };
    case "cancel-revert":
      return { ...state, reverts: new Set([...state.reverts].filter((id) => id !== step.id)) };
    default:
      return state;
  }
}

function afterService(state: DaemonState, verb: "start" | "stop" | "restart" | "enable" | "disable"): DaemonState {
  const { service } = state;
  switch (verb) {
    case "enable":
      return { ...state, service: { ...service, enabled: true } };
    case "disable":
      return { ...state, service: { ...service, enabled: false } };
    case "stop":
      return {
        ...state,
        service: { ...service, running: false },
        answer: "down",
        conns: new Map(),
        traffic: [],
        isFreshlyStarted: false,
      };
    default:
      return {
        ...state,
        service: { ...service, running: true },
        answer: "answered",
        conns: new Map(),
        traffic: [],
        isFreshlyStarted: true,
      };
  }
}

/** Changes the loaded conns of a conn of the file; one that was not loaded is from now on. */
function withConns(state: DaemonState, conn: string, change: Partial<LoadedConn>): DaemonState {
  const loaded = loadedConns(state, conn);
  const base: readonly LoadedConn[] = loaded.length > 0 ? loaded : [unknownConn(conn)];
  const changed = base.map((one) => [one.name + one.instance, { ...one, ...change }] as const);
  return { ...state, conns: new Map([...state.conns, ...changed]) };
}

/** The UP bit: pluto keeps trying to have the conn up until it is taken down. */
function withUp(state: DaemonState, conn: string, isUp: boolean): DaemonState {
  const changed = loadedConns(state, conn).map((one) => {
    const bits = [...one.policy].filter((bit) => bit !== "UP");
    return [one.name + one.instance, { ...one, policy: new Set(isUp ? [...bits, "UP"] : bits) }] as const;
  });
  return { ...state, conns: new Map([...state.conns, ...changed]) };
}

function unknownConn(name: string): LoadedConn {
  const end = { client: undefined, host: "", id: undefined };
  return {
    name,
    instance: "",
    ours: end,
    theirs: end,
    routing: "none",
    owner: undefined,
    policy: new Set(),
    fields: new Map(),
    isFresh: true,
    isComing: false,
  };
}

function withoutTraffic(state: DaemonState, conn: string): DaemonState {
  return { ...state, traffic: state.traffic.filter((line) => !isOfConn(line.name, conn)) };
}

function withPlannedTraffic(state: DaemonState, conn: string): DaemonState {
  const names = new Set(loadedConns(state, conn).map((loaded) => loaded.name));
  const missing = [...(names.size > 0 ? names : [conn])].filter((name) => !state.traffic.some((line) => line.name === name));
  const planned = missing.map((name) => ({ serial: undefined, name, instance: "", type: "ESP" }));
  return { ...state, traffic: [...state.traffic, ...planned] };
}

function flavourOf(reading: Reading, version: Version | undefined): Flavour {
  if (version !== undefined) return "libreswan";
  if (/strongSwan/i.test(reading.text)) return "strongswan";
  return reading.exit === undefined ? "none" : "other";
}

function answerOf(reading: Reading): Answer {
  if (reading.exit === 0) return "answered";
  if (/Permission denied|Operation not permitted/i.test(reading.text)) return "denied";
  return reading.exit === 124 ? "silent" : "down";
}

function readService(text: string): ServiceState {
  const values = new Map(text.split("\n").map((line) => line.split("=") as [string, string]));
  const isSystemd = values.has("LoadState");
  const unitFile = values.get("UnitFileState") ?? "";
  const isAlive = values.get("process") === "alive";
  return {
    manager: isSystemd ? "systemd" : "other",
    unitExists: values.get("LoadState") === "loaded",
    lacksSystemd: values.get("starter") === "systemd",
    enabled: isSystemd ? /^(enabled|static|alias|generated|enabled-runtime|linked)/.test(unitFile) : undefined,
    running: isSystemd ? ["active", "reloading", "activating"].includes(values.get("ActiveState") ?? "") || isAlive : isAlive,
  };
}
