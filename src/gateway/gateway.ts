import type { FirewallState } from "../firewall/state.ts";
import type { KernelState } from "../kernel/state.ts";
import type { DaemonState } from "../libreswan/state.ts";
import type { Facts, FileFact } from "../model/fact.ts";
import type { NetworkState } from "../network/state.ts";
import type { SystemState } from "./system.ts";

/**
 * One gateway as the plan so far leaves it: read from facts, then changed by the effect of each planned step (`gateway/effect`).
 * Immutable: an effect returns a new Gateway that shares what did not change.
 */
export interface Gateway {
  readonly facts: Facts;
  /** Every file that a probe brought back, as the plan so far leaves it. */
  readonly files: ReadonlyMap<string, FileFact>;
  readonly system: SystemState;
  readonly daemon: DaemonState;
  readonly firewall: FirewallState;
  readonly kernel: KernelState;
  readonly network: NetworkState;
}
