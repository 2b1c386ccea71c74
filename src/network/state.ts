import type { Facts, Probe } from "../model/fact.ts";
import type { Step } from "../model/step.ts";

export interface NetworkState {
  readonly placeholder: never[];
}

export const networkProbes: readonly Probe[] = [];

export function readNetwork(_facts: Facts): NetworkState {
  return { placeholder: [] };
}

/** The state after a step of this room; a step of another room leaves it as it is. */
export function afterNetworkStep(state: NetworkState, _step: Step): NetworkState {
  return state;
}
