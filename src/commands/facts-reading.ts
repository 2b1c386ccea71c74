import { factsScript, parseFacts } from "../engine/facts.ts";
import { inOrder } from "../gateway/probes.ts";
import { systemProbes } from "../gateway/system.ts";
import { ConnectionProblem } from "../io/connection-problem.ts";
import type { Transport } from "../io/transport.ts";
import type { Facts, Probe } from "../model/fact.ts";
import { addressProbes } from "../network/state.ts";
import type { Job, Run } from "./job.ts";

/** A facts script takes a second or two; one that takes longer hangs on something (a stuck daemon, a dead mount). */
const READ_LIMIT_MS = 60_000;

/** Reads everything that the probes ask for in one execution; secret values come back as tokens. */
export async function readFacts(transport: Transport, job: Job, run: Run, wanted: readonly Probe[]): Promise<Facts> {
  const mark = run.mark();
  const probes = inOrder([...systemProbes, ...addressProbes, ...wanted]);
  const { exit, stdout, stderr } = await transport.run(factsScript(probes, mark), {
    become: job.target.become,
    timeoutMs: READ_LIMIT_MS,
    signal: run.signal,
  });
  const facts = parseFacts(stdout, probes, mark);
  if (facts === undefined)
    throw new ConnectionProblem(
      "garbage",
      `the facts script ended with status ${exit} before its last line${stderr.trim() === "" ? "" : `: ${lastLine(stderr)}`}`,
      `log in and run \`/bin/sh -c 'echo ok'\`: the gateway has to offer a working POSIX shell`,
    );
  return masked(facts, run.secrets.mask);
}

function masked(facts: Facts, mask: (text: string) => string): Facts {
  return {
    readings: new Map([...facts.readings].map(([key, reading]) => [key, { ...reading, text: mask(reading.text) }])),
    files: new Map([...facts.files].map(([path, file]) => [path, { ...file, content: mask(file.content) }])),
  };
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}
