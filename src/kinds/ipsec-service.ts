import type { Gateway } from "../gateway/gateway.ts";
import { configNow, connOnDisk, isUp, reloadReasons, startupOf, wholeConns } from "../gateway/loaded.ts";
import { confProbe } from "../libreswan/probes.ts";
import { daemonProbes, loadedConns } from "../libreswan/state.ts";
import { isAtLeast } from "../libreswan/version.ts";
import type { Change } from "../model/plan.ts";
import type { IpsecService } from "../model/specs.generated.ts";
import type { Step } from "../model/step.ts";
import { loadChange, loadObstacle } from "./conn-loading.ts";
import { daemonObstacle } from "./daemon-obstacle.ts";
import type { Assessment, Kind } from "./kind.ts";

const UNIT = "ipsec";

/** The service starts at boot, runs, and has loaded what is on disk. */
export const ipsecService: Kind<IpsecService> = {
  name: "ipsec_service",
  probes: () => [...daemonProbes, confProbe],
  assess: ({ spec }, gateway) => {
    const { daemon } = gateway;
    const obstacle = daemon.flavour === "libreswan" ? undefined : daemonObstacle(gateway);
    const missing =
      obstacle ?? unitObstacle(spec, gateway) ?? (spec.running && !daemon.service.running ? startObstacle(gateway) : undefined);
    if (missing !== undefined) return { changes: [], notes: [], blocked: missing };
    const notes = daemon.service.enabled === undefined ? [`without systemd nobody can tell whether ${UNIT} starts at boot`] : [];
    const switches = [...enabling(spec, gateway), ...running(spec, gateway)];
    if (!spec.running || !daemon.service.running) return { changes: switches, notes: [...notes, ...stopNotes(spec, gateway)] };
    const loaded = assessLoaded(gateway);
    return { ...loaded, changes: [...switches, ...loaded.changes], notes: [...notes, ...loaded.notes] };
  },
};

interface Obstacle {
  readonly reason: string;
  readonly unblock: string;
}

function unitObstacle(spec: IpsecService, { daemon }: Gateway): Obstacle | undefined {
  const { manager, unitExists, lacksSystemd, running: isRunning } = daemon.service;
  if (lacksSystemd && isRunning !== spec.running)
    return {
      reason: "this Libreswan is started and stopped by systemd, which does not run here",
      unblock: "start or stop pluto by what runs the host's other services",
    };
  if (manager !== "systemd" || unitExists) return undefined;
  return { reason: "systemd knows no ipsec.service", unblock: "install Libreswan from the distribution's package" };
}

/** Pluto does not start, or starts without any conn, on a file that it refuses. */
function startObstacle(gateway: Gateway): Obstacle | undefined {
  const config = configNow(gateway);
  if (config === undefined || config.accepted) return undefined;
  const problem = config.problems.find(({ severity }) => severity === "error") ?? config.problems[0];
  const where = problem === undefined ? "" : `: ${problem.file}:${problem.line}: ${problem.message}`;
  return { reason: `Libreswan ${config.version.text} refuses its configuration${where}`, unblock: "mend the file first" };
}

function switchChange(property: "enabled" | "running", after: boolean, verbs: readonly [Step, Step]): Change {
  const [step, back] = verbs;
  return {
    action: "update",
    target: `service ${UNIT}`,
    property,
    before: !after,
    after,
    reason:
      property === "enabled"
        ? "the service shall start at boot, or not, as declared"
        : "the service shall run, or not, as declared",
    impact: "none",
    risks_access: false,
    interrupts: [],
    steps: [step],
    undo: [back],
  };
}

function enabling({ enabled }: IpsecService, { daemon }: Gateway): readonly Change[] {
  if (daemon.service.enabled === undefined || daemon.service.enabled === enabled) return [];
  const verb = (on: boolean): Step => ({ do: "service", unit: UNIT, verb: on ? "enable" : "disable" });
  return [switchChange("enabled", enabled, [verb(enabled), verb(!enabled)])];
}

