import type { Change, HostPlan, Plan, ResourcePlan } from "../model/plan.ts";
import { commands, fileDiffs } from "./resource-steps.ts";
import { impactOf, OUTCOMES, outcomeLine, planLine, SIGNS, shown, signOf, value } from "./wording.ts";

/** The plan or report as Markdown for a change review: a table of gateways, then each one's changes with their diffs. */
export function planMarkdown(plan: Plan): string {
  const review = plan.format === "ipsec-fix/plan";
  const head = [
    `# ipsec-fix ${review ? "plan" : "report"}: ${inline(plan.playbook.path)}`,
    "",
    `**${text(review ? planLine(plan.summary) : outcomeLine(plan.hosts))}**`,
    "",
    "| host | address | outcome | changes |",
    "|---|---|---|---|",
    ...plan.hosts.map((host) => `| ${cell(host.host)} | ${cell(host.address)} | ${OUTCOMES[host.status]} | ${signs(host)} |`),
    "",
  ];
  return [...head, ...plan.hosts.flatMap(hostSection)].join("\n");
}

function hostSection(host: HostPlan): readonly string[] {
  const told = host.resources.filter(({ changes, notes, outcome }) => changes.length > 0 || notes.length > 0 || outcome !== "ok");
  if (told.length === 0 && host.reason === undefined && host.checks === undefined) return [];
  return [
    `## ${text(host.host)}`,
    "",
    ...(host.reason === undefined ? [] : [text(host.reason), ""]),
    ...told.flatMap(resourceSection),
    ...(host.checks ?? []).map(
      ({ name, passed, detail }) => `- ${passed ? "passed" : "**failed**"}: ${inline(name)} ${text(detail)}`,
    ),
    ...(host.checks === undefined ? [] : [""]),
  ];
}

function resourceSection(resource: ResourcePlan): readonly string[] {
  return [
    `### ${signOf(resource).trim()} ${inline(resource.address)}${resource.outcome === "would-change" ? "" : ` (${OUTCOMES[resource.outcome]})`}`.replace(
      "###  ",
      "### ",
    ),
    "",
    ...(resource.reason === undefined ? [] : [text(resource.reason), ""]),
    ...(resource.unblock === undefined ? [] : [`To unblock: ${text(resource.unblock)}`, ""]),
    ...resource.changes.flatMap(changeSection),
    ...(resource.changes.length > 0 ? [""] : []),
    ...fileDiffs(resource).flatMap((patch) => fenced("diff", patch)),
    ...(resource.changes.length > 0 ? fenced("sh", commands(resource).join("\n")) : []),
    ...resource.notes.map((note) => `- note: ${text(note)}`),
    ...(resource.notes.length > 0 ? [""] : []),
  ];
}

function changeSection(change: Change): readonly string[] {
  const impact = impactOf(change);
  return [
    `- \`${SIGNS[change.action]}\` ${inline(change.target)} ${inline(change.property)}: ${inline(value(change.before))} → ${inline(value(change.after))}`,
    `  because ${text(change.reason)}${impact === undefined ? "" : `; **${text(impact)}**`}${change.risks_access ? "; **can cut the management connection**" : ""}`,
  ];
}

function signs(host: HostPlan): string {
  const changes = host.resources.flatMap((resource) => resource.changes);
  const all = changes.map(({ action }) => SIGNS[action]);
  return (["+", "~", "→", "-"] as const)
    .map((sign) => [sign, all.filter((other) => other === sign).length] as const)
    .flatMap(([sign, number]) => (number === 0 ? [] : [`${number} \`${sign}\``]))
    .join(" ");
}

/** A code span that its content cannot end: the fence is longer than any run of backticks inside. */
function inline(content: string): string {
  const clean = shown(content).replaceAll("\n", " ");
  const longest = Math.max(0, ...[...clean.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return clean === "" ? "(empty)" : `${fence}${longest > 0 ? ` ${clean} ` : clean}${fence}`;
}

function fenced(language: string, content: string): readonly string[] {
  const longest = Math.max(2, ...[...content.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return [`${fence}${language}`, content, fence, ""];
}

function text(content: string): string {
  return shown(content).replaceAll(/[\\`*_{}[\]<>#|]/g, "\\$&");
}

function cell(content: string): string {
  return text(content).replaceAll("\n", " ");
}
