import { expectScript, rehearsalScript } from "../firewall/render.ts";
import { snapshotScript } from "../firewall/snapshot.ts";
import type { Step } from "../model/step.ts";
import { quote } from "../text/shell.ts";
import { candidateCheck, nftScriptCheck } from "./candidate.ts";
import { cksum } from "./cksum.ts";
import type { Operation, Operations } from "./merge.ts";
import { ENVIRONMENT, HOST_LOCK, HOST_STATE, LIBRARY } from "./shell-library.ts";
import { type ScriptContext, stepScript } from "./step-script.ts";

/** One run of changes on one gateway. */
export interface Transaction extends ScriptContext {
  /** Sorts by time and is unique on the gateway: letters, digits and dashes. */
  readonly id: string;
  /** Who runs it, for whoever finds the lock held: `user@controller`. */
  readonly holder: string;
  /** 128 random bits, hexadecimal: frames the log lines on standard output. */
  readonly mark: string;
  readonly operations: Operations;
  /** Every file of the configuration as it will be, when a candidate has to pass Libreswan's own check before the swap. */
  readonly candidate: ReadonlyMap<string, string>;
}

/** How many transactions a gateway remembers, with the pre-images of the files that they changed. */
const KEPT = 20;

/** Where a transaction keeps its pre-images, its undo script and its outcome on the gateway. */
export function transactionFolder(id: string): string {
  return `${HOST_STATE}/txn/${id}`;
}

/**
 * The whole transaction as one self-contained POSIX sh script: lock, compare with what was planned on, keep pre-images, check the
 * candidate, run the steps, and on the first failure undo what was done. It defines one function and calls it in its last line, so
 * a script that arrives only in part does nothing; it ignores a lost terminal, so that a cut connection cannot leave half of it.
 */
export function transactionScript(transaction: Transaction): string {
  const all = [...transaction.operations.writes, ...transaction.operations.closing];
  const steps = all.map(({ step }, index) => `step_${index + 1}() {\n${stepScript(step, String(index + 1), transaction)}\n}`);
  return `ipsec_fix() {
${ENVIRONMENT}
M=${transaction.mark}; D=${quote(transactionFolder(transaction.id))}; L=${HOST_LOCK}
${LIBRARY}
say() { printf '\\n%s %s\\n' "$M" "$*"; }
end() { printf '%s\\n' "$1" > "$D/result" 2>/dev/null; [ "$2" = locked ] || rm -rf -- "$L"; say "result $1"; }
show() { tail -n 20 -- "$D/output" 2>/dev/null | cut -c 1-500 | while IFS= read -r line; do say "out $line"; done; }
${acquireLock(transaction.holder, transaction.id)}
mkdir -p -- "$D" 2>/dev/null && chmod 700 ${HOST_STATE} ${HOST_STATE}/txn "$D" && : > "$D/probe" && rm -f -- "$D/probe" ||
{ say "out cannot write ${HOST_STATE}: $( { : > ${HOST_STATE}/.probe; } 2>&1 | head -n 1)"; rm -rf -- "$L" "$D"; say "result refused"; return 0; }
printf %s ${quote(undoScript(transaction))} > "$D/undo.sh" || { say "out no room for the undo script below ${HOST_STATE}"; end refused; rm -rf -- "$D"; return 0; }
${guards(all)}
${keepAll(all)}
${rehearsals(all)}
${nftChecks(all)}
${candidateCheck(transaction.candidate)}
${steps.join("\n")}
n=0
while [ "$n" -lt ${all.length} ]; do
  n=$((n + 1)); printf '%s\\n' "$n" > "$D/step"
  if "step_$n" > "$D/output" 2>&1 </dev/null; then say "step $n ok"
  else say "step $n failed $?"; show; sh "$D/undo.sh" "$n" 2>&1 | while IFS= read -r line; do say "out $line"; done
    end "$(cat -- "$D/outcome")"; return 0; fi
done
cat /proc/net/xfrm_stat > ${HOST_STATE}/xfrm_stat 2>/dev/null
end applied
ls -1 ${HOST_STATE}/txn | sort -r | tail -n +${KEPT + 1} | while IFS= read -r old; do rm -rf -- "${HOST_STATE}/txn/$old"; done
}
ipsec_fix
`;
}

