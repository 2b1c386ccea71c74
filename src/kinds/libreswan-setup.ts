import { createHash } from "node:crypto";
import { type Editable, editableConf, silenceNote, writeSteps } from "../gateway/conf-change.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { type Config, optionOf, readConfig } from "../libreswan/config.ts";
import { type Edit, type FileEdit, setSetup } from "../libreswan/edit.ts";
import { confProbe } from "../libreswan/probes.ts";
import { daemonProbes } from "../libreswan/state.ts";
import { sameValue } from "../libreswan/values.ts";
import type { Probe } from "../model/fact.ts";
import type { Change } from "../model/plan.ts";
import type { Resource } from "../model/resource.ts";
import type { LibreswanSetup } from "../model/specs.generated.ts";
import type { Step } from "../model/step.ts";
import type { Assessment, Kind } from "./kind.ts";

/** Options of `config setup` on disk and, for the debug words, in the running daemon; for a time only where it expires. */
export const libreswanSetup: Kind<LibreswanSetup> = {
  name: "libreswan_setup",
  probes: (spec) => [...daemonProbes, confProbe, ...(spec.expires === undefined ? [] : [markerProbe])],
  assess: (resource, gateway) => {
    const editable = editableConf(gateway);
    if ("reason" in editable) return { changes: [], notes: [], blocked: editable };
    const { spec } = resource;
    const marker = spec.expires === undefined ? undefined : markerPath(resource);
    if (marker !== undefined && gateway.files.has(marker)) {
      const waits = gateway.daemon.reverts.has(expiryId(resource));
      return {
        changes: [],
        notes: [waits ? "applied; the host takes it back by itself" : "applied, and taken back when it expired"],
      };
    }
    return withExpiry(resource, assessOptions(spec, editable, gateway), gateway);
  },
};

const EXPIRES = "/var/lib/ipsec-fix/expires";

const markerProbe: Probe = {
  key: "expiries",
  command: `for F in ${EXPIRES}/*; do case $F in *.*) ;; *) file "$F" ;; esac; done`,
};

function assessOptions(
  spec: LibreswanSetup,
  editable: Editable,
  gateway: Gateway,
): Assessment & { readonly reverts?: readonly Step[] } {
  const { version } = editable;
  const changes: Change[] = [];
  const notes: string[] = [];
  const reverts: Step[] = [];
  let { tree, config } = editable;
  for (const [key, value] of Object.entries(spec.options)) {
    const edit = setSetup(tree, { [key]: value }, version);
    if ("refused" in edit) return { changes: [], notes: [], blocked: { reason: edit.refused, unblock: edit.help } };
    const after = readConfig(edit.tree, version);
    if (edit.files.length > 0) {
      const change = changeOf(key, { edit, before: config, after, gateway });
      if ("unblock" in change) return { changes: [], notes: [], blocked: change };
      changes.push(change);
      notes.push(...edit.notes, ...silenceNote(gateway));
      reverts.unshift(...edit.files.flatMap(takeBack), ...runtimeReverts(key, config, gateway));
    } else if (isDebug(key)) {
      const drift = debugDrift(after, gateway);
      changes.push(...drift);
      if (drift.length > 0) reverts.unshift(...runtimeReverts(key, config, gateway));
    }
    tree = edit.tree;
    config = after;
  }
  return { changes, notes: [...new Set(notes)], reverts };
}

interface Edited {
  readonly edit: Edit;
  readonly before: Config;
  readonly after: Config;
  readonly gateway: Gateway;
}

