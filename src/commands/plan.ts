import { planFleet } from "./fleet.ts";
import type { FleetOptions } from "./options.ts";
import { openSession, type Streams } from "./session.ts";

/** `plan`: what apply would change; nothing is written to any host. */
export async function plan(playbook: string, options: FleetOptions, streams: Streams): Promise<number> {
  const session = await openSession(playbook, options, streams, false);
  if (typeof session === "number") return session;
  const planned = await planFleet(session.jobs, session.run, options.forks, false);
  const hosts = planned.map((gateway) => gateway.plan);
  return await session.publish(hosts, "ipsec-fix/plan");
}
