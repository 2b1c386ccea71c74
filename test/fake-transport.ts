import { spawn } from "node:child_process";
import { PassThrough, Transform } from "node:stream";
import { ConnectionProblem } from "../src/io/connection-problem.ts";
import { converse, type Ending, type RunningCommand } from "../src/io/conversation.ts";
import { startedCommand } from "../src/io/local.ts";
import type { RunOptions, RunResult, Transport } from "../src/io/transport.ts";

/** What goes wrong with one run; counted in bytes of what the host sends on standard output, marks included. */
export type Fault =
  /** The connection breaks after so many bytes; what runs on the host finds its output closed. */
  | { readonly fault: "drop"; readonly afterBytes: number }
  /** Nothing more arrives after so many bytes, and nobody says why. */
  | { readonly fault: "stall"; readonly afterBytes: number }
  /** The host prints this before anything else, on both streams. */
  | { readonly fault: "garbage"; readonly text: string }
  /** The output arrives in pieces with pauses between them. */
  | { readonly fault: "slow"; readonly pieceBytes: number; readonly pauseMs: number }
  /** The login shell ends with this status instead of running anything. */
  | { readonly fault: "exit"; readonly code: number; readonly words?: string };

export interface FaultyOptions {
  /** The fault of the first run, the second and so on; undefined or none: the run goes well. */
  readonly faults: readonly (Fault | undefined)[];
  /** The command that reads a script on its standard input; a shell in a namespace, say. */
  readonly shell?: readonly [string, ...string[]];
}

/** A transport over a real shell whose runs meet faults. A broken connection stays broken. */
export function faultyTransport({ faults, shell = ["/bin/sh", "-s"] }: FaultyOptions): Transport {
  let runs = 0;
  let broken: ConnectionProblem | undefined;
  return {
    run: async (script, options) => {
      if (broken) throw broken;
      const fault = faults[runs++];
      const [file, ...args] = fault?.fault === "exit" ? exitCommand(fault) : shell;
      return converse({ host: "faulty", script, sudo: "none", options }, async () => {
        const command = startedCommand(spawn(file, args, { detached: true }), (error) => lost(error.message));
        return fault ? withFault(command, fault, () => (broken = lost("the fault broke it"))) : command;
      });
    },
    close: async () => {},
  };
}

/** A transport whose runs are answered by a function of the script; a problem is thrown. */
export function scriptedTransport(answer: (script: string, options: RunOptions) => RunResult | ConnectionProblem): Transport {
  return {
    run: async (script, options) => {
      const result = answer(script, options);
      if (result instanceof ConnectionProblem) throw result;
      return result;
    },
    close: async () => {},
  };
}

function exitCommand({ code, words = "" }: Extract<Fault, { fault: "exit" }>): readonly [string, ...string[]] {
  return ["/bin/sh", "-c", 'printf %s "$2" >&2; exit "$1"', "sh", String(code), words];
}

function withFault(command: RunningCommand, fault: Fault, breakConnection: () => ConnectionProblem): RunningCommand {
  switch (fault.fault) {
    case "exit":
      return command;
    case "garbage":
      return { ...command, stdout: prefixed(command, "stdout", fault.text), stderr: prefixed(command, "stderr", fault.text) };
    case "slow":
      return slowed(command, fault);
    case "stall":
    case "drop":
      return cut(command, fault, breakConnection);
  }
}

function prefixed(command: RunningCommand, stream: "stdout" | "stderr", text: string): PassThrough {
  const through = new PassThrough();
  through.write(text);
  return command[stream].pipe(through);
}

function slowed(command: RunningCommand, fault: Extract<Fault, { fault: "slow" }>): RunningCommand {
  const stdout = command.stdout.pipe(inPieces(fault));
  const delivered = new Promise<void>((resolve) => stdout.once("end", () => resolve()));
  return { ...command, stdout, ended: delivered.then(() => command.ended) };
}

function inPieces({ pieceBytes, pauseMs }: Extract<Fault, { fault: "slow" }>): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const sendFrom = (from: number): void => {
        if (from >= chunk.length) {
          done();
          return;
        }
        this.push(chunk.subarray(from, from + pieceBytes));
        setTimeout(() => sendFrom(from + pieceBytes), pauseMs);
      };
      sendFrom(0);
    },
  });
}

function cut(
  command: RunningCommand,
  { fault, afterBytes }: Extract<Fault, { fault: "drop" | "stall" }>,
  breakConnection: () => ConnectionProblem,
): RunningCommand {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  let left = afterBytes;
  let drop: (ending: Ending) => void = () => {};
  const dropped = new Promise<Ending>((resolve) => {
    drop = resolve;
  });
  const reached = () => {
    left = -1;
    stderr.removeAllListeners();
    if (fault === "stall") return;
    command.abandon();
    drop({ kind: "lost", problem: breakConnection() });
  };
  command.stdout.on("data", (chunk: Buffer) => {
    if (left < 0) return;
    stdout.write(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) reached();
  });
  command.stderr.on("data", (chunk: Buffer) => {
    if (left >= 0) stderr.write(chunk);
  });
  // While the cut has not come, the command may still end by itself.
  const ended = command.ended.then((ending) => (left < 0 ? dropped : ending));
  return { ...command, stdout, stderr, ended: Promise.race([dropped, ended]) };
}

function lost(words: string): ConnectionProblem {
  return new ConnectionProblem("lost", `lost the connection to faulty: ${words}`, "look at the host, then run again");
}
