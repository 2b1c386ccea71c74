import {
  type Editable,
  editableConf,
  lineEndNotes,
  type Obstacle,
  reload,
  silenceNote,
  writeSteps,
} from "../gateway/conf-change.ts";
import { impossible } from "../gateway/conn-limits.ts";
import { afterSteps } from "../gateway/effect.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { isUp, reloadReasons } from "../gateway/loaded.ts";
import { type Config, connOf, type Effective, optionOf, readConfig } from "../libreswan/config.ts";
import { createConn, removeConn } from "../libreswan/conn-edit.ts";
import { type Edit, type Refusal, setOptions } from "../libreswan/edit.ts";
import { confProbe } from "../libreswan/probes.ts";
import { daemonProbes, loadedConns } from "../libreswan/state.ts";
import type { Change } from "../model/plan.ts";
import type { LibreswanConn } from "../model/specs.generated.ts";
import type { Step } from "../model/step.ts";
import { addressProbes, featureProbes } from "../network/state.ts";
import { didYouMean } from "../text/suggest.ts";
import { loadChange } from "./conn-loading.ts";
import type { Assessment, Kind } from "./kind.ts";

/** These options have these effective values in the conn, on disk and in the daemon. */
export const libreswanConn: Kind<LibreswanConn> = {
  name: "libreswan_conn",
  probes: ({ options = {} }) => [
    ...daemonProbes,
    confProbe,
    ...addressProbes,
    ...(Object.keys(options).some((key) => key.toLowerCase() === "nic-offload") ? featureProbes : []),
  ],
  assess: ({ spec }, gateway) => {
    const editable = editableConf(gateway);
    if ("reason" in editable) return blocked(editable);
    if (spec.state === "absent") return assessAbsent(spec.name, editable, gateway);
    return connOf(editable.config, spec.name) === undefined
      ? assessMissing(spec, editable, gateway)
      : assessPresent(spec, editable, gateway);
  },
};

function blocked({ reason, unblock }: Obstacle): Assessment {
  return { changes: [], notes: [], blocked: { reason, unblock } };
}

function refused({ refused: reason, help }: Refusal): Assessment {
  return blocked({ reason, unblock: help });
}

function assessAbsent(name: string, editable: Editable, gateway: Gateway): Assessment {
  const { config, tree, version } = editable;
  const edit = removeConn(tree, name, version);
  if ("refused" in edit) return refused(edit);
  const isLoaded = gateway.daemon.answer === "answered" && loadedConns(gateway.daemon, name).length > 0;
  const unload: readonly Step[] = isLoaded ? [{ do: "unload-conn", conn: name }] : [];
  if (edit.files.length === 0 && !isLoaded) return { changes: [], notes: [] };
  const written = writeSteps(edit.files, gateway);
  if ("reason" in written) return blocked(written);
  const conn = connOf(config, name);
  const wasUp = isUp(gateway.daemon, name);
  const change: Change = {
    action: "delete",
    target: `${conn?.file ?? "pluto"} conn ${name}`,
    property: "conn",
    before: conn === undefined ? "loaded" : "present",
    after: null,
    reason:
      conn === undefined ? `pluto still has ${name}, which no file has` : `conn ${name} stands in ${conn.file}:${conn.line}`,
    impact: wasUp ? "outage" : "none",
    risks_access: false,
    interrupts: wasUp ? [name] : [],
    ...written,
    finally: unload,
  };
  return { changes: [change], notes: silenceNote(gateway) };
}

function assessMissing(spec: LibreswanConn, editable: Editable, gateway: Gateway): Assessment {
  const { config, tree, version } = editable;
  if (spec.file === undefined) {
    const names = config.conns.map(({ name }) => name);
    return blocked({
      reason: `${config.main} and its includes have no conn ${spec.name}${didYouMean(spec.name, names)}`,
      unblock: "correct `name`, or say in `file` where the conn shall be created",
    });
  }
  const edit = createConn(tree, { name: spec.name, file: spec.file, options: spec.options ?? {} }, version);
  if ("refused" in edit) return refused(edit);
  const obstacle = obstacleAfter(edit, spec, gateway, config);
  if (obstacle !== undefined) return blocked(obstacle);
  const change = changeOf(
    {
      action: "create",
      property: "conn",
      before: null,
      after: "present",
      file: spec.file,
      reason: `no file has conn ${spec.name}`,
    },
    edit,
    { spec, gateway, version },
  );
  return "reason" in change && "unblock" in change
    ? blocked(change)
    : { changes: [change], notes: [...edit.notes, ...lineEndNotes(edit.files), ...silenceNote(gateway)] };
}

