import { EXIT } from "../engine/exit-code.ts";
import type { Loaded } from "../engine/load.ts";
import type { Problem } from "../model/problem.ts";
import { problemsText } from "../text/squiggle.ts";
import { openProject } from "./project.ts";

export interface ValidateOptions {
  readonly playbook: string;
  readonly inventory: readonly string[];
  readonly extraVars: readonly string[];
  readonly json: boolean;
}

/**
 * Checks a playbook with its inventory, offline. Lookups are not made: a playbook in review must not run a stranger's code,
 * and a reviewer need not have its secrets.
 */
export async function validate(options: ValidateOptions, out: (text: string) => void): Promise<number> {
  const { playbook, inventory, extraVars } = options;
  const all = { limit: undefined, tags: [], skipTags: [], target: [] };
  const loaded = await openProject({ playbook, inventory, extraVars, ...all, allowCommands: false, pretendLookups: true });
  const problems = isWithoutInventory(loaded) ? loaded.problems.map(asWarning) : loaded.problems;
  const exit = loaded.ok || isWithoutInventory(loaded) ? EXIT.done : loaded.exit;
  out(
    options.json
      ? `${JSON.stringify({ valid: exit === EXIT.done, problems: problems.map(asJson) }, undefined, 2)}\n`
      : report(playbook, problems, loaded),
  );
  return exit;
}

/** A playbook alone can be checked too, as far as that goes. */
function isWithoutInventory(loaded: Loaded): boolean {
  return !loaded.ok && loaded.exit === EXIT.usage && loaded.withoutInventory;
}

function asWarning(problem: Problem): Problem {
  return { ...problem, severity: "warning" };
}

function report(playbook: string, problems: readonly Problem[], loaded: Loaded): string {
  const text = problems.length === 0 ? "" : `${problemsText(problems)}\n`;
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const warnings = problems.length - errors;
  const counts = [errors > 0 ? counted(errors, "error") : "", warnings > 0 ? counted(warnings, "warning") : ""].filter(
    (part) => part !== "",
  );
  if (errors > 0) return `${text}${playbook}: ${counts.join(", ")}\n`;
  const sizes = loaded.ok
    ? `${counted(loaded.project.plays.length, "play")} for ${counted(hostsOf(loaded), "host")}`
    : "no host checked";
  return `${text}${playbook}: valid, ${[sizes, ...counts].join(", ")}\n`;
}

function hostsOf(loaded: Extract<Loaded, { ok: true }>): number {
  return new Set(loaded.project.plays.flatMap(({ hosts }) => hosts.map(({ host }) => host.name))).size;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function asJson({ severity, message, help, at }: Problem) {
  return {
    severity,
    file: at?.file ?? null,
    line: at?.line ?? null,
    column: at?.column ?? null,
    end_column: at?.endColumn ?? null,
    message,
    help: help ?? null,
  };
}
