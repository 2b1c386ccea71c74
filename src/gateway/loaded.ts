import { type Config, type Conn, connOf, readConfig, valuesOf } from "../libreswan/config.ts";
import { canonicalWord } from "../libreswan/enums.ts";
import { treeOf } from "../libreswan/probes.ts";
import { type DaemonState, type LoadedConn, loadedConns, trafficOf } from "../libreswan/state.ts";
import { type Difference, type Effective, loadedDiffers } from "../libreswan/status-differences.ts";
import { sameValue } from "../libreswan/values.ts";
import type { Version } from "../libreswan/version.ts";
import type { FileFact } from "../model/fact.ts";
import type { Step } from "../model/step.ts";
import type { Gateway } from "./gateway.ts";

/** What the conn's `auto=` says, in one word for each meaning: `ignore`, `add`, `ondemand`, `start` or `keep`. */
export function startupOf(conn: Conn, version: Version): string {
  return canonicalWord("auto", valuesOf(conn, version)("auto") ?? "ignore", version) ?? "ignore";
}

/**
 * Why the daemon must load a conn again to hold what the disk says: its status differs, or an earlier change of this plan edits the
 * file. Empty when it holds just that, or does not hold the conn at all.
 */
export function reloadReasons(gateway: Gateway, conn: string): readonly string[] {
  const { daemon } = gateway;
  const loaded = loadedConns(daemon, conn).filter(({ instance }) => instance === "");
  const onDisk = connOnDisk(gateway, conn);
  if (daemon.version === undefined || onDisk === undefined || loaded.length === 0 || loaded.every(({ isFresh }) => isFresh))
    return [];
  const { version } = daemon;
  const values = valuesOf(onDisk, version);
  const differences = [
    ...loaded.flatMap((one) => loadedDiffers(one, values, version)),
    ...nameDifference(conn, loaded, values),
    ...editedSince(gateway, conn, onDisk, version),
  ];
  const byKey = new Map([...differences].reverse().map((difference) => [difference.key, difference]));
  return [...byKey.values()]
    .reverse()
    .map(({ key, loaded: held, onDisk: wanted }) => `${key} is ${held} in the daemon and ${wanted} on disk`);
}

/** The configuration as the plan so far leaves it; undefined where no Libreswan says how to read it. */
export function configNow({ files, daemon }: Gateway): Config | undefined {
  return daemon.version === undefined ? undefined : configFrom(files, daemon.version);
}

/** The conn of this name as the plan so far leaves it on disk. */
export function connOnDisk(gateway: Gateway, conn: string): Conn | undefined {
  const config = configNow(gateway);
  return config === undefined ? undefined : connOf(config, conn);
}

/** The conns that have both ends; the others are there for `also=` alone. */
export function wholeConns(gateway: Gateway): readonly Conn[] {
  const config = configNow(gateway);
  return (config?.conns ?? []).filter((conn) => {
    const values = config === undefined ? undefined : valuesOf(conn, config.version);
    return values?.("left") !== undefined && values("right") !== undefined;
  });
}

/** The steps that make the daemon hold the conn as on disk, and bring it back to what it was: up, waiting for traffic, or loaded. */
export function loadSteps(gateway: Gateway, conn: string): readonly Step[] {
  const { version } = gateway.daemon;
  const onDisk = connOnDisk(gateway, conn);
  const startup = version === undefined || onDisk === undefined ? "add" : startupOf(onDisk, version);
  const load: Step = { do: "load-conn", conn };
  if (startup === "ondemand") return [load, { do: "route-conn", conn }];
  return startup === "start" || isUp(gateway.daemon, conn) ? [load, { do: "initiate-conn", conn }] : [load];
}

/** The steps that make the daemon hold the conn as it does now, or not at all, once its file is back. */
export function reloadSteps(gateway: Gateway, conn: string): readonly Step[] {
  if (loadedConns(gateway.daemon, conn).length === 0) return [{ do: "unload-conn", conn }];
  return connOnDisk(gateway, conn) === undefined ? [] : loadSteps(gateway, conn);
}

/** Whether a tunnel of the conn is up. AH tunnels are, although `trafficstatus` never lists them. */
export function isUp(daemon: DaemonState, conn: string): boolean {
  return trafficOf(daemon, conn).length > 0 || loadedConns(daemon, conn).some(({ routing }) => routing === "tunnel");
}

const configs = new WeakMap<ReadonlyMap<string, FileFact>, Config>();

/** Files never change under their map, so one reading of them serves every resource of a plan. */
function configFrom(files: ReadonlyMap<string, FileFact>, version: Version): Config {
  const known = configs.get(files);
  if (known !== undefined && known.version.text === version.text) return known;
  const config = readConfig(treeOf(files), version);
  configs.set(files, config);
  return config;
}

/** Lists of subnets make one conn for each pair: other names loaded than the file makes are a difference too. */
function nameDifference(conn: string, loaded: readonly LoadedConn[], values: Effective): readonly Difference[] {
  const count = (side: string): number =>
    (values(`${side}subnets`) ?? "")
      .replace(/[{}]/g, " ")
      .split(/[\s,]+/)
      .filter((item) => item !== "").length;
  const [left, right] = [count("left"), count("right")];
  const wanted = left + right === 0 ? [conn] : pairs(left, right).map((pair) => `${conn}/${pair}`);
  const held = new Set(loaded.map(({ name }) => name));
  if (held.size === wanted.length && wanted.every((name) => held.has(name))) return [];
  return [{ key: left > 0 ? "leftsubnets" : "rightsubnets", loaded: [...held].join(" "), onDisk: wanted.join(" ") }];
}

function pairs(left: number, right: number): readonly string[] {
  const numbers = (count: number): readonly number[] =>
    count === 0 ? [0] : Array.from({ length: count }, (_, index) => index + 1);
  return numbers(left).flatMap((one) => numbers(right).map((other) => `${one}x${other}`));
}

/** What earlier changes of the plan edit in the conn: the daemon has not loaded that, whatever its status shows. */
function editedSince(gateway: Gateway, conn: string, onDisk: Conn, version: Version): readonly Difference[] {
  if (gateway.files === gateway.facts.files) return [];
  const before = connOf(configFrom(gateway.facts.files, version), conn);
  if (before === undefined) return [];
  const fields = new Set([...before.options.values(), ...onDisk.options.values()].map(({ field }) => field));
  const [then, now] = [valueByField(before), valueByField(onDisk)];
  return [...fields].flatMap((field) => {
    const [old, wanted] = [then(field), now(field)];
    const isSame = old === wanted || (old !== undefined && wanted !== undefined && sameValue(field, old, wanted, version));
    return isSame || field === "auto" ? [] : [{ key: field, loaded: old ?? "not set", onDisk: wanted ?? "not set" }];
  });
}

function valueByField(conn: Conn): (field: string) => string | undefined {
  const values = new Map([...conn.options.values()].map(({ field, value }) => [field, value]));
  return (field) => values.get(field);
}
