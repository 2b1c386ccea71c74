import { EXIT } from "../engine/exit-code.ts";
import { changesOf, planDocument } from "../engine/plan.ts";
import { askYesNo } from "../io/terminal.ts";
import { planText } from "../report/plan-text.ts";
import { redact } from "../text/redact.ts";
import { version } from "../version.ts";
import { applyFleet, planFleet } from "./fleet.ts";
import type { PlannedGateway } from "./gateway.ts";
import type { ApplyOptions } from "./options.ts";
import { openSession, paletteOf, type Session, type Streams } from "./session.ts";

/** `apply`: plans, asks, applies batch by batch, verifies over a new login. */
export async function apply(playbook: string, options: ApplyOptions, streams: Streams): Promise<number> {
  const session = await openSession(playbook, options, streams, true);
  if (typeof session === "number") return session;
  if (!options.yes && !session.interactive) {
    await session.pause();
    streams.error("ipsec-fix: nobody can answer here: review the plan, then run apply with --yes\n");
    return EXIT.usage;
  }
  const planned = options.yes ? new Map<string, PlannedGateway>() : await asked(session, options, streams);
  if (planned === undefined) return streams.signal.aborted ? EXIT.interrupted : EXIT.error;
  const rollout = { batches: session.batches(options.serial), forks: options.forks, maxFail: options.maxFail ?? session.maxFail };
  const hosts = await applyFleet(rollout, session.run, planned);
  return await session.publish(hosts, "ipsec-fix/report");
}

/** Shows the plan and asks; undefined when the answer was no. Connections with changes stay open meanwhile. */
async function asked(
  session: Session,
  options: ApplyOptions,
  streams: Streams,
): Promise<ReadonlyMap<string, PlannedGateway> | undefined> {
  const planned = await planFleet(session.jobs, session.run, options.forks, true);
  await session.pause();
  const byHost = new Map(planned.map((gateway) => [gateway.job.host, gateway]));
  const hosts = planned.map(({ plan }) => plan);
  if (hosts.every((host) => changesOf(host).length === 0)) return byHost;
  const document = planDocument({ format: "ipsec-fix/plan", tool: version, playbook: { path: "", sha256: "" } }, hosts);
  streams.error(redact(planText(document, { palette: paletteOf(options), verbose: options.verbose })));
  const count = hosts.filter((host) => changesOf(host).length > 0).length;
  if (await askYesNo(`Apply this to ${count} host${count === 1 ? "" : "s"}? [y/N] `)) return byHost;
  await Promise.all(planned.map(async ({ open }) => open?.transport.close()));
  streams.error("nothing was written\n");
  return undefined;
}
