import { checkProbes, judgeChecks } from "../checks/check.ts";
import { EXIT } from "../engine/exit-code.ts";
import { fingerprint } from "../engine/fingerprint.ts";
import { inParallel } from "../engine/rollout.ts";
import type { HostPlan } from "../model/plan.ts";
import { fleetExit } from "./fleet.ts";
import { readOne } from "./gateway.ts";
import type { Job, Run } from "./job.ts";
import type { FleetOptions } from "./options.ts";
import { interruptedExit, openSession, type Streams } from "./session.ts";

/** `verify`: runs the checks of the plays alone; they send their traffic, and write nothing. */
export async function verify(playbook: string, options: FleetOptions, streams: Streams): Promise<number> {
  const session = await openSession(playbook, options, streams, false);
  if (typeof session === "number") return session;
  const hosts = await inParallel(session.jobs, options.forks, async (job) => verifyOne(job, session.run));
  await session.publish(hosts, "ipsec-fix/report");
  return interruptedExit(fleetExit(hosts), streams.signal);
}

async function verifyOne(job: Job, run: Run): Promise<HostPlan> {
  const read = await readOne(job, run, checkProbes(job.checks));
  const plan = "plan" in read ? read.plan : judged(job, read.gateway.facts);
  if ("transport" in read) await read.transport.close();
  run.report({ event: "finished", host: job.host, status: plan.status });
  return plan;
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
