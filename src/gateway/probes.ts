import { persistProbes } from "../firewall/persist.ts";
import { firewallProbes } from "../firewall/state.ts";
import { sysctlProbes, xfrmProbes, xfrmStatProbe, xfrmStatProbes } from "../kernel/state.ts";
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
  ...xfrmStatProbes,
  ...sysctlProbes,
  ...addressProbes,
  ...featureProbes,
  ...bondProbes,
];

/** The probes as they must run: the error counters are sampled before and after everything else, checks with their traffic included. */
export function inOrder(probes: readonly Probe[]): readonly Probe[] {
  const late = new Set(xfrmStatProbes.map(({ key }) => key));
  const isFirst = ({ key }: Probe): boolean => key === xfrmStatProbe.key;
  return [
    ...probes.filter(isFirst),
    ...probes.filter((probe) => !isFirst(probe) && !late.has(probe.key)),
    ...probes.filter(({ key }) => late.has(key)),
  ];
}
