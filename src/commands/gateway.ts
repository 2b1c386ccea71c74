import { EXIT } from "../engine/exit-code.ts";
import { changesOf, planGateway, probesOf } from "../engine/plan.ts";
import { readGateway } from "../gateway/effect.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { ConnectionProblem } from "../io/connection-problem.ts";
import { connect, type Transport } from "../io/transport.ts";
import type { Check } from "../model/check.ts";
import type { Probe } from "../model/fact.ts";
import type { HostPlan, Outcome, ResourcePlan } from "../model/plan.ts";
import { readFacts } from "./facts-reading.ts";
import type { Job, Run } from "./job.ts";

/** A gateway that was read and planned. */
export interface PlannedGateway {
  readonly job: Job;
  readonly plan: HostPlan;
  /** What its changes need; nothing is kept of a gateway that has none to come: a fleet of them must not fill the memory. */
  readonly open: OpenGateway | undefined;
}

/** A gateway as it was read, and the connection to it. */
export interface OpenGateway {
  readonly gateway: Gateway;
  readonly transport: Transport;
}

/** Connects, reads and plans one gateway; trouble becomes the gateway's outcome, never an exception. */
export async function planOne(job: Job, run: Run, keepOpen: boolean): Promise<PlannedGateway> {
  const read = await readOne(job, run, probesOf(job.resources, run.kinds));
  if ("plan" in read) return { job, plan: read.plan, open: undefined };
  const plan = planned(job, run, read.gateway);
  if (keepOpen && changesOf(plan).length > 0) return { job, plan, open: read };
  await read.transport.close().catch(() => undefined);
  return { job, plan, open: undefined };
}

/** A mistake of the program on one gateway's facts is that gateway's trouble; the others go on. */
function planned(job: Job, run: Run, gateway: Gateway): HostPlan {
  try {
    return withSkipped(withExit(planGateway(requestOf(job, run), gateway)), job);
  } catch (error) {
    return troublePlan(job, error);
  }
}

/** A new login and fresh facts; or the outcome that says why there are none. */
export async function readOne(job: Job, run: Run, probes: readonly Probe[]): Promise<OpenGateway | { readonly plan: HostPlan }> {
  let transport: Transport | undefined;
  try {
    if (run.signal.aborted) return { plan: failedPlan(job, "failed", "interrupted before anything was done", EXIT.interrupted) };
    run.report({ event: "connecting", host: job.host });
    transport = await connect(job.target, run.connection);
    run.report({ event: "reading", host: job.host });
    return { gateway: readGateway(await readFacts(transport, job, run, probes)), transport };
  } catch (error) {
    await transport?.close().catch(() => undefined);
    return { plan: troublePlan(job, error) };
  }
}

/** The outcome of a gateway that could not be talked to or understood: unreachable, refused on arrival, or a defect of ours. */
export function troublePlan(job: Job, error: unknown): HostPlan {
  if (!(error instanceof ConnectionProblem)) return failedPlan(job, "failed", defect(error), EXIT.error);
  const reason = `${error.message}\n${error.advice}`;
  if (error.reason === "aborted") return failedPlan(job, "failed", "interrupted before anything was written", EXIT.interrupted);
  const refused = error.reason === "no-sudo" || error.reason === "garbage" || error.reason === "configuration";
  return refused ? failedPlan(job, "failed", reason, EXIT.error) : failedPlan(job, "unreachable", reason, EXIT.unreachable);
}

/** IPSEC_FIX_DEBUG adds where it happened, for whoever reports it. */
function defect(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  const trace = process.env["IPSEC_FIX_DEBUG"] && error instanceof Error ? `\n${error.stack}` : "";
  return `a defect of ipsec-fix: ${words}\nreport it with the output of \`ipsec-fix facts --json\` for this host${trace}`;
}

/** A gateway's outcome without any planned resource. */
export function failedPlan(job: Job, status: Outcome, reason: string, exit: number): HostPlan {
  return { host: job.host, address: job.target.address, status, reason, fingerprint: "", resources: [], exit };
}

/** The checks whose `when` holds on the gateway; one whose condition cannot be decided is run. */
export function checksFor(job: Job, gateway: Gateway): readonly Check[] {
  return job.checks.filter((check) => {
    const verdict = check.when === undefined ? { holds: true } : job.condition(check, gateway);
    return "problem" in verdict || verdict.holds;
  });
}

/** What a plan is made from, for one gateway. */
export function requestOf(job: Job, run: Run): Parameters<typeof planGateway>[0] {
  return { host: job.host, address: job.target.address, resources: job.resources, kinds: run.kinds, condition: job.condition };
}

/** The plan with the exit code that its gateway alone would give: blocked before pending. */
export function withExit(plan: HostPlan): HostPlan {
  const outcomes = plan.resources.map(({ outcome }: ResourcePlan) => outcome);
  const pending = outcomes.includes("would-change") || outcomes.includes("failed");
  return { ...plan, exit: outcomes.includes("blocked") ? EXIT.blocked : pending ? EXIT.pending : EXIT.done };
}

/** Resources that take no part on this host still stand in its plan, where the playbook has them. */
function withSkipped(plan: HostPlan, { skipped }: Job): HostPlan {
  const resources = [...plan.resources];
  for (const { index, address, kind, name, reason } of [...skipped].reverse())
    resources.splice(index, 0, { address, kind, name, outcome: "skipped", reason, fingerprint: "", changes: [], notes: [] });
  return { ...plan, resources };
}
