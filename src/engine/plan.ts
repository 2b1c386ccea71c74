import { risksManagement } from "../gateway/access.ts";
import { afterSteps } from "../gateway/effect.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { serviceObstacle } from "../gateway/service-manager.ts";
import type { Assessment, SealedKind } from "../kinds/kind.ts";
import type { Check } from "../model/check.ts";
import type { Probe } from "../model/fact.ts";
import type { Change, HostPlan, Outcome, Plan, ResourcePlan, Summary } from "../model/plan.ts";
import type { Resource } from "../model/resource.ts";
import { probesOfCondition } from "./facts-view.ts";
import { fingerprint } from "./fingerprint.ts";

/** Whether the `when` of a resource or check lets it take part, decided over its variables and the gateway's facts. */
export type Condition = (item: Resource | Check, gateway: Gateway) => { readonly holds: boolean } | { readonly problem: string };

export interface PlanRequest {
  readonly host: string;
  readonly address: string;
  readonly resources: readonly Resource[];
  readonly kinds: readonly SealedKind[];
  readonly condition: Condition;
}

/** Every probe that the resources need, each key once. */
export function probesOf(resources: readonly Resource[], kinds: readonly SealedKind[]): readonly Probe[] {
  const probes = resources.flatMap((resource) => [
    ...kindOf(resource, kinds).probes(resource),
    ...probesOfCondition(resource.when),
  ]);
  return [...new Map(probes.map((probe) => [probe.key, probe])).values()];
}

/** Plans one gateway: each resource is assessed on the state that the changes of the earlier ones leave. */
export function planGateway(request: PlanRequest, gateway: Gateway): HostPlan {
  const resources: ResourcePlan[] = [];
  let state = gateway;
  for (const resource of request.resources) {
    const planned = planResource(resource, kindOf(resource, request.kinds), request.condition, state);
    resources.push(planned);
    for (const { steps, finally: closing = [] } of planned.changes) state = afterSteps(afterSteps(state, steps), closing);
  }
  return {
    host: request.host,
    address: request.address,
    status: statusOf(resources.map(({ outcome }) => outcome)),
    fingerprint: fingerprint(resources.map((resource) => resource.fingerprint)),
    resources,
  };
}

/** The plan document over all gateways, in the order of the inventory. */
export function planDocument(head: Pick<Plan, "format" | "tool" | "playbook">, hosts: readonly HostPlan[]): Plan {
  return { format: head.format, version: 1, tool: head.tool, playbook: head.playbook, hosts, summary: summaryOf(hosts) };
}

/** The changes of a gateway's plan in their order. */
export function changesOf(plan: HostPlan): readonly Change[] {
  return plan.resources.flatMap(({ changes }) => changes);
}

function kindOf(resource: Resource, kinds: readonly SealedKind[]): SealedKind {
  const kind = kinds.find(({ name }) => name === resource.kind);
  if (kind === undefined) throw new Error(`no kind ${resource.kind}: loading lets only known kinds through`);
  return kind;
}

function planResource(resource: Resource, kind: SealedKind, condition: Condition, gateway: Gateway): ResourcePlan {
  const { address, kind: kindName, name } = resource;
  const close = (outcome: Outcome, parts: Partial<ResourcePlan>): ResourcePlan => {
    const planned = { address, kind: kindName, name, outcome, changes: [], notes: [], ...parts };
    return { ...planned, fingerprint: fingerprint([planned.outcome, planned.reason, planned.changes]) };
  };
  if (resource.when !== undefined) {
    const verdict = condition(resource, gateway);
    if ("problem" in verdict)
      return close("blocked", { reason: verdict.problem, unblock: "correct the condition in the playbook" });
    if (!verdict.holds) return close("skipped", { reason: `when: ${resource.when}` });
  }
  const assessment = withoutIgnored(kind.assess(resource, gateway), resource);
  const { changes, notes } = assessment;
  if (assessment.blocked !== undefined)
    return close("blocked", { reason: assessment.blocked.reason, unblock: assessment.blocked.unblock, notes });
  if (changes.length > 0) {
    const steps = changes.flatMap(({ steps: writes, finally: closing = [] }) => [...writes, ...closing]);
    const unmanaged = serviceObstacle(gateway, steps);
    if (unmanaged !== undefined) return close("blocked", { ...unmanaged, notes });
    const risk = risksManagement(gateway, steps);
    return risk === undefined
      ? close("would-change", { changes, notes })
      : close("blocked", {
          reason: risk,
          unblock: "reach the gateway by another path (console, another interface), or change the playbook",
          notes,
        });
  }
  if (assessment.violated !== undefined) return close("failed", { reason: assessment.violated, notes });
  if (assessment.waiting !== undefined) return close("failed", { reason: assessment.waiting, settling: true, notes });
  return close("ok", { notes });
}

/** `ignore_drift` leaves an existing value alone; what is missing altogether is still created. */
function withoutIgnored(assessment: Assessment, resource: Resource): Assessment {
  const ignored = assessment.changes.filter(
    ({ action, property }) => action !== "create" && resource.ignore_drift.includes(property),
  );
  if (ignored.length === 0) return assessment;
  return {
    ...assessment,
    changes: assessment.changes.filter((change) => !ignored.includes(change)),
    notes: [
      ...assessment.notes,
      ...ignored.map(({ target, property }) => `${target}: ${property} differs and is ignored (ignore_drift)`),
    ],
  };
}

const SEVERITY: readonly Outcome[] = ["ok", "skipped", "changed", "would-change", "failed", "blocked"];

/** The worst outcome of a gateway's resources; a gateway whose only trouble is a check that fails still counts as planned. */
function statusOf(outcomes: readonly Outcome[]): Outcome {
  const worst = Math.max(0, ...outcomes.map((outcome) => SEVERITY.indexOf(outcome)));
  const status = SEVERITY[worst] ?? "ok";
  return status === "skipped" ? "ok" : status;
}

function summaryOf(hosts: readonly HostPlan[]): Summary {
  const changes = hosts.map(changesOf);
  const count = (action: Change["action"]): number => changes.flat().filter((change) => change.action === action).length;
  return {
    create: count("create"),
    update: count("update"),
    move: count("move"),
    delete: count("delete"),
    hosts: hosts.length,
    changed_hosts: changes.filter((list) => list.length > 0).length,
  };
}
