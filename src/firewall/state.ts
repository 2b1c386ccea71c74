import type { Facts, Probe } from "../model/fact.ts";
import type { Step } from "../model/step.ts";

export interface FirewallState {
  readonly placeholder: never[];
}

export const firewallProbes: readonly Probe[] = [];

export function readFirewall(_facts: Facts): FirewallState {
  return { placeholder: [] };
}

/** The state after a step of this room; a step of another room leaves it as it is. */
export function afterFirewallStep(state: FirewallState, _step: Step): FirewallState {
  return state;
}
