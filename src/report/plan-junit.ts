import type { HostPlan, Plan, ResourcePlan } from "../model/plan.ts";
import { OUTCOMES, shown, value } from "./wording.ts";

/** JUnit XML: a suite for each gateway, a case for each resource and check; a pending or failed one is a failure. */
export function planJunit(plan: Plan): string {
  const suites = plan.hosts.map(suite);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name=${attribute(`ipsec-fix ${plan.playbook.path}`)}>\n${suites.join("")}</testsuites>\n`;
}

function suite(host: HostPlan): string {
  const cases = [
    ...host.resources.map(resourceCase),
    ...(host.checks ?? []).map(({ name, passed, detail }) =>
      testCase("verify", name, passed ? "" : element("failure", detail, detail)),
    ),
    ...(host.reason === undefined ? [] : [testCase("host", OUTCOMES[host.status], element("error", host.reason, host.reason))]),
  ];
  const failures = cases.filter((text) => text.includes("<failure ")).length;
  const errors = cases.filter((text) => text.includes("<error ")).length;
  const skipped = cases.filter((text) => text.includes("<skipped ")).length;
  return `  <testsuite name=${attribute(host.host)} tests="${cases.length}" failures="${failures}" errors="${errors}" skipped="${skipped}">\n${cases.join("")}  </testsuite>\n`;
}

function resourceCase(resource: ResourcePlan): string {
  return testCase(resource.kind, resource.address, verdict(resource));
}

function verdict(resource: ResourcePlan): string {
  const { outcome, reason = OUTCOMES[outcome] } = resource;
  const details = resource.changes.map(
    ({ target, property, before, after, reason: why }) => `${target} ${property}: ${value(before)} → ${value(after)} (${why})`,
  );
  const body = [...details, ...resource.notes].join("\n");
  if (outcome === "ok" || outcome === "changed") return "";
  if (outcome === "skipped") return element("skipped", reason, "");
  return element("failure", resource.reason ?? `${OUTCOMES[outcome]}: ${details[0] ?? reason}`, body);
}

function testCase(className: string, name: string, inner: string): string {
  return `    <testcase classname=${attribute(className)} name=${attribute(name)}>${inner}</testcase>\n`;
}

function element(tag: string, message: string, body: string): string {
  return `<${tag} message=${attribute(message)}>${markup(body)}</${tag}>`;
}

function attribute(text: string): string {
  return `"${markup(text).replaceAll("\n", "&#10;")}"`;
}

function markup(text: string): string {
  return shown(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
