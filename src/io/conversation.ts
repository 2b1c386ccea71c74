import { randomBytes } from "node:crypto";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { ConnectionProblem } from "./connection-problem.ts";
import { type Envelope, FramedStream, lineReader, seal } from "./envelope.ts";
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
  readonly sudo: "none" | "without-password" | { readonly password: string };
  readonly options: RunOptions;
  /** What an exit status of the transport's own client means, where it has one. */
  readonly explain?: (exit: number, begun: boolean, noise: string) => ConnectionProblem | undefined;
}

// Facts of a gateway with thousands of rules and policies stay below 8 MB.
const STDOUT_LIMIT = { bytes: 64 << 20, beyond: "fail" } as const;
const STDERR_LIMIT = { bytes: 64 << 10, beyond: "drop-oldest" } as const;

// A longer timer fires at once.
const LONGEST_TIMER = 2 ** 31 - 1;

/** Sends a script to a shell that `open` starts and waits for its end mark. Rejects with a `ConnectionProblem`. */
export async function converse(job: Job, open: (command: string) => Promise<RunningCommand>): Promise<RunResult> {
  const envelope = seal(job.script, job.options.input);
  if (job.options.signal?.aborted) throw abortedProblem(job.host);
  const prompt = randomBytes(16).toString("hex");
  const command = await open(shellCommand(job.sudo, prompt));
  const stdout = new FramedStream(envelope.mark, STDOUT_LIMIT);
  const stderr = new FramedStream(envelope.mark, STDERR_LIMIT);
  const words = new WordsOfSudo(prompt);
  const lines = job.options.onLine && lineReader(envelope.mark, job.options.onLine);

  return await new Promise<RunResult>((resolve, reject) => {
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      job.options.signal?.removeEventListener("abort", abort);
      finish();
    };
    const fail = (problem: ConnectionProblem) => {
      command.abandon();
      settle(() => reject(problem));
    };
    const abort = () => fail(abortedProblem(job.host));
    const timer = setTimeout(() => fail(slowProblem(job)), Math.min(job.options.timeoutMs, LONGEST_TIMER));
    job.options.signal?.addEventListener("abort", abort, { once: true });

    const succeedIfEnded = () => {
      const exit = stdout.exit;
      if (exit === undefined || stderr.exit === undefined) return;
      settle(() => resolve({ exit, stdout: stdout.content, stderr: stderr.content.toString() }));
      release(command);
    };
    const send = sender(command.stdin, envelope, job.sudo);
    command.stdout.on("data", (chunk: Buffer) => {
      send.onStdout(chunk, prompt);
      lines?.(chunk);
      if (!stdout.push(chunk)) fail(floodProblem(job.host));
      succeedIfEnded();
    });
    command.stderr.on("data", (chunk: Buffer) => {
      if (!stderr.begun) send.onPrompts(words.push(chunk));
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
        const noise = words.without(stderr.begun ? stderr.content.toString() : stderr.noise) || stdout.noise;
        fail(endingProblem(job, ending, stdout.begun, noise));
      }
    });
    send.start();
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

// The login shell may be bash, fish or csh: no syntax that they read differently. The password goes to sudo's standard
// input only when sudo asks for it, and the script only after sudo has started the shell, so neither is ever taken for
// the other.
function shellCommand(sudo: Job["sudo"], prompt: string): string {
  if (sudo === "none") return "/bin/sh -s";
  if (sudo === "without-password") return "env LC_ALL=C sudo -n -H /bin/sh -s";
  return `env LC_ALL=C sudo -S -H -p ${prompt}p /bin/sh -c 'echo ${prompt}r; exec /bin/sh -s'`;
}

// A process that the script left behind may hold its output open for ever.
function release(command: RunningCommand): void {
  const timer = setTimeout(() => command.abandon(), 250);
  void command.ended.then(() => clearTimeout(timer));
}

/** Decides when the password and the script go out. */
function sender(stdin: Writable, envelope: Envelope, sudo: Job["sudo"]) {
  let waiting = typeof sudo === "object";
  let passwordSent = false;
  let seen = "";
  const sendScript = () => {
    waiting = false;
    stdin.end(envelope.text);
  };
  return {
    start: () => {
      if (!waiting) sendScript();
    },
    onStdout: (chunk: Buffer, prompt: string) => {
      if (!waiting) return;
      seen = (seen + chunk.toString("latin1")).slice(-4096);
      if (seen.includes(`${prompt}r\n`)) sendScript();
    },
    onPrompts: (count: number) => {
      if (!waiting || typeof sudo !== "object" || count === 0) return;
      // Asked again: the password was wrong. The end of input makes sudo give up and say so.
      if (passwordSent || count > 1) stdin.end();
      else stdin.write(`${sudo.password}\n`);
      passwordSent = true;
    },
  };
}

/** Reads sudo's standard error: counts its password prompts and keeps its words. */
class WordsOfSudo {
  readonly #prompt: string;
  #seen = "";

  constructor(prompt: string) {
    this.#prompt = `${prompt}p`;
  }

  /** How many prompts were completed by this chunk. */
  push(chunk: Buffer): number {
    const all = this.#seen + chunk.toString("latin1");
    const parts = all.split(this.#prompt);
    this.#seen = (parts.at(-1) ?? "").slice(-this.#prompt.length);
    return parts.length - 1;
  }

  /** A text without the prompts. */
  without(text: string): string {
    return text.replaceAll(this.#prompt, "");
  }
}

function endingProblem(job: Job, ending: Ending, begun: boolean, noise: string): ConnectionProblem {
  const said = printable(noise);
  if (ending.kind === "lost") return ending.problem;
  if (ending.kind === "signal") return killedProblem(job, ending.signal);
  const explained = job.explain?.(ending.code, begun, noise);
  if (explained) return explained;
  if (begun) return killedProblem(job, signalOf(ending.code) ?? `exit ${ending.code}`);
  if (job.sudo !== "none" && /sudo|sorry|not allowed|password/i.test(noise)) return sudoProblem(job, said);
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

function sudoProblem(job: Job, said: string): ConnectionProblem {
  return new ConnectionProblem("no-sudo", `no root rights on ${job.host}; sudo said: ${said}`, sudoAdvice(job, said));
}

function sudoAdvice(job: Job, said: string): string {
  if (/must have a tty|terminal is required to run/i.test(said)) {
    return "sudo asks for a terminal (requiretty), which is not supported: add `Defaults:USER !requiretty` in sudoers";
  }
  if (/command not found|No such file/i.test(said)) return "install sudo on the host or log in as root";
  if (/password is required|no password was provided/i.test(said) && job.sudo === "without-password") {
    return "run again with -K (--ask-become-pass), set ansible_become_password, or allow sudo without a password";
  }
  if (/incorrect password|try again|no password was provided/i.test(said))
    return "check the sudo password (-K or ansible_become_password)";
  return "allow this user to run /bin/sh by sudo, or log in as root";
}

function slowProblem(job: Job): ConnectionProblem {
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
