import { checkProbes, judgeChecks } from "../checks/check.ts";
import { EXIT } from "../engine/exit-code.ts";
import { mergeChanges, type Operations } from "../engine/merge.ts";
import { changesOf, planGateway, probesOf } from "../engine/plan.ts";
import { outcomeScript, rollbackScript, type Transaction, transactionScript } from "../engine/transaction.ts";
import { parseTransactionLog, type TransactionLog } from "../engine/transaction-log.ts";
import { undoOf } from "../firewall/edits.ts";
import { candidateOf } from "../gateway/candidate.ts";
import { afterSteps } from "../gateway/effect.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { reloadSteps } from "../gateway/loaded.ts";
import { ConnectionProblem } from "../io/connection-problem.ts";
import { connect, type Transport } from "../io/transport.ts";
import type { CheckReport, HostPlan, Outcome, ResourcePlan } from "../model/plan.ts";
import { stepLine } from "../report/wording.ts";
import { checksFor, type PlannedGateway, readOne, requestOf, troublePlan, withExit } from "./gateway.ts";
import { type Job, type Run, uninterrupted } from "./job.ts";

/** Long enough for a bond that is activated anew and a daemon that restarts. */
const TRANSACTION_LIMIT_MS = 300_000;

/** How long a tunnel may negotiate after a change before it counts as not established (default retransmit-timeout is 60 s). */
const SETTLE_MS = 60_000;

const SETTLE_STEP_MS = 2_000;

/** Carries out a gateway's planned changes, proves them over a new connection, and takes them back when they do not hold. */
export async function applyOne(planned: PlannedGateway, run: Run): Promise<HostPlan> {
  const { job, plan, open } = planned;
  if (open === undefined) return plan;
  const { gateway, transport } = open;
  if (run.signal.aborted) {
    await transport.close();
    return { ...plan, reason: "interrupted before anything was written", exit: EXIT.interrupted };
  }
  const transaction = transactionOf(planned, gateway, run);
  const count = transaction.operations.writes.length + transaction.operations.closing.length;
  run.report({ event: "applying", host: job.host, operations: count });
  try {
    const log = await transact(transport, transactionScript(transaction), transaction.mark, job);
    await transport.close();
    if (log.result !== "applied") return refusedPlan(plan, log, transaction.operations, run);
  } catch (error) {
    await transport.close().catch(() => undefined);
    if (!(error instanceof ConnectionProblem)) throw error;
    const log = await outcomeOf(transaction, job, run);
    const lost = `${error.message} while the gateway was changing`;
    if (log === undefined)
      return ended(
        plan,
        "failed",
        `${lost}, and it cannot be reached again; it finishes or undoes the transaction by itself`,
        EXIT.rollbackIncomplete,
      );
    if (log.result !== "applied") {
      const refused = refusedPlan(plan, log, transaction.operations, run);
      return { ...refused, reason: `${lost}\n${refused.reason ?? ""}` };
    }
  }
  run.report({ event: "verifying", host: job.host });
  return await verified(plan, transaction, { ...job, checks: checksFor(job, gateway) }, run);
}

function transactionOf({ plan }: PlannedGateway, gateway: Gateway, run: Run): Transaction {
  const changes = changesOf(plan);
  const after = afterSteps(
    gateway,
    changes.flatMap(({ steps }) => steps),
  );
  const checked = changes.some(({ steps }) => steps.some((step) => step.do === "write-file" && step.check === "libreswan"));
  const mark = run.mark();
  return {
    id: `${new Date(run.now()).toISOString().replaceAll(/[-:]|\.\d+/g, "")}-${mark.slice(0, 8)}`,
    holder: run.holder,
    mark,
    operations: mergeChanges(
      changes,
      (batch) => [undoOf(batch, gateway.firewall.tables)],
      (conn) => reloadSteps(gateway, conn),
    ),
    candidate: checked ? candidateOf(after) : new Map(),
    libreswan: gateway.daemon.version,
    reveal: run.secrets.reveal,
  };
}

async function transact(transport: Transport, script: string, mark: string, job: Job): Promise<TransactionLog> {
  // No abort signal: a transaction that has begun is finished or undone by the gateway itself.
  const { stdout } = await transport.run(script, { become: job.target.become, timeoutMs: TRANSACTION_LIMIT_MS });
  return parseTransactionLog(stdout.toString("utf8"), mark);
}

/** What a transaction that did not go through means for the gateway. */
function refusedPlan(plan: HostPlan, log: TransactionLog, operations: Operations, run: Run): HostPlan {
  const said = log.output.map(run.secrets.mask).join("\n");
  const failing = [...operations.writes, ...operations.closing][(log.failedStep ?? 0) - 1]?.step;
  const what = failing === undefined ? said : `${stepLine(failing)} failed: ${said}`;
  switch (log.result) {
    case "locked":
      return ended(plan, "failed", `another run holds the lock: ${said}`, EXIT.locked);
    case "stale":
      return ended(plan, "failed", `${said}; nothing was written: plan again`, EXIT.stale);
    case "refused":
      return ended(plan, "failed", `${said}; nothing was written`, EXIT.error);
    case "rolled-back":
      // The very first step found a lock taken (iptables' own): nothing had been written.
      if (log.failedStep === 1 && log.status === EXIT.locked) return ended(plan, "failed", what, EXIT.locked);
      return ended(plan, "rolled-back", `${what}\nevery change of this run was taken back`, EXIT.rolledBack);
    case "rollback-failed":
      return ended(
        plan,
        "rollback-failed",
        `${what}\nnot everything could be taken back: look at the gateway`,
        EXIT.rollbackIncomplete,
      );
    default:
      return ended(plan, "failed", `the transaction did not say how it ended: ${said}`, EXIT.rollbackIncomplete);
  }
}

