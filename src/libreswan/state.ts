import type { Facts, Probe } from "../model/fact.ts";
import type { Step } from "../model/step.ts";

export interface DaemonState {
  readonly placeholder: never[];
}

export const daemonProbes: readonly Probe[] = [];

export function readDaemon(_facts: Facts): DaemonState {
  return { placeholder: [] };
}

/** The state after a step of this room; a step of another room leaves it as it is. */
export function afterDaemonStep(state: DaemonState, _step: Step): DaemonState {
  return state;
}
