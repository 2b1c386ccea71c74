import type { Gateway } from "../gateway/gateway.ts";
import { promiseOf } from "../gateway/kernel-promise.ts";
import { connOnDisk, isUp, reloadReasons, startupOf, wholeConns } from "../gateway/loaded.ts";
import { fitsGlob } from "../gateway/tunnels.ts";
import { xfrmProbes } from "../kernel/state.ts";
import { tunnelFaults } from "../kernel/tunnel-policies.ts";
import { confProbe } from "../libreswan/probes.ts";
import { daemonProbes, type LoadedConn, loadedConns, trafficOf } from "../libreswan/state.ts";
import type { Change } from "../model/plan.ts";
import type { Tunnel } from "../model/specs.generated.ts";
import type { Step } from "../model/step.ts";
import { didYouMean } from "../text/suggest.ts";
import { loadChange, loadObstacle } from "./conn-loading.ts";
import { daemonObstacle } from "./daemon-obstacle.ts";
import type { Assessment, Kind } from "./kind.ts";

/** A conn is loaded as on disk, up with its policies and keys in the kernel, or down. */
export const tunnel: Kind<Tunnel> = {
  name: "tunnel",
  probes: () => [...daemonProbes, confProbe, ...xfrmProbes],
  assess: ({ spec }, gateway) => {
    if (spec.state === "down" && gateway.daemon.answer === "down") return { changes: [], notes: [] };
    const obstacle = daemonObstacle(gateway);
    if (obstacle !== undefined) return { changes: [], notes: [], blocked: obstacle };
    const names = connsOf(spec, gateway);
    if (names.length === 0) return nothingFits(spec);
    return joined(names.map((name) => assessConn(name, spec.state, gateway)));
  },
};

function connsOf({ conn, conns = [] }: Tunnel, gateway: Gateway): readonly string[] {
  const matching = knownNames(gateway).filter((name) => conns.some((glob) => fitsGlob(name, glob)));
  return [...new Set([...(conn === undefined ? [] : [conn]), ...matching])];
}

function knownNames(gateway: Gateway): readonly string[] {
  return wholeConns(gateway).map(({ name }) => name);
}

function nothingFits({ conns = [] }: Tunnel): Assessment {
  return blocked(`no conn fits ${conns.join(", ")}`, "correct `conns`, or create the conn first");
}

function blocked(reason: string, unblock: string): Assessment {
  return { changes: [], notes: [], blocked: { reason, unblock } };
}

/** One assessment for all conns; the first obstacle speaks for all. */
function joined(parts: readonly Assessment[]): Assessment {
  const obstacle = parts.find((part) => part.blocked !== undefined)?.blocked;
  const texts = (key: "violated" | "waiting"): string => parts.flatMap((part) => part[key] ?? []).join("; ");
  const [violated, waiting] = [texts("violated"), texts("waiting")];
  return {
    changes: obstacle === undefined ? parts.flatMap(({ changes }) => changes) : [],
    notes: parts.flatMap(({ notes }) => notes),
    ...(obstacle === undefined ? {} : { blocked: obstacle }),
    ...(violated === "" ? {} : { violated }),
    ...(waiting === "" ? {} : { waiting }),
  };
}

function assessConn(name: string, state: Tunnel["state"], gateway: Gateway): Assessment {
  if (state === "down") return assessDown(name, gateway);
  const onDisk = connOnDisk(gateway, name);
  if (onDisk === undefined)
    return blocked(
      `ipsec.conf has no conn ${name}${didYouMean(name, knownNames(gateway))}`,
      "create it with libreswan_conn, or correct the name",
    );
  if (!onDisk.loaded)
    return blocked(
      `Libreswan drops conn ${name}: ${onDisk.reason ?? "its section is faulty"}`,
      `mend ${onDisk.file}:${onDisk.line}`,
    );
  const loading = loadingChange(name, gateway);
  const refusal = loading.length > 0 ? loadObstacle(name, gateway) : undefined;
  if (refusal !== undefined) return blocked(refusal.reason, refusal.unblock);
  if (state === "loaded") return { changes: loading, notes: [], ...unorientedFault(name, gateway, loading) };
  return assessEstablished(name, loading, gateway);
}

/** Loads a conn that is not loaded, or otherwise than it stands on disk. A start reads everything from the disk. */
function loadingChange(name: string, gateway: Gateway): readonly Change[] {
  const { daemon } = gateway;
  const isLoaded = loadedConns(daemon, name).length > 0;
  if (!isLoaded && daemon.isFreshlyStarted && startsByItself(name, gateway)) return [];
  const reasons = reloadReasons(gateway, name);
  if (isLoaded && reasons.length === 0) return [];
  return [loadChange(name, isLoaded ? reasons : ["the daemon does not know the conn"], gateway)];
}

function startsByItself(name: string, gateway: Gateway): boolean {
  return startup(name, gateway) !== "ignore";
}

function startup(name: string, gateway: Gateway): string {
  const onDisk = connOnDisk(gateway, name);
  const { version } = gateway.daemon;
  return onDisk === undefined || version === undefined ? "ignore" : startupOf(onDisk, version);
}

function unorientedFault(name: string, gateway: Gateway, loading: readonly Change[]): { readonly violated?: string } {
  const astray =
    loading.length > 0 ? undefined : loadedConns(gateway.daemon, name).find(({ routing }) => routing === "unoriented");
  if (astray === undefined) return {};
  const offload = astray.fields.get("nic-offload");
  const hint =
    gateway.daemon.version?.major === 5 && offload !== undefined && !["no", "unset"].includes(offload)
      ? `, or that interface does not offload ESP (nic-offload=${offload})`
      : "";
  return { violated: `${name} is not oriented: no interface has ${astray.ours.host} or ${astray.theirs.host}${hint}` };
}

