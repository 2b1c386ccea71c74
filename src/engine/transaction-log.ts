/** How a transaction ended, as its script said; `unknown` when it did not get to say (a lost connection). */
export type TransactionResult = "applied" | "rolled-back" | "rollback-failed" | "refused" | "stale" | "locked" | "unknown";

/** What a transaction's script printed, read by its mark; anything else on standard output is a login shell's business. */
export interface TransactionLog {
  readonly result: TransactionResult;
  /** 1-based number of the step that failed. */
  readonly failedStep: number | undefined;
  /** The exit status of the step that failed. */
  readonly status: number | undefined;
  /** What the failing command, the lock or a guard said. */
  readonly output: readonly string[];
}

const RESULTS: readonly string[] = ["applied", "rolled-back", "rollback-failed", "refused", "stale", "locked"];

export function parseTransactionLog(output: string, mark: string): TransactionLog {
  const said = output
    .split("\n")
    .filter((line) => line.startsWith(`${mark} `))
    .map((line) => line.slice(mark.length + 1));
  const result = said.findLast((line) => line.startsWith("result "))?.slice("result ".length) ?? "";
  const failed = said.map((line) => /^step (\d+) failed (\d+)$/.exec(line)).find((found) => found !== null);
  return {
    result: isResult(result) ? result : "unknown",
    failedStep: failed ? Number(failed[1]) : undefined,
    status: failed ? Number(failed[2]) : undefined,
    output: said.filter((line) => line.startsWith("out ")).map((line) => line.slice("out ".length)),
  };
}

function isResult(text: string): text is TransactionResult {
  return RESULTS.includes(text);
}