/** The connection broke while the gateway worked: it goes on by itself, and tells afterwards. Undefined when it cannot be asked. */
async function outcomeOf(transaction: Transaction, job: Job, run: Run): Promise<TransactionLog | undefined> {
  const steady = uninterrupted(run);
  await steady.wait(SETTLE_STEP_MS);
  const mark = run.mark();
  let transport: Transport | undefined;
  try {
    transport = await connect(job.target, steady.connection);
    return await transact(transport, outcomeScript({ id: transaction.id, mark }), mark, job);
  } catch (error) {
    if (!(error instanceof ConnectionProblem)) throw error;
    return undefined;
  } finally {
    await transport?.close().catch(() => undefined);
  }
}

/** Fresh facts over a new login: the plan must be empty and every check must hold, else the gateway is put back. */
async function verified(plan: HostPlan, transaction: Transaction, job: Job, run: Run): Promise<HostPlan> {
  const deadline = run.now() + SETTLE_MS;
  for (;;) {
    const read = await readOne(job, uninterrupted(run), [...probesOf(job.resources, run.kinds), ...checkProbes(job.checks)]);
    if ("plan" in read)
      return ended(plan, "failed", `changed, but a new login fails: ${read.plan.reason ?? ""}`, EXIT.rollbackIncomplete);
    const { gateway, transport } = read;
    try {
      const fresh = planGateway(requestOf(job, run), gateway);
      const waiting = fresh.resources.some(({ settling }) => settling);
      if (waiting && changesOf(fresh).length === 0 && run.now() < deadline && !run.signal.aborted) {
        await run.wait(SETTLE_STEP_MS);
        continue;
      }
      const checks = judgeChecks(job.checks, gateway.facts);
      const fault = faultOf(fresh, checks);
      if (fault === undefined) return changedPlan(plan, fresh, checks);
      return await rolledBack(plan, fault, { ...transaction, mark: run.mark() }, transport, job, run, checks);
    } catch (error) {
      return { ...troublePlan(job, error), resources: plan.resources, exit: EXIT.rollbackIncomplete };
    } finally {
      await transport.close().catch(() => undefined);
    }
  }
}

/** Why the gateway is not as declared although every step went through; undefined when it is. */
function faultOf(fresh: HostPlan, checks: readonly CheckReport[]): string | undefined {
  const [left] = changesOf(fresh);
  if (left !== undefined) return `after all steps ${left.target} ${left.property} still differs: ${left.reason}`;
  const failed = checks.find(({ passed, needs_peer: peer }) => !passed && peer !== true);
  return failed === undefined ? undefined : `the check ${failed.name} does not hold: ${failed.detail}`;
}

function changedPlan(plan: HostPlan, fresh: HostPlan, checks: readonly CheckReport[]): HostPlan {
  const resources = plan.resources.map((resource): ResourcePlan => {
    const now = fresh.resources.find(({ address }) => address === resource.address);
    if (resource.changes.length > 0 && now?.outcome !== "failed") return { ...resource, outcome: "changed" };
    return now === undefined
      ? resource
      : { ...resource, outcome: now.outcome, ...(now.reason === undefined ? {} : { reason: now.reason }) };
  });
  const unmet = resources.some(({ outcome }) => outcome === "failed") || checks.some(({ passed }) => !passed);
  const { exit = EXIT.done } = withExit({ ...plan, resources: resources.filter(({ outcome }) => outcome === "blocked") });
  return {
    ...plan,
    ...(unmet
      ? { status: "failed", reason: "every change is in place, but not everything that was asked for holds" }
      : { status: "changed" }),
    resources,
    ...(checks.length > 0 ? { checks } : {}),
    exit: exit === EXIT.done && unmet ? EXIT.pending : exit,
  };
}

async function rolledBack(
  plan: HostPlan,
  fault: string,
  transaction: Transaction,
  transport: Transport,
  job: Job,
  run: Run,
  checks: readonly CheckReport[],
): Promise<HostPlan> {
  const log = await transact(transport, rollbackScript(transaction), transaction.mark, job);
  const base = checks.length > 0 ? { ...plan, checks } : plan;
  if (log.result === "rolled-back")
    return ended(base, "rolled-back", `${fault}\nevery change of this run was taken back`, EXIT.rolledBack);
  const said = log.output.map(run.secrets.mask).join("\n");
  return ended(base, "rollback-failed", `${fault}\nnot everything could be taken back: ${said}`, EXIT.rollbackIncomplete);
}

function ended(plan: HostPlan, status: Outcome, reason: string, exit: number): HostPlan {
  const resources = plan.resources.map((resource) => (resource.changes.length > 0 ? { ...resource, outcome: status } : resource));
  return { ...plan, status, reason, resources, exit };
}
