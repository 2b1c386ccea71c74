import type { CommandProbe } from "../model/specs.generated.ts";
import { commandLine } from "../text/shell.ts";
import { NOT_RUN, type Part, type Verdict } from "./transcript.ts";

const SECONDS = 30;

/** Exactly this argument vector, ended after 30 seconds. */
export function commandCommand({ argv }: CommandProbe): string {
  return commandLine(["timeout", String(SECONDS), ...argv]);
}

/** Judges `command` by its exit status alone. */
export function judgeCommand({ argv, exit }: CommandProbe, run: Part | undefined): Verdict {
  if (run === undefined) return NOT_RUN;
  const program = argv[0] ?? "";
  if (run.exit === exit) return { passed: true, detail: `${program} ended with ${exit}` };
  if (run.exit === 124) return { passed: false, detail: `${program} did not end within ${SECONDS} seconds` };
  const last = run.text.trimEnd().split("\n").at(-1);
  return { passed: false, detail: `${program} ended with ${run.exit}, not ${exit}${last ? `: ${last.slice(0, 200)}` : ""}` };
}
