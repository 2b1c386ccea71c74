import { factsScript, parseFacts } from "../../src/engine/facts.ts";
import { mergeChanges } from "../../src/engine/merge.ts";
import { ENVIRONMENT, LIBRARY } from "../../src/engine/shell-library.ts";
import { stepScript } from "../../src/engine/step-script.ts";
import { undoOf } from "../../src/firewall/edits.ts";
import { readGateway } from "../../src/gateway/effect.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import { systemProbes } from "../../src/gateway/system.ts";
import type { Assessment, Kind } from "../../src/kinds/kind.ts";
import type { LabHost } from "../lab/host.ts";

/** What a kind makes of a lab host. */
export interface Look {
  readonly gateway: Gateway;
  readonly assessment: Assessment;
  /** `create iptables mangle FORWARD` and so on. */
  readonly actions: readonly string[];
}

/** Reads the host by the kind's own probes and assesses one resource. */
export async function lookAt<Spec>(host: LabHost, kind: Kind<Spec>, spec: Spec): Promise<Look> {
  const probes = [...systemProbes, ...kind.probes(spec)];
  const mark = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";
  const facts = parseFacts(Buffer.from(await host.must(factsScript(probes, mark))), probes, mark);
  if (facts === undefined) throw new Error("the facts are not whole");
  const gateway = readGateway(facts);
  const at = { file: "playbook.yml", line: 1, column: 1 };
  const resource = { address: `${kind.name}[x]`, kind: kind.name, name: "x", spec, tags: [], ignore_drift: [], at };
  const assessment = kind.assess(resource, gateway);
  return { gateway, assessment, actions: assessment.changes.map(({ action, target }) => `${action} ${target}`) };
}

/** Runs the steps of an assessment as a run does: merged, then what closes the run. */
export async function applyTo(host: LabHost, { gateway, assessment }: Look): Promise<void> {
  const { writes, closing } = mergeChanges(assessment.changes, (batch) => [undoOf(batch, gateway.firewall.tables)]);
  const context = { libreswan: undefined, reveal: (text: string) => text };
  for (const { step } of [...writes, ...closing])
    await host.must(`${ENVIRONMENT}\n${LIBRARY}\n${stepScript(step, "1", context)}`);
}
