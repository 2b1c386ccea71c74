import type { Facts, Probe } from "../model/fact.ts";
import type { Step } from "../model/step.ts";

export interface KernelState {
  readonly placeholder: never[];
}

export const kernelProbes: readonly Probe[] = [];

export function readKernel(_facts: Facts): KernelState {
  return { placeholder: [] };
}

/** The state after a step of this room; a step of another room leaves it as it is. */
export function afterKernelStep(state: KernelState, _step: Step): KernelState {
  return state;
}
