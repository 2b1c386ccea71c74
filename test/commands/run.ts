import { runCommandLine } from "../../src/cli.ts";

/** How a command line ended, and what it printed. */
export interface Printed {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs a command line in this process. */
export async function cli(...argv: readonly string[]): Promise<Printed> {
  let out = "";
  let error = "";
  const code = await runCommandLine(argv, {
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
    signal: new AbortController().signal,
  });
  return { code, out, error };
}
