import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { ConnectionProblem } from "./connection-problem.ts";
import { FramedStream, lineReader, seal } from "./envelope.ts";
import { Patience } from "./patience.ts";
import { isSudoSpeaking, type Sudo, SudoDialogue, sudoProblem } from "./sudo.ts";
import type { RunOptions, RunResult } from "./transport.ts";

/** How a started command ended, as far as its transport knows. */
export type Ending =
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: string }
  | { readonly kind: "lost"; readonly problem: ConnectionProblem };

/** A started command with its three streams, wherever it runs. */
export interface RunningCommand {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles after both output streams have ended; never rejects. */
  readonly ended: Promise<Ending>;
  /** Stops listening; the script itself goes on where the transport allows it. */
  abandon(): void;
}

/** One script for one host. */
export interface Job {
  /** The host's name, for messages. */
  readonly host: string;
  readonly script: string;
  readonly sudo: Sudo;
  readonly options: RunOptions;
  /** What an exit status of the transport's own client means, where it has one. */
  readonly explain?: (exit: number, begun: boolean, noise: string) => ConnectionProblem | undefined;
}

// Facts of a gateway with thousands of rules and policies stay below 8 MB.
const STDOUT_LIMIT = { bytes: 64 << 20, beyond: "fail" } as const;
const STDERR_LIMIT = { bytes: 64 << 10, beyond: "drop-oldest" } as const;

/** Sends a script to a shell that `open` starts and waits for its end mark. Rejects with a `ConnectionProblem`. */
export async function converse(job: Job, open: (command: string) => Promise<RunningCommand>): Promise<RunResult> {
  const envelope = seal(job.script, job.options.input);
  const root = new SudoDialogue(job.host, job.sudo);
  const command = await opened(job, open, root.command);
  const stdout = new FramedStream(envelope.mark, STDOUT_LIMIT);
  const stderr = new FramedStream(envelope.mark, STDERR_LIMIT);
  const lines = job.options.onLine && lineReader(envelope.mark, job.options.onLine);

  return await new Promise<RunResult>((resolve, reject) => {
    const settle = (finish: () => void) => {
      patience.end();
      finish();
    };
    const fail = (problem: ConnectionProblem) => {
      command.abandon();
      settle(() => reject(problem));
    };
    const patience = new Patience(job.options.timeoutMs, job.options.signal, (why) => fail(impatientProblem(job, why)));
    const succeedIfEnded = () => {
      const exit = stdout.exit;
      if (exit === undefined || stderr.exit === undefined) return;
      settle(() => resolve({ exit, stdout: stdout.content, stderr: stderr.content.toString() }));
      release(command);
    };
    root.start(command.stdin, envelope.text);
    command.stdout.on("data", (chunk: Buffer) => {
      if (!stdout.begun) root.hearStdout(chunk);
      lines?.(chunk);
      if (!stdout.push(chunk)) fail(floodProblem(job.host));
      succeedIfEnded();
    });
    command.stderr.on("data", (chunk: Buffer) => {
      if (!stderr.begun) root.hearStderr(chunk);
      stderr.push(chunk);
      succeedIfEnded();
    });
    // A shell that ends early closes its input; its exit status tells more than a broken pipe.
    command.stdin.on("error", () => {});
    void command.ended.then((ending) => {
      if (stdout.exit !== undefined && stderr.exit === undefined) {
        const exit = stdout.exit;
        settle(() => resolve({ exit, stdout: stdout.content, stderr: stderr.content.toString() }));
      } else if (stdout.exit === undefined) {
        const noise = root.withoutPrompts(stderr.begun ? stderr.content.toString() : stderr.noise) || stdout.noise;
        fail(endingProblem(job, ending, stdout.begun, noise));
      }
    });
  });
}

// A frozen host may not even take the command.
function opened(job: Job, open: (command: string) => Promise<RunningCommand>, command: string): Promise<RunningCommand> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const patience = new Patience(job.options.timeoutMs, job.options.signal, (why) => {
      isLate = true;
      reject(impatientProblem(job, why));
    });
    open(command).then(
      (running) => {
        patience.end();
        if (isLate) running.abandon();
        resolve(running);
      },
      (error) => {
        patience.end();
        reject(error);
      },
    );
  });
}

/** The words of a remote program for a person's terminal: no control characters, no endless text. */
export function printable(text: string): string {
  const clean = text
    .replaceAll("\t", " ")
    .replace(/[^\P{C}\n]/gu, "")
    .trim();
  const lines = clean.split("\n").filter((line) => line.trim() !== "");
  const words = lines.slice(-4).join(" / ");
  return words.length > 300 ? `${words.slice(0, 300)} ...` : words;
}

// A process that the script left behind may hold its output open for ever.
function release(command: RunningCommand): void {
  const timer = setTimeout(() => command.abandon(), 250);
  void command.ended.then(() => clearTimeout(timer));
}

function endingProblem(job: Job, ending: Ending, begun: boolean, noise: string): ConnectionProblem {
  const said = printable(noise);
  if (ending.kind === "lost") return ending.problem;
  if (ending.kind === "signal") return killedProblem(job, ending.signal);
  const explained = job.explain?.(ending.code, begun, noise);
  if (explained) return explained;
  if (begun) return killedProblem(job, signalOf(ending.code) ?? `exit ${ending.code}`);
  if (job.sudo !== "none" && isSudoSpeaking(noise)) return sudoProblem(job.host, job.sudo, said);
  return new ConnectionProblem(
    "garbage",
    `${job.host} did not run the script (exit ${ending.code})${said ? `; it said: ${said}` : ""}`,
    "check that the login shell of this user runs commands and that /bin/sh exists on the host",
  );
}

function killedProblem(job: Job, by: string): ConnectionProblem {
  const message = `the script on ${job.host} ended before its last line, by ${by}`;
  return new ConnectionProblem("killed", message, "look into the host's journal for what ended it, then run again");
}

// A shell in between reports a signal as 128 and its number.
function signalOf(exit: number): string | undefined {
  return Object.entries(constants.signals).find(([, number]) => number === exit - 128)?.[0];
}

function impatientProblem(job: Job, why: "timeout" | "aborted"): ConnectionProblem {
  if (why === "aborted") return abortedProblem(job.host);
  return new ConnectionProblem(
    "timeout",
    `the script on ${job.host} has not ended after ${Math.round(job.options.timeoutMs / 100) / 10} s`,
    "it may still be running there: look at the host before running again",
  );
}

function abortedProblem(host: string): ConnectionProblem {
  return new ConnectionProblem("aborted", `interrupted while talking to ${host}`, "run the same command again");
}

function floodProblem(host: string): ConnectionProblem {
  return new ConnectionProblem(
    "garbage",
    `${host} printed more than ${STDOUT_LIMIT.bytes >> 20} MB`,
    "look at what the host prints at login and in the probes: this is not usable output",
  );
}