/** Takes a finished transaction back: the script that lies on the gateway, run under the lock. */
export function rollbackScript(transaction: Pick<Transaction, "id" | "holder" | "mark">): string {
  return `ipsec_fix() {
${ENVIRONMENT}
M=${transaction.mark}; D=${quote(transactionFolder(transaction.id))}; L=${HOST_LOCK}
say() { printf '\\n%s %s\\n' "$M" "$*"; }
${acquireLock(transaction.holder, transaction.id)}
sh "$D/undo.sh" "$(cat -- "$D/step")" 2>&1 | while IFS= read -r line; do say "out $line"; done
rm -rf -- "$L"
say "result $(cat -- "$D/outcome" 2>/dev/null || echo rollback-failed)"
}
ipsec_fix
`;
}

/** How long a gateway may go on by itself after its connection was lost. */
const PATIENCE_S = 240;

/** Waits for a transaction whose connection was lost to come to its end, and tells how it ended, as the transaction itself would have. */
export function outcomeScript({ id, mark }: Pick<Transaction, "id" | "mark">): string {
  return `ipsec_fix() {
${ENVIRONMENT}
M=${mark}; D=${quote(transactionFolder(id))}; L=${HOST_LOCK}
say() { printf '\\n%s %s\\n' "$M" "$*"; }
n=0
while grep -F ${quote(`(transaction ${id})`)} "$L/holder" >/dev/null 2>&1 && kill -0 "$(sed -n 1p "$L/holder")" 2>/dev/null && [ "$n" -lt ${PATIENCE_S} ]; do
  n=$((n + 1)); sleep 1
done
[ -d "$D" ] || { say "out it had not begun"; say "result refused"; return 0; }
result=$(cat -- "$D/result" 2>/dev/null)
[ "$result" = applied ] || {
  [ ! -s "$D/step" ] || say "step $(cat -- "$D/step") failed 1"
  tail -n 20 -- "$D/output" 2>/dev/null | cut -c 1-500 | while IFS= read -r line; do say "out $line"; done
}
say "result $result"
}
ipsec_fix
`;
}

/** The undo script: takes back the steps up to its argument, compares with what was kept, and writes down how it ended. */
function undoScript(transaction: Transaction): string {
  const { writes, closing } = transaction.operations;
  const render = ({ undo }: Operation, index: number): string =>
    undo.length === 0 ? ":" : undo.map((step) => `{ ${stepScript(step, String(index), transaction)}\n} || failed=1`).join("\n");
  const undoWrites = writes.map((operation, index) => ({
    at: index + 1,
    body: `${batchGuard(operation, index + 1)}${render(operation, index + 1)}`,
  }));
  const undoClosing = closing
    .map((operation, index) => ({
      at: writes.length + index + 1,
      body: render(operation, writes.length + index + 1),
      rank: CLOSING_ORDER.indexOf(operation.undo[0]?.do ?? ""),
    }))
    .sort((one, other) => one.rank - other.rank);
  const call = ({ at, body }: { readonly at: number; readonly body: string }): string =>
    `if [ "$last" -ge ${at} ]; then\n${body}\nfi`;
  return `${ENVIRONMENT}
D=\${0%/*}; last=$1; failed=0
${LIBRARY}
${[...undoWrites].reverse().map(call).join("\n")}
${undoClosing.map(call).join("\n")}
${writes.map(verifyUndone).join("\n")}
if [ "$failed" = 0 ]; then echo rolled-back; else echo rollback-failed; fi > "$D/outcome"
cp -- "$D/outcome" "$D/result"
`;
}

// What is loaded again comes before it is brought up or down, and what goes altogether comes last.
const CLOSING_ORDER: readonly string[] = ["load-conn", "route-conn", "initiate-conn", "terminate-conn", "unload-conn"];

/** A batch that never went in has nothing to take back; a second undo would put rules in twice. */
function batchGuard({ step }: Operation, index: number): string {
  if (step.do !== "firewall-batch") return "";
  return `[ "$(${snapshotScript(step)})" = "$(cat "$D/table-${index}")" ] || `;
}

function verifyUndone({ step }: Operation, index: number): string {
  if (step.do === "firewall-batch")
    return `[ "$(${snapshotScript(step)})" = "$(cat "$D/table-${index + 1}")" ] || { echo ${quote(`the ${step.table} table is not as it was`)}; failed=1; }`;
  return ":";
}

