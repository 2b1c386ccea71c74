import { EXIT } from "../engine/exit-code.ts";
import { changesOf } from "../engine/plan.ts";
import { isInWindow, parseWindow } from "../engine/window.ts";
import type { HostPlan } from "../model/plan.ts";
import { problemsText } from "../text/squiggle.ts";
import { applyFleet, planFleet } from "./fleet.ts";
import type { DriftOptions } from "./options.ts";
import { openSession, type Streams } from "./session.ts";

/** `drift`: what has moved away from the playbook; with `--fix` it is corrected, if budget and window allow. */
export async function drift(playbook: string, options: DriftOptions, streams: Streams): Promise<number> {
  const window = options.window === undefined ? undefined : parseWindow(options.window);
  if (window !== undefined && !window.ok) {
    streams.error(`${problemsText(window.problems)}\n`);
    return EXIT.usage;
  }
  const session = await openSession(playbook, options, streams, options.fix);
  if (typeof session === "number") return session;
  const planned = await planFleet(session.jobs, session.run, options.forks, options.fix);
  const plans = planned.map(({ plan }) => plan);
  const changes = plans.reduce((sum, plan) => sum + changesOf(plan).length, 0);
  const now = new Date(session.run.now());
  const closed =
    window !== undefined && !isInWindow(window.value, { day: now.getDay(), minutes: now.getHours() * 60 + now.getMinutes() });
  const forbidden = closed
    ? `outside of the window ${options.window}`
    : options.maxChanges !== undefined && changes > options.maxChanges
      ? `${changes} changes are more than the budget of ${options.maxChanges} (--max-changes)`
      : undefined;
  if (!options.fix || changes === 0 || forbidden !== undefined) {
    await Promise.all(planned.map(async ({ open }) => open?.transport.close()));
    const guarded = options.fix && changes > 0 && forbidden !== undefined;
    const shown = guarded ? plans.map((plan) => held(plan, forbidden)) : plans;
    return await session.publish(shown, "ipsec-fix/plan");
  }
  const rollout = { batches: session.batches(undefined), forks: options.forks, maxFail: session.maxFail };
  const hosts = await applyFleet(rollout, session.run, new Map(planned.map((gateway) => [gateway.job.host, gateway])));
  return await session.publish(hosts, "ipsec-fix/report");
}

/** A guard keeps the whole run from writing: every gateway with drift is blocked, with the reason. */
function held(plan: HostPlan, reason: string): HostPlan {
  return changesOf(plan).length === 0
    ? plan
    : { ...plan, status: "blocked", reason: `${reason}: nothing was written`, exit: EXIT.blocked };
}
