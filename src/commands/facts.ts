import { EXIT, worstExit } from "../engine/exit-code.ts";
import { factsView } from "../engine/facts-view.ts";
import { inParallel } from "../engine/rollout.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { allProbes } from "../gateway/probes.ts";
import { writeResult } from "../io/result-files.ts";
import type { HostPlan, Json } from "../model/plan.ts";
import { shown } from "../report/wording.ts";
import { redact } from "../text/redact.ts";
import { hideTokens } from "../text/secret.ts";
import { finishedEvent, fleetExit } from "./fleet.ts";
import { readOne } from "./gateway.ts";
import type { FleetOptions } from "./options.ts";
import type { Format } from "./output-format.ts";
import { interruptedExit, openSession, type Streams } from "./session.ts";

type Read = { readonly host: string; readonly address: string } & ({ readonly gateway: Gateway } | { readonly plan: HostPlan });

/** `facts`: everything the engine reads of each host, enough to replay a decision offline; keys and secrets are never in it. */
export async function facts(options: FleetOptions, streams: Streams): Promise<number> {
  // Most facts need root, so become is the default here; --no-become takes what the login may read.
  const playbook = { text: "- hosts: all\n  become: true\n  resources: []\n" };
  const session = await openSession(playbook, options, streams, false);
  if (typeof session === "number") return session;
  const { run } = session;
  const hosts = await inParallel(session.jobs, options.forks, async (job): Promise<Read> => {
    const read = await readOne(job, run, allProbes);
    const named = { host: job.host, address: job.target.address };
    if ("plan" in read) {
      run.report(finishedEvent(read.plan));
      return { ...named, plan: read.plan };
    }
    await read.transport.close();
    run.report({ event: "read", host: job.host });
    return { ...named, gateway: read.gateway };
  });
  await session.pause();
  const files = [...(options.out === undefined ? [] : [{ format: options.format, file: options.out }]), ...options.reports];
  if (options.out === undefined) streams.out(render(hosts, options.format));
  const written = await Promise.all(files.map(({ format, file }) => writeResult(file, render(hosts, format))));
  const troubles = written.filter((trouble) => trouble !== undefined);
  for (const trouble of troubles) streams.error(`ipsec-fix: ${trouble}\n`);
  const exit = fleetExit(hosts.flatMap((read) => ("plan" in read ? [read.plan] : [])));
  return interruptedExit(troubles.length > 0 ? worstExit([exit, EXIT.error]) : exit, streams.signal);
}

function render(hosts: readonly Read[], format: Format): string {
  if (format === "text") return redact(hosts.map(factsText).join("\n"));
  const documents = hosts.map(document);
  const lines = format === "jsonl" ? documents.map((one) => JSON.stringify(one)) : [JSON.stringify(documents, undefined, 2)];
  return redact(lines.map((line) => `${hideTokens(line)}\n`).join(""));
}

function document(read: Read): Json {
  const { host, address } = read;
  if ("plan" in read) return { host, address, status: read.plan.status, reason: read.plan.reason ?? "" };
  const { gateway } = read;
  return {
    host,
    address,
    status: "ok",
    facts: factsView(gateway),
    readings: Object.fromEntries([...gateway.facts.readings].map(([key, { exit, text }]) => [key, { exit: exit ?? null, text }])),
    files: Object.fromEntries(
      [...gateway.facts.files].map(([path, { content, mode, uid, gid }]) => [path, { mode, uid, gid, content }]),
    ),
  };
}

function factsText(read: Read): string {
  const head = `${shown(read.host)} (${shown(read.address)})`;
  if ("plan" in read) return `${head}: ${read.plan.status}\n  ${shown(read.plan.reason ?? "").replaceAll("\n", "\n  ")}\n`;
  const { gateway } = read;
  const files = [...gateway.facts.files.values()].map(
    ({ path, mode, content }) => `    ${mode} ${shown(path)} (${content.length} characters)`,
  );
  return `${head}\n${tree(factsView(gateway), "  ")}  files:\n${files.join("\n")}\n`;
}

function tree(view: { readonly [key: string]: Json }, indent: string): string {
  return Object.entries(view)
    .map(([key, value]) => {
      if (Array.isArray(value)) return `${indent}${key}: ${value.map((item) => shown(String(item))).join(", ")}\n`;
      if (value !== null && typeof value === "object")
        return `${indent}${key}:\n${tree(value as { readonly [key: string]: Json }, `${indent}  `)}`;
      return `${indent}${key}: ${value === null ? "none" : shown(String(value))}\n`;
    })
    .join("");
}