/** A lock whose holder died is taken over: its process is gone, or the number now belongs to another (start time differs). */
function acquireLock(holder: string, id: string): string {
  const started = `cut -d ' ' -f 22 "/proc/$1/stat" 2>/dev/null`;
  // A lock may be given back between two looks at it, and its holder writes its name a moment after making it.
  return `started() { ${started}; }
tries=0
until trouble=$(mkdir -- "$L" 2>&1); do
  tries=$((tries + 1))
  if [ ! -d "$L" ]; then
    [ "$tries" -lt 5 ] && continue
    say "out cannot take the lock: $trouble"
    [ "$(id -u)" = 0 ] || say "out this login is not root: set become: true, or log in as root"
    say "result refused"; return 0
  fi
  pid=$(sed -n 1p "$L/holder" 2>/dev/null)
  if [ -z "$pid" ] && [ "$tries" -lt 5 ]; then sleep 1; continue; fi
  if [ -n "$pid" ] && [ "$(started "$pid")" = "$(sed -n 2p "$L/holder" 2>/dev/null)" ] && [ -n "$(started "$pid")" ]; then
    say "out $(sed -n 3p "$L/holder")"; say "result locked"; return 0
  fi
  if [ "$tries" -ge 9 ]; then say "out another run"; say "result locked"; return 0; fi
  [ -d "$L" ] && mv -- "$L" "$L.$$" 2>/dev/null && rm -rf -- "$L.$$"
done
# The shell that runs this: $$ is that of a shell above it, which may die alone.
read -r self rest < /proc/self/stat || self=$$
printf '%s\\n%s\\n%s\\n' "$self" "$(started "$self")" ${quote(`${oneLine(holder)} (transaction ${id})`)} > "$L/holder"`;
}

function oneLine(text: string): string {
  return text.replaceAll(/[^ -~]/g, "?").slice(0, 200);
}

/** Nothing is written when a file or table is no longer what the plan was made on. */
function guards(all: readonly Operation[]): string {
  const lines = all.flatMap(({ step }) => {
    const guard = guardOf(step);
    return guard === undefined
      ? []
      : [`${guard.test} || { say ${quote(`out ${guard.what} changed since it was read`)}; end stale; return 0; }`];
  });
  return lines.join("\n");
}

function guardOf(step: Step): { readonly test: string; readonly what: string } | undefined {
  if (step.do === "write-file") {
    const before = step.before === null ? "absent" : cksum(Buffer.from(step.before, step.encoding));
    return { test: `unchanged ${quote(step.path)} ${quote(before)}`, what: step.path };
  }
  if (step.do === "firewall-batch" && step.expect !== undefined)
    return { test: `${expectScript(step)} 2>/dev/null`, what: `the ${step.table} table` };
  if (step.do === "remove-file")
    return { test: `unchanged ${quote(step.path)} ${quote(cksum(Buffer.from(step.before, "utf8")))}`, what: step.path };
  return undefined;
}

/** Every batch is tried before anything is written: what a kernel or tool would refuse is refused here. */
function rehearsals(all: readonly Operation[]): string {
  return all
    .flatMap(({ step }) => (step.do === "firewall-batch" ? [step] : []))
    .map(
      (step) =>
        `${rehearsalScript(step)} > "$D/output" 2>&1 || { show; say ${quote(`out the ${step.table} table does not take the change`)}; end refused; return 0; }`,
    )
    .join("\n");
}

function nftChecks(all: readonly Operation[]): string {
  return all
    .flatMap(({ step }) =>
      step.do === "write-file" && step.check === "nft" ? [nftScriptCheck(step.path, step.before !== null, step.after)] : [],
    )
    .join("\n");
}

function keepAll(all: readonly Operation[]): string {
  return all
    .map(({ step }, index) => {
      if (step.do === "write-file" || step.do === "remove-file")
        return `keep ${index + 1} ${quote(step.path)} || { say ${quote(`out cannot keep a copy of ${step.path}`)}; end refused; return 0; }`;
      if (step.do === "firewall-batch") return `{ ${snapshotScript(step)}; } > "$D/table-${index + 1}"`;
      return "";
    })
    .filter((line) => line !== "")
    .join("\n");
}
