import type { Change, HostPlan, Plan, ResourcePlan } from "../model/plan.ts";
import { commands, fileDiffs } from "./resource-steps.ts";
import { impactOf, OUTCOMES, outcomeLine, planLine, SIGNS, shown, value } from "./wording.ts";

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1d2733;background:#fff}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin:2rem 0 .5rem;border-bottom:1px solid #d5dde5;padding-bottom:.2rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #e4eaf0;vertical-align:top}
pre{background:#f5f7fa;padding:.7rem;overflow-x:auto;font-size:13px;margin:.4rem 0}.tag{border-radius:.7rem;padding:.05rem .6rem;font-size:.85rem;white-space:nowrap}
.good{background:#d9f2e1;color:#0b5c2c}.change{background:#fdf0cf;color:#6b4a00}.bad{background:#fbdcdc;color:#861616}.faint{color:#5b6b7b}
ins{text-decoration:none;color:#0b5c2c}del{text-decoration:none;color:#861616}code{background:#f0f3f6;padding:0 .25rem}article{margin:.8rem 0 1.2rem}`;

/** The plan or report as one self-contained HTML page: no script, no outside resource. */
export function planHtml(plan: Plan): string {
  const review = plan.format === "ipsec-fix/plan";
  const title = `ipsec-fix ${review ? "plan" : "report"}: ${plan.playbook.path}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${markup(title)}</title><style>${STYLE}</style></head>
<body><h1>${markup(title)}</h1><p><strong>${markup(review ? planLine(plan.summary) : outcomeLine(plan.hosts))}</strong></p>
<table><thead><tr><th>host</th><th>address</th><th>outcome</th><th>changes</th></tr></thead><tbody>
${plan.hosts.map(row).join("\n")}
</tbody></table>
${plan.hosts.map(hostSection).join("\n")}
</body></html>
`;
}

function row(host: HostPlan): string {
  const changes = host.resources.reduce((sum, resource) => sum + resource.changes.length, 0);
  return `<tr><td>${markup(host.host)}</td><td>${markup(host.address)}</td><td>${tag(host)}</td><td>${changes}</td></tr>`;
}

function tag({ status }: HostPlan): string {
  const colour = status === "ok" || status === "changed" ? "good" : status === "would-change" ? "change" : "bad";
  return `<span class="tag ${colour}">${OUTCOMES[status]}</span>`;
}

function hostSection(host: HostPlan): string {
  const checks = (host.checks ?? []).map(
    ({ name, passed, detail }) =>
      `<li><span class="tag ${passed ? "good" : "bad"}">${passed ? "passed" : "failed"}</span> ${markup(name)} <span class="faint">${markup(detail)}</span></li>`,
  );
  return `<section><h2>${markup(host.host)}</h2>
${host.reason === undefined ? "" : `<p>${markup(host.reason)}</p>`}
${host.resources.map(resourceArticle).join("\n")}
${checks.length > 0 ? `<ul>${checks.join("")}</ul>` : ""}</section>`;
}

function resourceArticle(resource: ResourcePlan): string {
  const notes = resource.notes.map((note) => `<p class="faint">note: ${markup(note)}</p>`).join("");
  const unblock = resource.unblock === undefined ? "" : `<p>To unblock: ${markup(resource.unblock)}</p>`;
  return `<article><strong>${markup(resource.address)}</strong> <span class="faint">${OUTCOMES[resource.outcome]}</span>
${resource.reason === undefined ? "" : `<p>${markup(resource.reason)}</p>`}${unblock}${resource.changes.map(changeBlock).join("")}${stepBlocks(resource)}${notes}</article>`;
}

function changeBlock(change: Change): string {
  const impact = impactOf(change);
  return `<p><code>${SIGNS[change.action]}</code> ${markup(change.target)} <em>${markup(change.property)}</em>: ${markup(value(change.before))} → ${markup(value(change.after))}<br>
<span class="faint">because ${markup(change.reason)}</span>${impact === undefined ? "" : ` <span class="tag change">${markup(impact)}</span>`}${change.risks_access ? ' <span class="tag bad">can cut the management connection</span>' : ""}</p>`;
}

function stepBlocks(resource: ResourcePlan): string {
  const diffs = fileDiffs(resource).map((patch) => `<pre>${patch.split("\n").map(diffLine).join("\n")}</pre>`);
  const typed = commands(resource);
  return `${diffs.join("")}${typed.length > 0 ? `<pre>${markup(typed.join("\n"))}</pre>` : ""}`;
}

function diffLine(line: string): string {
  if (line.startsWith("+")) return `<ins>${markup(line)}</ins>`;
  return line.startsWith("-") ? `<del>${markup(line)}</del>` : markup(line);
}

function markup(text: string): string {
  return shown(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
