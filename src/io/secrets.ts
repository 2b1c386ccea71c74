import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Lookup } from "../model/project-texts.ts";
import { systemWords } from "./connection-problem.ts";

/** Where lookups of templates look. */
export interface LookupOptions {
  readonly environment: { readonly [name: string]: string | undefined };
  /** What relative paths of `file()` start from: the playbook's folder. */
  readonly folder: string;
  /** Whether `command()` may run programs on this machine. */
  readonly allowCommands: boolean;
}

const COMMAND_TIMEOUT_MS = 30_000;

/** Answers `env()`, `file()` and `command()` of templates; each question is asked once. */
export function newLookup(options: LookupOptions): Lookup {
  const answers = new Map<string, ReturnType<Lookup>>();
  return (kind, argument) => {
    const key = `${kind}:${argument}`;
    const answer = answers.get(key) ?? lookUp(kind, argument, options);
    answers.set(key, answer);
    return answer;
  };
}

/** For checking a playbook without its secrets: every question has an answer, and nothing is read or run. */
export function pretendedLookup(): Lookup {
  return (kind, argument) => ({ secret: `what ${kind}("${argument}") would hold` });
}

function lookUp(
  kind: Parameters<Lookup>[0],
  argument: string,
  { environment, folder, allowCommands }: LookupOptions,
): ReturnType<Lookup> {
  if (kind === "env") {
    const secret = environment[argument];
    return secret === undefined ? { failure: `the environment has no variable "${argument}"` } : { secret };
  }
  if (kind === "file") return fromFile(argument, folder);
  return allowCommands
    ? fromCommand(argument)
    : { failure: "command() would run a program on this machine: allow it with --allow-commands" };
}

function fromFile(path: string, folder: string): ReturnType<Lookup> {
  const whole = path.startsWith("~/") ? join(homedir(), path.slice(2)) : resolve(folder, path);
  try {
    return { secret: withoutLastNewline(readFileSync(whole, "utf8")) };
  } catch (error) {
    return {
      failure: `file("${path}") cannot be read: ${systemWords(error)}`,
    };
  }
}

/** What the command prints is secret, so not even its error output is repeated. */
function fromCommand(command: string): ReturnType<Lookup> {
  const ran = spawnSync("/bin/sh", ["-c", command], {
    encoding: "utf8",
    timeout: COMMAND_TIMEOUT_MS,
    stdio: ["inherit", "pipe", "inherit"],
  });
  if (ran.error !== undefined) return { failure: `command("${command}") did not end: ${ran.error.message}` };
  if (ran.status !== 0) return { failure: `command("${command}") ended with exit ${ran.status ?? "by a signal"}` };
  return { secret: withoutLastNewline(ran.stdout) };
}

function withoutLastNewline(text: string): string {
  return text.replace(/\r?\n$/, "");
}
