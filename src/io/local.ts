import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { ConnectionProblem, systemWords } from "./connection-problem.ts";
import { converse, type Ending, type RunningCommand } from "./conversation.ts";
import { sudoFor } from "./sudo.ts";
import type { Target, Transport } from "./transport.ts";

/** Runs scripts on this very machine (`ansible_connection: local`). */
export function connectLocal(target: Target): Transport {
  const isRoot = process.getuid?.() === 0;
  return {
    run: (script, options) =>
      converse({ host: target.name, script, sudo: sudoFor(target, options.become && !isRoot), options }, async (command) =>
        startedCommand(spawn("/bin/sh", ["-c", `exec ${command}`], SPAWN_OPTIONS), (error) => lostProblem(target, error)),
      ),
    close: async () => {},
  };
}

/** Own session: an interrupt typed at the terminal must not end a script in the middle of its work. */
export const SPAWN_OPTIONS = { detached: true } as const;

/** A child process as a running command. */
export function startedCommand(
  child: ChildProcessWithoutNullStreams,
  problemOf: (error: Error) => ConnectionProblem,
): RunningCommand {
  const ended = new Promise<Ending>((resolve) => {
    child.once("error", (error) => resolve({ kind: "lost", problem: problemOf(error) }));
    child.once("close", (code, signal) =>
      resolve(code === null ? { kind: "signal", signal: signal ?? "a signal" } : { kind: "exit", code }),
    );
  });
  const abandon = () => {
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    child.unref();
  };
  return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, ended, abandon };
}

function lostProblem(target: Target, error: Error): ConnectionProblem {
  return new ConnectionProblem("lost", `cannot start /bin/sh on ${target.name}: ${systemWords(error)}`, "check this machine");
}
