import { persistProbes } from "../firewall/persist.ts";
import { firewallProbes } from "../firewall/state.ts";
import { sysctlProbes, xfrmProbes, xfrmStatProbe } from "../kernel/state.ts";
import { confProbe } from "../libreswan/probes.ts";
import { daemonProbes } from "../libreswan/state.ts";
import type { Probe } from "../model/fact.ts";
import { addressProbes, bondProbes, featureProbes } from "../network/state.ts";

/** Everything that any kind asks of a gateway. */
export const allProbes: readonly Probe[] = [
  ...daemonProbes,
  confProbe,
  ...firewallProbes,
  ...persistProbes,
  ...xfrmProbes,
  xfrmStatProbe,
  ...sysctlProbes,
  ...addressProbes,
  ...featureProbes,
  ...bondProbes,
];
