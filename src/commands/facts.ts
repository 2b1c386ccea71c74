import { writeFile } from "node:fs/promises";
import { factsView } from "../engine/facts-view.ts";
import { inParallel } from "../engine/rollout.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { allProbes } from "../gateway/probes.ts";
import type { HostPlan, Json } from "../model/plan.ts";
import { shown } from "../report/wording.ts";
import { redact } from "../text/redact.ts";
import { hideTokens } from "../text/secret.ts";
import { fleetExit } from "./fleet.ts";
import { readOne } from "./gateway.ts";
import type { FleetOptions } from "./options.ts";
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
    run.report({ event: "finished", host: job.host, status: "plan" in read ? read.plan.status : "ok" });
    if ("plan" in read) return { ...named, plan: read.plan };
    await read.transport.close();
    return { ...named, gateway: read.gateway };
  });
  await session.pause();
  const text = redact(
    options.format === "text"
      ? hosts.map(factsText).join("\n")
      : `${hideTokens(JSON.stringify(hosts.map(document), undefined, 2))}\n`,
  );
  if (options.out === undefined) streams.out(text);
  else await writeFile(options.out, text);
  return interruptedExit(fleetExit(hosts.flatMap((read) => ("plan" in read ? [read.plan] : []))), streams.signal);
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
