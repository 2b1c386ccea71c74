import { createInterface } from "node:readline/promises";

// Questions are written to standard error: standard output may go to a file.
function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Asks a question that only a clear yes answers with true; false at once where nobody can be asked. */
export function askYesNo(question: string): Promise<boolean> {
  return inTurn(async () => {
    if (!canAsk()) return false;
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    const gone = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    lines.once("SIGINT", () => {
      lines.close();
      interrupt();
    });
    const answer = await Promise.race([lines.question(question), gone]);
    lines.close();
    return /^\s*y(es)?\s*$/i.test(answer);
  });
}

/** Asks for a password or passphrase without showing it; undefined where nobody can be asked or the person gives up. */
export function askHidden(question: string): Promise<string | undefined> {
  return inTurn(async () => {
    if (!canAsk()) return undefined;
    process.stderr.write(question);
    process.stdin.setRawMode(true);
    try {
      return await typedLine();
    } finally {
      process.stdin.setRawMode(false);
      process.stdin.pause();
      process.stderr.write("\n");
    }
  });
}

// Hosts are reached in parallel, a person answers one question at a time.
let lastQuestion: Promise<unknown> = Promise.resolve();

function inTurn<T>(ask: () => Promise<T>): Promise<T> {
  const answer = lastQuestion.then(ask);
  lastQuestion = answer.catch(() => {});
  return answer;
}

// A signal that a process sends to itself is heard in the next turn of its loop.
const SIGNAL_MS = 20;

// Reads keys in raw mode, where the terminal neither echoes nor edits.
function typedLine(): Promise<string | undefined> {
  return new Promise((resolve) => {
    let typed: string[] = [];
    const finish = (answer: string | undefined) => {
      process.stdin.off("data", read);
      process.stdin.off("end", giveUp);
      resolve(answer);
    };
    const giveUp = () => finish(undefined);
    const read = (chunk: string) => {
      for (const key of chunk) {
        if (key === "\r" || key === "\n") return finish(typed.join(""));
        if (key === "\u0003") {
          // Whoever asked goes on when the signal has been heard.
          setTimeout(() => finish(undefined), SIGNAL_MS);
          return interrupt();
        }
        if (key === "\u0004" && typed.length === 0) return finish(undefined);
        if (key === "\u0015") typed = [];
        else if (key === "\u007f" || key === "\b") typed.pop();
        else typed.push(key);
      }
    };
    process.stdin.setEncoding("utf8");
    process.stdin.on("data", read);
    process.stdin.once("end", giveUp);
    process.stdin.resume();
  });
}

// Raw mode swallowed the signal of the key: what else listens for it must hear it.
function interrupt(): void {
  process.kill(process.pid, "SIGINT");
}