function changeOf(
  key: string,
  { edit, before, after, gateway }: Edited,
): Change | { readonly reason: string; readonly unblock: string } {
  const written = writeSteps(edit.files, gateway);
  if ("reason" in written) return written;
  const [was, becomes] = [setupOption(before, key), setupOption(after, key)];
  const isRunning = gateway.daemon.answer === "answered";
  const restarts = isRunning && !isDebug(key);
  const interrupts = restarts ? upConns(gateway) : [];
  const value = debugWords(becomes?.value);
  const debug = isRunning && isDebug(key) && !isDebugging(value, gateway, before) ? [{ do: "pluto-debug", value } as const] : [];
  return {
    action: was === undefined ? "create" : becomes === undefined ? "delete" : "update",
    target: `${edit.files[0]?.path ?? before.main} config setup`,
    property: key,
    before: was?.value ?? null,
    after: becomes?.value ?? null,
    reason: was === undefined ? `config setup does not set ${key}` : `${was.file}:${was.line} sets ${key}=${was.value}`,
    impact: interrupts.length > 0 ? "outage" : restarts ? "flap" : "none",
    risks_access: false,
    interrupts,
    steps: [...written.steps, ...debug],
    undo: [...written.undo, ...(debug.length > 0 ? [{ do: "pluto-debug", value: runningDebug(gateway) } as const] : [])],
    finally: restarts ? restartSteps(interrupts) : [],
  };
}

/** The daemon's own debug words differ from the file's, which no restart is needed for. */
function debugDrift(config: Config, gateway: Gateway): readonly Change[] {
  const value = debugWords(setupOption(config, "plutodebug")?.value);
  if (gateway.daemon.answer !== "answered" || isDebugging(value, gateway, config)) return [];
  return [
    {
      action: "update",
      target: "pluto",
      property: "plutodebug",
      before: runningDebug(gateway),
      after: value,
      reason: "pluto runs with other debug words than config setup says",
      impact: "none",
      risks_access: false,
      interrupts: [],
      steps: [{ do: "pluto-debug", value }],
      undo: [{ do: "pluto-debug", value: runningDebug(gateway) }],
    },
  ];
}

/** A restart drops every tunnel; those that no auto=start brings back are initiated again. */
function restartSteps(up: readonly string[]): readonly Step[] {
  return [{ do: "service", unit: "ipsec", verb: "restart" }, ...up.map((conn) => ({ do: "initiate-conn", conn }) as const)];
}

function upConns({ daemon }: Gateway): readonly string[] {
  return [...new Set(daemon.traffic.map(({ name }) => name.replace(/\/\d+x\d+$/, "")))];
}

function setupOption(config: Config, key: string) {
  return optionOf(config.setup, key, { version: config.version, section: "setup" });
}

function isDebug(key: string): boolean {
  return key.toLowerCase() === "plutodebug";
}

/** As whack takes them: one word, comma between. */
function debugWords(value: string | undefined): string {
  return (
    (value ?? "none")
      .split(/[\s,+]+/)
      .filter((word) => word !== "")
      .join(",") || "none"
  );
}

function runningDebug({ daemon }: Gateway): string {
  return debugWords(daemon.status.debug === "" ? undefined : daemon.status.debug);
}

/** `all` is a set of words that the daemon spells out. */
function isDebugging(value: string, gateway: Gateway, { version }: Config): boolean {
  const running = runningDebug(gateway);
  if (sameValue("plutodebug", running, value, version)) return true;
  return value === "all" && running.split(",").includes("base") && running.split(",").includes("cpu-usage");
}

/** Adds what takes the options back on the host itself after the time. */
function withExpiry(
  resource: Resource<LibreswanSetup>,
  assessed: Assessment & { readonly reverts?: readonly Step[] },
  gateway: Gateway,
): Assessment {
  const { reverts = [], ...assessment } = assessed;
  const { expires } = resource.spec;
  const earlier = earlierMarkers(resource, gateway);
  const [pending] = earlier.filter(({ id }) => gateway.daemon.reverts.has(id));
  if (expires === undefined || (assessment.changes.length === 0 && pending === undefined)) return assessment;
  const id = expiryId(resource);
  const path = markerPath(resource);
  const restarts = assessment.changes.some((change) => (change.finally ?? []).some((step) => step.do === "service"));
  const after: readonly Step[] = restarts ? restartSteps(upConns(gateway)) : [];
  // What an earlier run set for a time goes back to what was there before that run.
  const all = [...reverts, ...after, ...(pending?.reverts ?? [])];
  const expiry: Change = {
    action: pending === undefined ? "create" : "update",
    target: `${gateway.system.hostname || "the host"} timer`,
    property: "expires",
    before: pending?.expires ?? null,
    after: expires,
    reason: `the host takes ${Object.keys(resource.spec.options).join(", ")} back by itself after ${expires}`,
    impact: "none",
    risks_access: false,
    interrupts: [],
    steps: [
      ...(pending === undefined ? [] : [{ do: "cancel-revert", id: pending.id } as const]),
      { do: "schedule-revert", id, seconds: secondsOf(expires), reverts: all },
      ...earlier.map((marker): Step => ({ do: "remove-file", path: marker.path, before: marker.content })),
      {
        do: "write-file",
        path,
        before: null,
        after: `${resource.address} ${expires}\n${JSON.stringify(all)}\n`,
        encoding: "utf8",
        create_mode: "0600",
      },
    ],
    undo: [
      { do: "cancel-revert", id },
      ...(pending === undefined
        ? []
        : [
            {
              do: "schedule-revert",
              id: pending.id,
              seconds: secondsOf(pending.expires),
              reverts: pending.reverts,
            } as const,
          ]),
      ...[path, ...earlier.map((marker) => marker.path)].map((one): Step => ({ do: "restore-file", path: one })),
    ],
  };
  return { ...assessment, changes: [...assessment.changes, expiry] };
}