function assessPresent(spec: LibreswanConn, editable: Editable, gateway: Gateway): Assessment {
  const { version } = editable;
  const whole = setOptions(editable.tree, spec.name, spec.options ?? {}, version);
  if ("refused" in whole) return refused(whole);
  const obstacle = obstacleAfter(whole, spec, gateway, editable.config);
  if (obstacle !== undefined) return blocked(obstacle);
  const changes: Change[] = [];
  let { tree, config } = editable;
  for (const [key, value] of Object.entries(spec.options ?? {})) {
    const edit = setOptions(tree, spec.name, { [key]: value }, version);
    if ("refused" in edit) return refused(edit);
    if (edit.files.length === 0) continue;
    const after = readConfig(edit.tree, version);
    const change = changeOf({ ...difference(key, config, after, spec.name), file: edit.files[0]?.path ?? "" }, edit, {
      spec,
      gateway,
      version,
    });
    if ("unblock" in change) return blocked(change);
    changes.push(change);
    tree = edit.tree;
    config = after;
  }
  if (changes.length > 0) return { changes, notes: [...whole.notes, ...lineEndNotes(whole.files), ...silenceNote(gateway)] };
  const reasons = gateway.daemon.answer === "answered" ? reloadReasons(gateway, spec.name) : [];
  return { changes: reasons.length === 0 ? [] : [loadChange(spec.name, reasons, gateway)], notes: [] };
}

/** Why the configuration as it would be is not fit: a conn that Libreswan drops, or a pair of options that can't work. */
function obstacleAfter(edit: Edit, spec: LibreswanConn, gateway: Gateway, before: Config): Obstacle | undefined {
  const config = readConfig(edit.tree, before.version);
  const conn = connOf(config, spec.name);
  if (conn === undefined) return undefined;
  if (!conn.loaded) {
    return {
      reason: `Libreswan ${before.version.text} drops conn ${spec.name}: ${conn.reason ?? ""}`,
      unblock: `mend that in ${conn.file}, or declare the option that it is about`,
    };
  }
  const victim = config.conns.find(({ name, loaded }) => !loaded && connOf(before, name)?.loaded === true);
  if (victim !== undefined) {
    return {
      reason: `Libreswan would then drop conn ${victim.name}: ${victim.reason ?? ""}`,
      unblock: `take the option out of conn ${victim.name} first`,
    };
  }
  return impossible(conn, Object.keys(spec.options ?? {}), { config, gateway });
}

/** What a key was and becomes; equal values mean that only a repetition goes. */
function difference(
  key: string,
  before: Config,
  after: Config,
  name: string,
): Pick<Change, "action" | "property" | "before" | "after" | "reason"> {
  const { version } = before;
  const find = (config: Config) => optionOf(connOf(config, name)?.options ?? new Map(), key, { version, section: "conn" });
  const [was, becomes] = [find(before), find(after)];
  const conn = connOf(before, name);
  const isContested = conn?.loaded === false && was !== undefined && conn.conflicts.has(was.field);
  const old = was === undefined ? null : isContested ? `${was.value}, and again: conn not loaded` : was.value;
  const place =
    was === undefined
      ? `conn ${name} does not set it`
      : `${was.file}:${was.line} sets ${nameOf(was, before, name) ?? key}=${was.value}${was.via === "conn" ? "" : ` (${was.via.replace(":", " ")})`}`;
  return {
    action:
      was === undefined ? "create" : becomes === undefined || (isContested && was.value === becomes.value) ? "delete" : "update",
    property: key,
    before: old,
    after: becomes?.value ?? (was === undefined ? translated(before, after, name) : null),
    reason: isContested ? `${conn?.reason ?? ""}, so Libreswan drops the conn` : place,
  };
}

/** The key as the file has it: a key may have two names. */
function nameOf(option: Effective, config: Config, conn: string): string | undefined {
  return [...(connOf(config, conn)?.options ?? [])].find(([, held]) => held === option)?.[0];
}

/** The version may say an option by another key; then that line is what comes. */
function translated(before: Config, after: Config, name: string): string | null {
  const old = connOf(before, name)?.options;
  const added = [...(connOf(after, name)?.options ?? [])].find(([key, { value }]) => old?.get(key)?.value !== value);
  return added === undefined ? null : `${added[0]}=${added[1].value}`;
}

interface Setting {
  readonly spec: LibreswanConn;
  readonly gateway: Gateway;
  readonly version: Editable["version"];
}

function changeOf(
  what: Pick<Change, "action" | "property" | "before" | "after" | "reason"> & { readonly file: string },
  edit: Edit,
  { spec, gateway, version }: Setting,
): Change | Obstacle {
  const written = writeSteps(edit.files, gateway);
  if ("reason" in written) return written;
  const { file, ...rest } = what;
  const others = edit.affected.filter((name) => name !== spec.name);
  const { steps, interrupts } = reload([spec.name, ...others], afterSteps(gateway, written.steps));
  const listens = version.major >= 5 && what.property === "nic-offload" && steps.length > 0;
  return {
    ...rest,
    target: `${file} conn ${spec.name}`,
    reason: others.length === 0 ? rest.reason : `${rest.reason}; this changes ${others.join(", ")} too`,
    impact: interrupts.length > 0 ? "flap" : "none",
    risks_access: false,
    interrupts,
    ...written,
    // An interface's features are looked at when pluto listens anew.
    finally: listens ? [{ do: "pluto-listen" }, ...steps] : steps,
  };
}
