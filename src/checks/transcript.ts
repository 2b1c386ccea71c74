import { quote } from "../text/shell.ts";

/** What one part of the checks' script printed, standard error included. */
export interface Part {
  readonly exit: number;
  readonly text: string;
}

/** The parts of one run of the checks' script, by label. */
export type Transcript = ReadonlyMap<string, Part>;

/**
 * POSIX sh that runs a command as one part. Each line of its output gets a blank in front and only the end is kept, so that no
 * output can pass for a label or flood the connection; standard input is empty, so that none can eat the script.
 */
export function part(label: string, command: string): string {
  return `printf '= %s\\n' ${quote(label)} >&3
{ ${command}
printf '\\nexit %s\\n' "$?"; } 2>&1 </dev/null 3>&- | tail -c 16384 | sed 's/^/ /' >&3`;
}

/** Reads what the parts of a script printed. */
export function parseTranscript(text: string): Transcript {
  const parts = new Map<string, Part>();
  for (const section of text.split(/^= /m).slice(1)) {
    const [label = "", ...lines] = section.split("\n");
    const body = lines.map((line) => line.slice(1)).join("\n");
    // The status is the last line of a part: whatever stands before it is the command's own output.
    const end = /\nexit (\d+)\n*$/.exec(body);
    if (end) parts.set(label, { exit: Number(end[1]), text: body.slice(0, end.index) });
  }
  return parts;
}

/** What a check concludes. */
export interface Verdict {
  readonly passed: boolean;
  readonly detail: string;
  /** Only the peer, the path or an installation could mend it: taking the changes back would not. */
  readonly needsPeer?: boolean;
}

/** The verdict on a check whose part of the script never ran to its end. */
export const NOT_RUN: Verdict = { passed: false, detail: "the probe did not run to its end", needsPeer: true };

/** Where a program is not on the host, which no change of ours has to do with. */
export function notInstalled(program: string): Verdict {
  return { passed: false, detail: `${program} is not installed on the host`, needsPeer: true };
}