/** What an earlier wording of the resource left on the host. */
interface Marker {
  readonly id: string;
  readonly path: string;
  readonly content: string;
  readonly expires: string;
  readonly reverts: readonly Step[];
}

function earlierMarkers(resource: Resource<LibreswanSetup>, { files }: Gateway): readonly Marker[] {
  return [...files.values()].flatMap(({ path, content }) => {
    const id = path.startsWith(`${EXPIRES}/`) ? path.slice(EXPIRES.length + 1) : "";
    if (!id.endsWith(`-${digest(resource.name)}`) || id === expiryId(resource)) return [];
    const [head = "", list = ""] = content.split("\n");
    return [{ id, path, content, expires: head.slice(head.lastIndexOf(" ") + 1), reverts: revertsOf(list) }];
  });
}

function revertsOf(line: string): readonly Step[] {
  try {
    const list: unknown = JSON.parse(line);
    return Array.isArray(list) ? (list as readonly Step[]) : [];
  } catch {
    return [];
  }
}

function runtimeReverts(key: string, before: Config, gateway: Gateway): readonly Step[] {
  return isDebug(key) && gateway.daemon.answer === "answered"
    ? [{ do: "pluto-debug", value: debugWords(setupOption(before, key)?.value) }]
    : [];
}

/** The lines of an edit, each block as a text to take back, so that what others edit around it meanwhile stays. */
function takeBack({ path, before, after }: FileEdit): readonly Step[] {
  const [old, changed] = [(before ?? "").split(/(?<=\n)/), (after ?? "").split(/(?<=\n)/)];
  const same = (one: readonly string[], other: readonly string[]): number => {
    const limit = Math.min(one.length, other.length);
    const index = one.slice(0, limit).findIndex((line, position) => line !== other[position]);
    return index < 0 ? limit : index;
  };
  const head = same(old, changed);
  const tail = same(old.slice(head).reverse(), changed.slice(head).reverse());
  const [was, becomes] = [old.slice(head, old.length - tail), changed.slice(head, changed.length - tail)];
  // The line before makes a text of a removal, and anchors every text at the start of a line.
  const anchor = head === 0 ? "" : becomes.length === 0 ? (old[head - 1] ?? "") : "\n";
  return [{ do: "replace-text", path, before: `${anchor}${becomes.join("")}`, after: `${anchor}${was.join("")}` }];
}

function markerPath(resource: Resource<LibreswanSetup>): string {
  return `${EXPIRES}/${expiryId(resource)}`;
}

/** The digest of the spec makes an edited resource another one; its name tells which resource it was. */
function expiryId({ name, spec }: Resource<LibreswanSetup>): string {
  return `${specDigest(spec)}-${digest(name)}`;
}

function specDigest(spec: LibreswanSetup): string {
  return digest(JSON.stringify([Object.entries(spec.options).sort(), spec.expires]));
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

function secondsOf(expires: string): number {
  const [, number = "0", unit = "s"] = /^(\d+)([smhd]?)$/.exec(expires) ?? [];
  return Number(number) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[unit] ?? 1);
}
