import type { Change, HostPlan, Plan, ResourcePlan } from "../model/plan.ts";
import type { Palette } from "./palette.ts";
import { commands, fileDiffs, undoCommands } from "./resource-steps.ts";
import { impactOf, OUTCOMES, outcomeLine, planLine, SIGNS, shown, signOf, value } from "./wording.ts";

/** How much a person wants to see: `verbose` 1 adds the exact steps, 2 their undo and what is as declared. */
export interface TextOptions {
  readonly palette: Palette;
  readonly verbose: number;
}

/** The plan (or the report of a run) as a person reads it: stable order, no time stamps. */
export function planText(plan: Plan, options: TextOptions): string {
  const blocks = plan.hosts.map((host) => hostText(host, options));
  const last = plan.format === "ipsec-fix/plan" ? planLine(plan.summary) : outcomeLine(plan.hosts);
  return `${[...blocks, options.palette.strong(last)].join("\n")}\n`;
}

function hostText(host: HostPlan, options: TextOptions): string {
  const { palette } = options;
  const heading = `${palette.strong(shown(host.host))} (${shown(host.address)}): ${statusText(host, palette)}`;
  const resources = host.resources.map((resource) => resourceText(resource, options)).filter((text) => text !== "");
  const checks = (host.checks ?? []).map(
    ({ name, passed, detail }) => `  ${passed ? palette.good("✓") : palette.bad("✗")} ${shown(name)}: ${shown(detail)}`,
  );
  const reason = host.reason === undefined ? [] : indent(shown(host.reason), 2);
  return [heading, ...reason, ...resources, ...checks, ""].join("\n");
}

function statusText({ status }: HostPlan, palette: Palette): string {
  const words = OUTCOMES[status];
  if (status === "ok" || status === "changed") return palette.good(words);
  return status === "would-change" ? palette.change(words) : palette.bad(words);
}

function resourceText(resource: ResourcePlan, options: TextOptions): string {
  const { palette, verbose } = options;
  const quiet = resource.changes.length === 0 && resource.notes.length === 0 && resource.outcome === "ok";
  if (quiet && verbose < 2) return "";
  const sign = colouredSign(signOf(resource), palette);
  const outcome = resource.outcome === "would-change" ? "" : `: ${OUTCOMES[resource.outcome]}`;
  const lines = [`  ${sign} ${palette.strong(shown(resource.address))}${outcome}`];
  if (resource.reason !== undefined) lines.push(...indent(palette.bad(shown(resource.reason)), 6));
  if (resource.unblock !== undefined) lines.push(...indent(`to unblock: ${shown(resource.unblock)}`, 6));
  lines.push(...groups(resource.changes).flatMap((group) => groupText(group, palette)));
  lines.push(...fileDiffs(resource).flatMap((patch) => diffLines(patch, palette)));
  if (verbose > 0) lines.push(...commands(resource).flatMap((command) => indent(`$ ${command}`, 6)));
  if (verbose > 1) lines.push(...undoCommands(resource).flatMap((command) => indent(palette.faint(`undo: ${command}`), 6)));
  lines.push(...resource.notes.flatMap((note) => indent(palette.faint(`note: ${shown(note)}`), 6)));
  return lines.join("\n");
}

/** Changes that stand together for one reason and with one effect: the reason is said once. */
function groups(changes: readonly Change[]): readonly (readonly Change[])[] {
  const result: Change[][] = [];
  for (const change of changes) {
    const group = result.at(-1);
    const [first] = group ?? [];
    if (group !== undefined && first !== undefined && effectOf(first) === effectOf(change)) group.push(change);
    else result.push([change]);
  }
  return result;
}

function effectOf({ reason, impact, risks_access, interrupts }: Change): string {
  return JSON.stringify([reason, impact, risks_access, interrupts]);
}

/** Up to here a change fits on the line of its target. */
const WIDTH = 100;

function groupText(group: readonly Change[], palette: Palette): readonly string[] {
  const [first] = group;
  if (first === undefined) return [];
  const impact = impactOf(first);
  return [
    ...group.flatMap((change) => {
      const target = `      ${colouredSign(SIGNS[change.action], palette)} ${shown(change.target)}`;
      const values = `${shown(change.property)}: ${value(change.before)} → ${value(change.after)}`;
      return shown(change.target).length + values.length < WIDTH ? [`${target}  ${values}`] : [target, `          ${values}`];
    }),
    ...indent(palette.faint(`because ${shown(first.reason)}`), 10),
    ...(impact === undefined ? [] : [`          ${palette.change(impact)}`]),
    ...(first.risks_access ? [`          ${palette.bad("can cut the management connection")}`] : []),
  ];
}

function diffLines(patch: string, palette: Palette): readonly string[] {
  return patch.split("\n").map((line) => {
    const text = `      ${line}`;
    if (line.startsWith("+")) return palette.good(text);
    if (line.startsWith("-")) return palette.bad(text);
    return line.startsWith("@@") ? palette.move(text) : text;
  });
}

function colouredSign(sign: string, palette: Palette): string {
  if (sign === "+") return palette.good(sign);
  if (sign === "-") return palette.bad(sign);
  return sign === "→" ? palette.move(sign) : palette.change(sign);
}

function indent(text: string, by: number): readonly string[] {
  return text.split("\n").map((line) => `${" ".repeat(by)}${line}`);
}
