import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import type { HostPlan, Plan, ResourcePlan } from "../../src/model/plan.ts";
import { CANARY_PSK } from "../lab/gateway.ts";
import type { Lab } from "../lab/lab.ts";
import { type Ended, run } from "../lab/process.ts";
import { documentErrors } from "../plan-document.ts";

// Another build may be put to the test, such as an installed package.
export const program = process.env["IPSEC_FIX_PROGRAM"] ?? fileURLToPath(new URL("../../dist/main.js", import.meta.url));

// Every scenario is several whole runs, on a machine that may be busy with others.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let count = 0;

/** A playbook file in the lab's own folder. */
export function playbook(lab: Lab, text: string): string {
  count += 1;
  const folder = join(lab.directory, "playbooks");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `playbook${count}.yml`);
  writeFileSync(path, text);
  return path;
}

/** A playbook with one play over all gateways and these resources, each a line of YAML flow text. */
export function resources(lab: Lab, ...lines: readonly string[]): string {
  return playbook(lab, `- hosts: gateways\n  become: true\n  resources:\n${lines.map((line) => `    - ${line}\n`).join("")}`);
}

/** Runs the built program; whatever it prints must not hold the lab's secret. */
export async function runProgram(args: readonly string[], { env = {}, input = "" }: ProgramOptions = {}): Promise<Ended> {
  const ended = await run([process.execPath, program, ...args], { env: { ...process.env, SSH_AUTH_SOCK: "", ...env }, input });
  if (`${ended.stdout}${ended.stderr}`.includes(CANARY_PSK)) throw new Error("the pre-shared key was printed");
  return ended;
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Runs the program against the lab. */
export async function ipsecFix(lab: Lab, ...args: readonly string[]): Promise<Ended> {
  return await runProgram([...args, "-i", lab.inventoryPath, "-F", lab.sshConfigPath]);
}

/** Runs a command with `--json` and reads the document that it prints, which holds to its schema. */
export async function ipsecFixJson(lab: Lab, ...args: readonly string[]): Promise<Ended & { readonly plan: Plan }> {
  const ended = await ipsecFix(lab, ...args, "--json");
  const plan = parsed(ended);
  const errors = args[0] === "facts" ? [] : documentErrors(plan.format === "ipsec-fix/report" ? "report" : "plan", plan);
  if (errors.length > 0) throw new Error(`not by the schema: ${JSON.stringify(errors.slice(0, 3))}`);
  return { ...ended, plan };
}

function parsed(ended: Ended): Plan {
  try {
    return JSON.parse(ended.stdout) as Plan;
  } catch {
    throw new Error(`no JSON (exit ${ended.exit}): ${ended.stdout}\n${ended.stderr}`);
  }
}

export function hostOf(plan: Plan, host: string): HostPlan {
  const found = plan.hosts.find((candidate) => candidate.host === host);
  if (found === undefined) throw new Error(`${host} is not in the plan`);
  return found;
}

export function resourceOf(plan: Plan, host: string, kind: string): ResourcePlan {
  const found = hostOf(plan, host).resources.find((resource) => resource.kind === kind);
  if (found === undefined) throw new Error(`${host} has no ${kind}`);
  return found;
}

/** What a failed expectation should show of a run: of a JSON document its outcomes alone. */
export function told({ exit, stdout, stderr, plan }: Ended & { readonly plan?: Plan }): string {
  const outcomes = plan?.hosts.flatMap((host) => [
    `${host.host}: ${host.status} (${host.exit}) ${host.reason ?? ""}`,
    ...host.resources.map(({ address, outcome, reason = "" }) => `  ${address}: ${outcome} ${reason}`),
  ]);
  return `exit ${exit}\n${outcomes?.join("\n") ?? stdout}\n${stderr}`;
}
