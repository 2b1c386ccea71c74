import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { parse } from "yaml";
import { afterSteps, readGateway } from "../../src/gateway/effect.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import type { Assessment, Kind } from "../../src/kinds/kind.ts";
import type { Facts, FileFact, Reading } from "../../src/model/fact.ts";

/** A case: a spec, what the gateway says, and what follows from both. */
export interface Case {
  readonly file: string;
  readonly spec: unknown;
  /** What each probe printed, exit status 0; or its status and text. */
  readonly readings: Readonly<Record<string, string | Reading>>;
  readonly files?: Readonly<Record<string, string>>;
  /** Changes as `action target: before -> after`. */
  readonly changes?: readonly string[];
  readonly steps?: readonly string[];
  readonly notes?: readonly string[];
  readonly blocked?: string;
  readonly violated?: string;
  readonly waiting?: string;
  /** The undo cannot bring the daemon's old state back: it was not on disk. */
  readonly irreversible?: boolean;
}

/** Every case of a kind. */
export function casesOf(kind: string): readonly Case[] {
  const directory = join(import.meta.dirname, kind);
  return readdirSync(directory)
    .filter((name) => name.endsWith(".yml"))
    .map((name) => ({ file: name, ...(parse(readFileSync(join(directory, name), "utf8")) as Omit<Case, "file">) }));
}

/** Facts as a case gives them, frozen: whoever writes into them throws. */
export function factsOf({ readings, files = {} }: Pick<Case, "readings" | "files">): Facts {
  const readingOf = (value: string | Reading): Reading =>
    Object.freeze(typeof value === "string" ? { exit: 0, text: value } : value);
  const fileOf = (path: string, content: string): FileFact =>
    Object.freeze({ path, content, encoding: "utf8", mode: "-rw-r--r--", uid: 0, gid: 0 });
  return Object.freeze({
    readings: new Map(Object.entries(readings).map(([key, value]) => [key, readingOf(value)])),
    files: new Map(Object.entries(files).map(([path, content]) => [path, fileOf(path, content)])),
  });
}

/** Checks what a case expects, and the laws. */
export function checkCase<Spec>(kind: Kind<Spec>, given: Case): void {
  const assessment = assessorOf(kind, given)(readGateway(factsOf(given)));
  const { changes } = assessment;
  expect(changes.map(({ action, target, before, after }) => `${action} ${target}: ${text(before)} -> ${text(after)}`)).toEqual(
    given.changes ?? [],
  );
  if (given.steps !== undefined)
    expect(changes.flatMap((change) => [...change.steps, ...(change.finally ?? [])]).map(stepText)).toEqual(given.steps);
  expect(assessment.blocked === undefined ? undefined : `${assessment.blocked.reason}; ${assessment.blocked.unblock}`).toBe(
    given.blocked,
  );
  expect(assessment.violated).toBe(given.violated);
  expect(assessment.waiting).toBe(given.waiting);
  if (given.notes !== undefined) expect(assessment.notes).toEqual(given.notes);
  checkLaws(kind, given);
}

/** The laws of every kind: minimal, converge, undo; and pure, because the facts are frozen. */
export function checkLaws<Spec>(kind: Kind<Spec>, given: Omit<Case, "file">): void {
  const gateway = readGateway(factsOf(given));
  const assess = assessorOf(kind, given);
  const { changes } = assess(gateway);
  for (const { before, after } of changes) expect(before, "minimal").not.toEqual(after);
  const done = changes.reduce((state, change) => afterSteps(afterSteps(state, change.steps), change.finally ?? []), gateway);
  const again = assess(done);
  expect(again.changes, "converge").toEqual([]);
  if (changes.length > 0) expect(again.blocked, "converge").toBeUndefined();
  if (given.irreversible === true) return;
  const undone = [...changes].reverse().reduce((state, change) => afterSteps(state, change.undo), done);
  expect(undone, "undo").toEqual(gateway);
}

function assessorOf<Spec>(kind: Kind<Spec>, given: Omit<Case, "file">): (gateway: Gateway) => Assessment {
  const at = { file: "playbook.yml", line: 1, column: 1 };
  const resource = {
    address: `${kind.name}[x]`,
    kind: kind.name,
    name: "x",
    spec: given.spec as Spec,
    tags: [],
    ignore_drift: [],
    at,
  };
  return (gateway) => kind.assess(resource, gateway);
}

function text(value: unknown): string {
  return value === null ? "null" : typeof value === "object" ? JSON.stringify(value) : String(value);
}

function stepText(step: { readonly do: string }): string {
  const { do: name, ...rest } = step;
  return [name, ...Object.values(rest)].join(" ");
}
