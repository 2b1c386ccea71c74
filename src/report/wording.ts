import { batchScript } from "../firewall/render.ts";
import type { Action, Change, HostPlan, Json, Outcome, ResourcePlan, Summary } from "../model/plan.ts";
import type { Step } from "../model/step.ts";
import { hideTokens } from "../text/secret.ts";
import { commandLine } from "../text/shell.ts";
import { harmless } from "./palette.ts";

/** Terraform's grammar: one sign for each action. */
export const SIGNS: Readonly<Record<Action, string>> = { create: "+", update: "~", move: "→", delete: "-" };

/** The outcome of a gateway in words. */
export const OUTCOMES: Readonly<Record<Outcome, string>> = {
  ok: "as declared",
  changed: "changed and verified",
  "would-change": "would change",
  failed: "failed",
  "rolled-back": "failed and rolled back",
  "rollback-failed": "failed, and the rollback is incomplete",
  unreachable: "unreachable",
  skipped: "skipped",
  blocked: "blocked",
};

/** Text for a person: secrets by name, nothing that a terminal would obey. */
export function shown(text: string): string {
  return harmless(hideTokens(text));
}

/** A value as a person reads it; nothing is `(not set)`. */
export function value(json: Json): string {
  if (json === null) return "(not set)";
  if (typeof json === "string") return shown(json);
  if (Array.isArray(json)) return json.map((item) => value(item)).join(", ");
  return shown(typeof json === "object" ? JSON.stringify(json) : String(json));
}

/** `libreswan_conn[myvpn]` with its worst sign: what the resource's changes amount to. */
export function signOf(resource: ResourcePlan): string {
  const actions = new Set(resource.changes.map(({ action }) => action));
  if (actions.size === 0) return " ";
  const [only] = actions;
  return actions.size === 1 && only !== undefined ? SIGNS[only] : "~";
}

/** What a change does to traffic, in one phrase; undefined when it does nothing. */
export function impactOf(change: Change): string | undefined {
  const tunnels = change.interrupts.map(shown).join(", ");
  switch (change.impact) {
    case "none":
      return tunnels === "" ? undefined : `interrupts ${tunnels}`;
    case "rekey":
      return `re-keys ${tunnels || "tunnels"} (seconds)`;
    case "flap":
      return `interrupts ${tunnels || "the link"} briefly`;
    case "outage":
      return `takes ${tunnels || "tunnels"} down until the peer answers`;
  }
}

/** The last line of a plan. */
export function planLine(summary: Summary): string {
  return `Plan: ${summary.create} to add, ${summary.update} to change, ${summary.move} to move, ${summary.delete} to delete on ${summary.changed_hosts} of ${count(summary.hosts, "host")}`;
}

/** The last line of a run: how many gateways ended in which way. */
export function outcomeLine(hosts: readonly HostPlan[]): string {
  const order: readonly Outcome[] = [
    "changed",
    "ok",
    "would-change",
    "blocked",
    "failed",
    "rolled-back",
    "rollback-failed",
    "unreachable",
    "skipped",
  ];
  const parts = order.flatMap((outcome) => {
    const number = hosts.filter(({ status }) => status === outcome).length;
    return number === 0 ? [] : [`${number} ${OUTCOMES[outcome]}`];
  });
  return `${count(hosts.length, "host")}: ${parts.join(", ") || "none"}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** What a step does, as the command that an administrator would type; a firewall batch is its tool with its whole input. */
export function stepText(step: Step): string {
  return shown(stepWords(step));
}

/** The same in one line, for messages. */
export function stepLine(step: Step): string {
  return stepText(step).split(" <<'END'", 1)[0] ?? "";
}

function stepWords(step: Step): string {
  switch (step.do) {
    case "write-file":
      return `write ${step.path}${step.before === null ? " (new)" : ""}`;
    case "remove-file":
      return `rm ${step.path}`;
    case "replace-text":
      return `take ${JSON.stringify(step.before.trim())} of ${step.path} back`;
    case "restore-file":
      return `restore ${step.path}`;
    case "firewall-batch": {
      const { argv, input } = batchScript(step);
      return `${commandLine(argv)} <<'END'\n${input}END`;
    }
    case "sysctl":
      return commandLine(["sysctl", "-w", `${step.key}=${step.value}`]);
    case "firewall-cmd":
      return commandLine(["firewall-cmd", ...step.args]);
    case "service":
      return commandLine(["systemctl", step.verb, step.unit]);
    case "load-conn":
      return commandLine(["ipsec", "auto", "--add", step.conn]);
    case "unload-conn":
      return commandLine(["ipsec", "auto", "--delete", step.conn]);
    case "initiate-conn":
      return commandLine(["ipsec", "auto", "--up", step.conn]);
    case "route-conn":
      return commandLine(["ipsec", "auto", "--route", step.conn]);
    case "terminate-conn":
      return commandLine(["ipsec", "auto", "--down", step.conn]);
    case "pluto-debug":
      return commandLine(["ipsec", "whack", "--debug", step.value]);
    case "pluto-listen":
      return "ipsec whack --listen";
    case "flush-conntrack":
      return commandLine(["conntrack", "-D", "-f", step.family, "-s", step.source, "-d", step.destination]);
    case "nm-modify":
      return commandLine(["nmcli", "connection", "modify", step.connection, step.property, step.value]);
    case "nm-activate":
      return commandLine(["nmcli", "connection", "up", step.connection]);
    case "ethtool-feature":
      return commandLine(["ethtool", "-K", step.device, step.feature, step.on ? "on" : "off"]);
    case "schedule-revert":
      return `in ${step.seconds} s the host itself: ${step.reverts.map(stepWords).join("; ")}`;
    case "cancel-revert":
      return `cancel the timed revert ${step.id}`;
  }
}
