import { execFileSync } from "node:child_process";
import { factsScript, parseFacts } from "../../src/engine/facts.ts";
import type { Facts, Probe } from "../../src/model/fact.ts";

const MARK = "0123456789abcdef0123456789abcdef";

/** Runs a set-up and then the probes in a network namespace of their own, with this shell, and reads what they print. */
export function factsInNamespace(
  setup: string,
  probes: readonly Probe[],
  options: { readonly shell?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Facts {
  const shell = options.shell ?? "dash";
  const script = `set -e\n${setup}\nset +e\n${factsScript(probes, MARK)}`;
  const output = execFileSync("unshare", ["-n", ...shell.split(" "), "-c", script], {
    env: { PATH: process.env["PATH"], ...options.env },
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 1 << 24,
  });
  const facts = parseFacts(output, probes, MARK);
  if (facts === undefined) throw new Error(`not a whole facts output: ${output.toString()}`);
  return facts;
}

/** Facts with these readings, all of exit status 0, and no files. */
export function factsOf(readings: Readonly<Record<string, string>>): Facts {
  return {
    readings: new Map(Object.entries(readings).map(([key, text]) => [key, { exit: 0, text }])),
    files: new Map(),
  };
}
