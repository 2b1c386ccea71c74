import { worstExit } from "../engine/exit-code.ts";
import { inParallel } from "../engine/rollout.ts";
import type { RunEvent } from "../model/event.ts";
import type { HostPlan } from "../model/plan.ts";
import { applyOne } from "./apply-one.ts";
import { type PlannedGateway, planOne } from "./gateway.ts";
import type { Job, Run } from "./job.ts";

/** How an apply goes through the fleet. */
export interface Rollout {
  readonly batches: readonly (readonly Job[])[];
  readonly forks: number;
  /** More failed or unreachable gateways than this, and no further batch starts. */
  readonly maxFail: number;
}

/** Plans every gateway; each connection is closed again unless its changes are to follow. */
export async function planFleet(
  jobs: readonly Job[],
  run: Run,
  forks: number,
  keepOpen: boolean,
): Promise<readonly PlannedGateway[]> {
  return await inParallel(jobs, forks, async (job) => {
    const planned = await planOne(job, run, keepOpen);
    if (planned.open === undefined) finished(planned.plan, run);
    return planned;
  });
}

/**
 * Applies batch by batch. A gateway of `planned` is not read again; any other one is planned when its turn comes. A batch that
 * started always finishes; gateways of batches that never start are skipped, with the reason.
 */
export async function applyFleet(
  rollout: Rollout,
  run: Run,
  planned: ReadonlyMap<string, PlannedGateway>,
): Promise<readonly HostPlan[]> {
  const results: HostPlan[] = [];
  for (const batch of rollout.batches) {
    const failed = results.filter(isFailure).length;
    const stop = run.signal.aborted
      ? "interrupted before its batch started"
      : failed > rollout.maxFail
        ? `not started: ${failed} of ${results.length} hosts failed or were unreachable (--max-fail ${rollout.maxFail})`
        : undefined;
    results.push(
      ...(stop === undefined ? await applyBatch(batch, rollout.forks, run, planned) : await skipBatch(batch, stop, planned)),
    );
  }
  return results;
}

/** The exit code of the whole run: the most severe of its gateways. */
export function fleetExit(plans: readonly HostPlan[]): number {
  return worstExit(plans.map(({ exit = 0 }) => exit));
}

async function applyBatch(
  batch: readonly Job[],
  forks: number,
  run: Run,
  planned: ReadonlyMap<string, PlannedGateway>,
): Promise<readonly HostPlan[]> {
  return await inParallel(batch, forks, async (job) => {
    const known = planned.get(job.host);
    const plan = await applyOne(known ?? (await planOne(job, run, true)), run);
    // A gateway without changes ended when it was planned.
    if (known === undefined || known.open !== undefined) finished(plan, run);
    return plan;
  });
}

async function skipBatch(
  batch: readonly Job[],
  reason: string,
  planned: ReadonlyMap<string, PlannedGateway>,
): Promise<readonly HostPlan[]> {
  return await Promise.all(
    batch.map(async (job): Promise<HostPlan> => {
      const known = planned.get(job.host);
      await known?.open?.transport.close();
      return { host: job.host, address: job.target.address, status: "skipped", reason, fingerprint: "", resources: [], exit: 0 };
    }),
  );
}

function isFailure({ status }: HostPlan): boolean {
  return status === "failed" || status === "unreachable" || status === "rolled-back" || status === "rollback-failed";
}

function finished(plan: HostPlan, run: Run): void {
  run.report(finishedEvent(plan));
}

/** How a gateway ended, for whoever watches. */
export function finishedEvent({ host, status, reason }: HostPlan): RunEvent {
  return { event: "finished", host, status, ...(reason === undefined ? {} : { reason }) };
}