function running({ running: wanted }: IpsecService, gateway: Gateway): readonly Change[] {
  if (gateway.daemon.service.running === wanted) return [];
  const verb = (on: boolean): Step => ({ do: "service", unit: UNIT, verb: on ? "start" : "stop" });
  const change = switchChange("running", wanted, [verb(wanted), verb(!wanted)]);
  // A start comes after all writes: it is then that the configuration is read.
  if (wanted) return [{ ...change, steps: [], finally: change.steps }];
  const names = upNames(gateway);
  return [{ ...change, impact: names.length > 0 ? "outage" : "none", interrupts: names }];
}

function upNames({ daemon }: Gateway): readonly string[] {
  const names = [...daemon.conns.values()].map(({ name }) => name.replace(/\/\d+x\d+$/, ""));
  return [...new Set(names)].filter((name) => isUp(daemon, name));
}

function stopNotes({ running: wanted }: IpsecService, { daemon }: Gateway): readonly string[] {
  const flushes = daemon.version !== undefined && !isAtLeast(daemon.version, "5.0");
  return !wanted && daemon.service.running && flushes
    ? [`stopping Libreswan ${daemon.version?.text ?? ""} removes every policy and SA of the host, those of other daemons too`]
    : [];
}

/** Every conn that the daemon would load at a start is loaded, and as it stands on disk. */
function assessLoaded(gateway: Gateway): Assessment {
  const obstacle = daemonObstacle(gateway);
  if (obstacle !== undefined) return { changes: [], notes: [], blocked: obstacle };
  if (gateway.daemon.isFreshlyStarted) return { changes: [], notes: [] };
  const config = configNow(gateway);
  const refused = startObstacle(gateway);
  if (config === undefined || refused !== undefined)
    return {
      changes: [],
      notes: [],
      ...(refused === undefined ? {} : { violated: `${refused.reason}; the daemon keeps what it has loaded` }),
    };
  const names = [
    ...new Set(
      wholeConns(gateway)
        .filter(({ loaded }) => loaded)
        .map(({ name }) => name),
    ),
  ];
  const dropped = config.conns.filter((conn) => !conn.loaded && startupOf(conn, config.version) !== "ignore");
  const stale = names.flatMap((name) =>
    staleChange(name, gateway).map((change) => ({ change, refusal: loadObstacle(name, gateway)?.reason })),
  );
  return {
    changes: stale.filter(({ refusal }) => refusal === undefined).map(({ change }) => change),
    notes: [
      ...stale.flatMap(({ refusal }) => refusal ?? []),
      ...dropped.map(
        ({ name, file, line, reason }) => `${file}:${line}: Libreswan drops conn ${name}: ${reason ?? "its section is faulty"}`,
      ),
      ...strangers(gateway).map((name) => `conn ${name} is loaded and on no disk: the next start forgets it`),
    ],
  };
}

function staleChange(name: string, gateway: Gateway): readonly Change[] {
  const { daemon } = gateway;
  const isLoaded = loadedConns(daemon, name).length > 0;
  const onDisk = connOnDisk(gateway, name);
  if (onDisk === undefined || daemon.version === undefined) return [];
  if (!isLoaded && startupOf(onDisk, daemon.version) === "ignore") return [];
  const reasons = isLoaded
    ? reloadReasons(gateway, name)
    : [`auto=${startupOf(onDisk, daemon.version)}, and the daemon does not know it`];
  if (reasons.length === 0) return [];
  return [loadChange(name, reasons, gateway)];
}

/** Conns that the daemon holds and no file has; opportunistic ones of policy files are named after their group. */
function strangers(gateway: Gateway): readonly string[] {
  const names = [...gateway.daemon.conns.values()].map(({ name }) => name);
  const isKnown = (name: string): boolean =>
    connOnDisk(gateway, name) !== undefined || connOnDisk(gateway, name.replace(/\/\d+x\d+$|#.*$/, "")) !== undefined;
  return [...new Set(names)].filter((name) => !isKnown(name));
}
