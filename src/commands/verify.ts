import { checkProbes, judgeChecks } from "../checks/check.ts";
import { EXIT } from "../engine/exit-code.ts";
import { fingerprint } from "../engine/fingerprint.ts";
import { inParallel } from "../engine/rollout.ts";
import { allProbes } from "../gateway/probes.ts";
import type { HostPlan } from "../model/plan.ts";
import { readFacts } from "./facts-reading.ts";
import { finishedEvent } from "./fleet.ts";
import { checksFor, readOne, troublePlan } from "./gateway.ts";
import type { Job, Run } from "./job.ts";
import type { FleetOptions } from "./options.ts";
import { openSession, type Streams } from "./session.ts";

/** `verify`: runs the checks of the plays alone; they send their traffic, and write nothing. */
export async function verify(playbook: string, options: FleetOptions, streams: Streams): Promise<number> {
  const session = await openSession(playbook, options, streams, false);
  if (typeof session === "number") return session;
  const hosts = await inParallel(session.jobs, options.forks, async (job) => verifyOne(job, session.run));
  return await session.publish(hosts, "ipsec-fix/report");
}

async function verifyOne(job: Job, run: Run): Promise<HostPlan> {
  const plan = await judgedOne(job, run);
  run.report(finishedEvent(plan));
  return plan;
}

/** A condition over facts takes a first look at the gateway, because a check that takes no part must not send its traffic. */
async function judgedOne(job: Job, run: Run): Promise<HostPlan> {
  const conditional = job.checks.some(({ when }) => when !== undefined);
  const read = await readOne(job, run, conditional ? allProbes : checkProbes(job.checks));
  if ("plan" in read) return read.plan;
  try {
    if (!conditional) return judged(job, read.gateway.facts);
    const chosen = { ...job, checks: checksFor(job, read.gateway) };
    return judged(chosen, await readFacts(read.transport, chosen, run, checkProbes(chosen.checks)));
  } catch (error) {
    return troublePlan(job, error);
  } finally {
    await read.transport.close();
  }
}

function judged(job: Job, facts: Parameters<typeof judgeChecks>[1]): HostPlan {
  const checks = judgeChecks(job.checks, facts);
  const failed = checks.some(({ passed }) => !passed);
  return {
    host: job.host,
    address: job.target.address,
    status: failed ? "failed" : "ok",
    fingerprint: fingerprint(checks),
    resources: [],
    checks,
    exit: failed ? EXIT.pending : EXIT.done,
  };
}
