import { afterFirewallStep, readFirewall } from "../firewall/state.ts";
import { afterKernelStep, readKernel } from "../kernel/state.ts";
import { afterDaemonStep, readDaemon } from "../libreswan/state.ts";
import type { Facts, FileFact } from "../model/fact.ts";
import type { Step } from "../model/step.ts";
import { afterNetworkStep, readNetwork } from "../network/state.ts";
import type { Gateway } from "./gateway.ts";
import { readSystem } from "./system.ts";

/** The gateway as its facts show it, before any planned step. */
export function readGateway(facts: Facts): Gateway {
  return {
    facts,
    files: facts.files,
    system: readSystem(facts),
    daemon: readDaemon(facts),
    firewall: readFirewall(facts),
    kernel: readKernel(facts),
    network: readNetwork(facts),
  };
}

/** The gateway as the steps leave it: what the next resource of the plan is assessed against. */
export function afterSteps(gateway: Gateway, steps: readonly Step[]): Gateway {
  return steps.reduce(afterStep, gateway);
}

function afterStep(gateway: Gateway, step: Step): Gateway {
  return {
    ...gateway,
    files: afterFileStep(gateway, step),
    daemon: afterDaemonStep(gateway.daemon, step),
    firewall: afterFirewallStep(gateway.firewall, step),
    kernel: afterKernelStep(gateway.kernel, step),
    network: afterNetworkStep(gateway.network, step),
  };
}

function afterFileStep(gateway: Gateway, step: Step): ReadonlyMap<string, FileFact> {
  const { files } = gateway;
  switch (step.do) {
    case "write-file": {
      const existing = files.get(step.path);
      const fact: FileFact = existing
        ? { ...existing, content: step.after, encoding: step.encoding }
        : { path: step.path, content: step.after, encoding: step.encoding, mode: "-rw-r--r--", uid: 0, gid: 0 };
      return new Map(files).set(step.path, fact);
    }
    case "remove-file": {
      const rest = new Map(files);
      rest.delete(step.path);
      return rest;
    }
    case "restore-file": {
      const original = gateway.facts.files.get(step.path);
      const restored = new Map(files);
      if (original) restored.set(step.path, original);
      else restored.delete(step.path);
      return restored;
    }
    default:
      return files;
  }
}