function assessEstablished(name: string, loading: readonly Change[], gateway: Gateway): Assessment {
  const { daemon } = gateway;
  const loaded = loadedConns(daemon, name);
  if (loaded.some(({ routing }) => routing === "never-negotiate"))
    return blocked(`${name} is no tunnel: it lets packets pass or drops them`, "ask for `state: loaded`");
  const opening = loading.flatMap((change) => change.finally ?? []);
  if (opening.some(opensTunnel)) return { changes: loading, notes: [] };
  if (loading.length > 0) return bringUp(name, loading, gateway);
  const fault = unorientedFault(name, gateway, loading);
  if (fault.violated !== undefined) return { changes: [], notes: [], ...fault };
  if (loaded.length === 0 && ["start", "ondemand"].includes(startup(name, gateway))) return { changes: [], notes: [] };
  const down = loaded.filter((conn) => !isConnUp(conn, loaded, gateway));
  if (loaded.length > 0 && down.length === 0) return inKernel(name, loaded, gateway);
  const names = down.map((conn) => conn.name).join(", ");
  if (down.length > 0 && down.every(({ routing }) => routing === "trap"))
    return { changes: [], notes: [`${names} waits for traffic (a trap policy is in place): idle, and healthy`] };
  if (down.some((conn) => conn.theirs.host === "%any"))
    return { changes: [], notes: [], violated: `only the peer can bring ${name} up: its address is %any` };
  if (down.some((conn) => conn.policy.has("UP") || conn.routing === "negotiating"))
    return {
      changes: [],
      notes: [],
      waiting: `${names}: pluto is negotiating with ${peersOf(down)} and has no answer that fits yet`,
    };
  return bringUp(name, [], gateway);
}

/** A template is up where an instance of it is. */
function isConnUp(conn: LoadedConn, all: readonly LoadedConn[], gateway: Gateway): boolean {
  const names = [conn, ...all.filter((other) => other.name === conn.name && other.instance !== "")];
  return names.some(({ routing }) => routing === "tunnel") || trafficOf(gateway.daemon, conn.name).length > 0;
}

function peersOf(conns: readonly LoadedConn[]): string {
  return [...new Set(conns.map(({ theirs }) => theirs.host))].join(", ");
}

function opensTunnel(step: Step): boolean {
  return step.do === "initiate-conn" || step.do === "route-conn";
}

/** An on-demand conn is routed and comes up with its traffic; any other is initiated. */
function bringUp(name: string, loading: readonly Change[], gateway: Gateway): Assessment {
  const onDemand = startup(name, gateway) === "ondemand";
  const step: Step = onDemand ? { do: "route-conn", conn: name } : { do: "initiate-conn", conn: name };
  const change: Change = {
    action: "update",
    target: `conn ${name}`,
    property: "state",
    before: "down",
    after: onDemand ? "on demand" : "established",
    reason: onDemand ? "no trap policy waits for its traffic" : "no tunnel of the conn is up",
    impact: "none",
    risks_access: false,
    interrupts: [],
    steps: [],
    undo: [{ do: "terminate-conn", conn: name }],
    finally: [step],
  };
  return { changes: [...loading, change], notes: [] };
}

/** What is up by the daemon's word must be in the kernel too; what the plan brings up is seen when it is up. */
function inKernel(name: string, loaded: readonly LoadedConn[], gateway: Gateway): Assessment {
  const { kernel } = gateway;
  if (loaded.some(({ isComing }) => isComing)) return { changes: [], notes: [] };
  if (kernel.xfrm !== "read")
    return {
      changes: [],
      notes: [`${name}: the kernel's policies and SAs cannot be read (${kernel.xfrm}), so only the daemon's word is known`],
    };
  const faults = loaded.filter(({ routing }) => routing === "tunnel").flatMap((conn) => tunnelFaults(promiseOf(conn), kernel));
  return faults.length === 0
    ? { changes: [], notes: [] }
    : { changes: [], notes: [], violated: `${name} is up, yet in the kernel: ${faults.join("; ")}` };
}

/** Down means that pluto does not try either. */
function assessDown(name: string, gateway: Gateway): Assessment {
  const loaded = loadedConns(gateway.daemon, name);
  const tries = loaded.some(({ policy, routing }) => policy.has("UP") || routing === "negotiating");
  const wasUp = isUp(gateway.daemon, name);
  const starts = gateway.daemon.isFreshlyStarted && loaded.length === 0 && startup(name, gateway) === "start";
  if (!wasUp && !tries && !starts) return { changes: [], notes: [] };
  const startsAgain = startup(name, gateway) === "start";
  const change: Change = {
    action: "update",
    target: `conn ${name}`,
    property: "state",
    before: wasUp ? "established" : "negotiating",
    after: "down",
    reason: "the tunnel shall be down",
    impact: wasUp ? "outage" : "none",
    risks_access: false,
    interrupts: wasUp ? [name] : [],
    steps: [],
    undo: [{ do: "initiate-conn", conn: name }],
    finally: [{ do: "terminate-conn", conn: name }],
  };
  return { changes: [change], notes: startsAgain ? [`${name} has auto=start: it comes up again when the service starts`] : [] };
}
