import type { Facts, Probe, Reading } from "../model/fact.ts";
import type { Step } from "../model/step.ts";
import { afterWrite, parseSysctl, type SysctlValues, sysctlPath } from "./sysctl.ts";
import { SYSCTL_DIRECTORIES } from "./sysctl-files.ts";
import { type Policy, parseAssociations, parsePolicies, type SecurityAssociation } from "./xfrm.ts";
import { parseXfrmStat, type XfrmStat } from "./xfrm-stat.ts";

/** The kernel's part of IPsec on one gateway. */
export interface KernelState {
  readonly policies: readonly Policy[];
  readonly associations: readonly SecurityAssociation[];
  /** Whether the policies and SAs could be read: without that right they look empty. */
  readonly xfrm: "read" | "denied" | "unavailable";
  /** Error counters: two readings of this run, and the one that the run before recorded. */
  readonly xfrmStat: { readonly recorded: XfrmStat; readonly first: XfrmStat; readonly last: XfrmStat };
  readonly sysctl: SysctlValues;
  /** Names in sysctl.d that a link to /dev/null hides. */
  readonly maskedSysctlFiles: ReadonlySet<string>;
}

/** A reading of the error counters, before anything else is asked. */
export const xfrmStatProbe: Probe = { key: "kernel.xfrm_stat.first", command: "cat /proc/net/xfrm_stat" };

/**
 * Policies and SAs. Keys never leave the gateway: an `ip` without `nokeys` is read through a filter, and the filter stays on
 * where it has it. An SPI is a short number and passes.
 */
export const xfrmProbes: readonly Probe[] = [
  {
    key: "kernel.xfrm.policy",
    command: "ip xfrm policy list 2>&1",
  },
  {
    key: "kernel.xfrm.state",
    command: `{ ip xfrm state list nokeys || ip xfrm state list; } 2>/dev/null | sed 's/0x[0-9a-fA-F]\\{9,\\}/<<Keys hidden>>/g'`,
  },
];

/** The later reading of the counters, and what the run before left. Ask for them last. */
export const xfrmStatProbes: readonly Probe[] = [
  { key: "kernel.xfrm_stat.last", command: "cat /proc/net/xfrm_stat" },
  { key: "kernel.xfrm_stat.recorded", command: "cat /var/lib/ipsec-fix/xfrm_stat; true" },
];

const SETTINGS = [
  "ipv4/ip_forward",
  "ipv6/conf/all/forwarding",
  "ipv4/conf/*/rp_filter",
  "ipv4/conf/*/send_redirects",
  "ipv4/conf/*/accept_redirects",
  "ipv6/conf/*/accept_redirects",
  "ipv6/conf/*/accept_ra",
];

/** Settings at run time. */
export const sysctlProbe: Probe = {
  key: "kernel.sysctl",
  // Not by the shell's own read: it asks for a byte at a time, and such a file has no second one.
  command: `grep -H . ${SETTINGS.map((path) => `/proc/sys/net/${path}`).join(" ")}; true`,
};

/** Settings at run time, and every file that sets them at boot. */
export const sysctlProbes: readonly Probe[] = [
  sysctlProbe,
  {
    key: "kernel.sysctl.files",
    command: `linked=
for conf in ${SYSCTL_DIRECTORIES.map((directory) => `${directory}/*.conf`).join(" ")}; do
  if [ -L "$conf" ]; then case $(readlink -f -- "$conf") in
    /dev/null) echo "\${conf##*/}"; continue ;;
    /etc/sysctl.conf) linked=yes ;;
  esac; fi
  file "$conf"
done
[ -n "$linked" ] || file /etc/sysctl.conf`,
  },
];

/** The kernel as the facts show it. */
export function readKernel(facts: Facts): KernelState {
  const reading = (key: string): Reading => facts.readings.get(`kernel.${key}`) ?? { exit: undefined, text: "" };
  const policy = reading("xfrm.policy");
  return {
    policies: policy.exit === 0 ? parsePolicies(policy.text) : [],
    associations: parseAssociations(reading("xfrm.state").text),
    xfrm: policy.exit === 0 ? "read" : /not permitted|denied/i.test(policy.text) ? "denied" : "unavailable",
    xfrmStat: {
      recorded: parseXfrmStat(reading("xfrm_stat.recorded").text),
      first: parseXfrmStat(reading("xfrm_stat.first").text),
      last: parseXfrmStat(reading("xfrm_stat.last").text),
    },
    sysctl: parseSysctl(reading("sysctl").text),
    maskedSysctlFiles: new Set(
      reading("sysctl.files")
        .text.split("\n")
        .filter((name) => name !== ""),
    ),
  };
}

/** The state after a step of this room; a step of another room leaves it as it is. */
export function afterKernelStep(state: KernelState, step: Step): KernelState {
  return step.do === "sysctl" ? { ...state, sysctl: afterWrite(state.sysctl, sysctlPath(step.key), step.value) } : state;
}
