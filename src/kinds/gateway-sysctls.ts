import type { Gateway } from "../gateway/gateway.ts";
import { tunnelInterfaces, usesIpv6 } from "../gateway/tunnel-interfaces.ts";
import { gatewaySettings, kernelDefault, type Setting, type WantedSettings } from "../kernel/gateway-settings.ts";
import { sysctlProbes } from "../kernel/state.ts";
import { afterWrite, type SysctlValues, sysctlKey } from "../kernel/sysctl.ts";
import { type BootOrder, bootSetting, OWN_FILE, ownFileWins, withSetting } from "../kernel/sysctl-files.ts";
import { confProbe } from "../libreswan/probes.ts";
import { daemonProbes } from "../libreswan/state.ts";
import type { FileFact } from "../model/fact.ts";
import type { Change } from "../model/plan.ts";
import type { GatewaySysctls } from "../model/specs.generated.ts";
import type { Step } from "../model/step.ts";
import { addressProbes } from "../network/state.ts";
import type { Assessment, Kind } from "./kind.ts";

const EVERYTHING: WantedSettings = { forwarding: true, redirects: false, rp_filter: "loose" };
const HEAD = "# Kernel settings of an IPsec gateway, kept by ipsec-fix.\n";

/** Forwarding on, redirects off, the reverse-path filter loose where tunnels come in; at run time and at the next boot. */
export const gatewaySysctls: Kind<GatewaySysctls> = {
  name: "gateway_sysctls",
  probes: () => [...sysctlProbes, ...addressProbes, ...daemonProbes, confProbe],
  assess: ({ spec }, gateway) => {
    const wanted = Object.values(spec).some((value) => value !== undefined) ? spec : EVERYTHING;
    const { sysctl } = gateway.kernel;
    if (sysctl.size === 0)
      return blocked("the kernel's settings below /proc/sys/net cannot be read", "run with `become: true` on a Linux host");
    const ipv6 = ipv6Forwarding(wanted, gateway);
    const settings = gatewaySettings(wanted, sysctl, { ipv6: ipv6.isManaged, tunnelInterfaces: tunnelInterfaces(gateway) });
    const files = fileChanges(settings, gateway);
    if ("blocked" in files) return files;
    return { changes: [...runtimeChanges(settings, sysctl), ...files.changes], notes: ipv6.notes };
  },
};

function blocked(reason: string, unblock: string): Assessment {
  return { changes: [], notes: [], blocked: { reason, unblock } };
}

/** IPv6 is forwarded where a tunnel carries it. Forwarding stops router advertisements, which may be what the host lives by. */
function ipv6Forwarding(
  wanted: WantedSettings,
  gateway: Gateway,
): { readonly isManaged: boolean; readonly notes: readonly string[] } {
  const { sysctl } = gateway.kernel;
  const value = sysctl.get("net/ipv6/conf/all/forwarding");
  if (wanted.forwarding === false) return { isManaged: value !== undefined, notes: [] };
  if (wanted.forwarding === undefined || value === undefined || !usesIpv6(gateway)) return { isManaged: false, notes: [] };
  const device = gateway.network.defaultRoute.ipv6?.device;
  const listens = device !== undefined && sysctl.get(`net/ipv6/conf/${device}/accept_ra`) === "1";
  if (value === "1" || !listens) return { isManaged: true, notes: [] };
  return {
    isManaged: false,
    notes: [
      `IPv6 forwarding stays off: ${device} has the IPv6 default route and accepts router advertisements, which forwarding would stop; set net.ipv6.conf.${device}.accept_ra = 2 first`,
    ],
  };
}

/** One change for each setting that does not hold now; each is judged on what the ones before it leave. */
function runtimeChanges(settings: readonly Setting[], before: SysctlValues): readonly Change[] {
  const changes: Change[] = [];
  let values = before;
  for (const { property, path, value, reason, holds } of settings) {
    if (holds((other) => values.get(other))) continue;
    const held = values.get(path) ?? "";
    changes.push({
      action: "update",
      target: sysctlKey(path),
      property,
      before: held,
      after: value,
      reason,
      impact: "none",
      risks_access: false,
      interrupts: [],
      steps: [step(path, value)],
      undo: undoWrite(values, path, value),
    });
    values = afterWrite(values, path, value);
  }
  return changes;
}

function step(path: string, value: string): Step {
  return { do: "sysctl", key: sysctlKey(path), value };
}

/** Writes the old value, and whatever the kernel turned round along with it. */
function undoWrite(values: SysctlValues, path: string, value: string): readonly Step[] {
  const back = afterWrite(afterWrite(values, path, value), path, values.get(path) ?? "");
  const others = [...values].filter(([other, old]) => other !== path && back.get(other) !== old);
  return [step(path, values.get(path) ?? ""), ...others.map(([other, old]) => step(other, old))];
}

/** One change for each setting that would not hold after a boot. */
function fileChanges(settings: readonly Setting[], gateway: Gateway): { readonly changes: readonly Change[] } | Assessment {
  const changes: Change[] = [];
  let files = gateway.files;
  for (const setting of settings) {
    const order = bootOrder(files, gateway);
    if (setting.holds((path) => bootSetting(order, path)?.value ?? kernelDefault(path))) continue;
    const winner = bootSetting(order, setting.path);
    const target = winner === undefined || ownFileWins(winner) ? OWN_FILE : winner.path;
    if (!target.startsWith("/etc/"))
      return blocked(
        `${target} sets ${sysctlKey(setting.path)} = ${winner?.value ?? ""} at boot, after ${OWN_FILE}`,
        `put a file of the same name into /etc/sysctl.d, without that line`,
      );
    const change = fileChange(setting, files.get(target), target, winner?.value);
    changes.push(change.change);
    files = new Map(files).set(target, change.file);
  }
  return { changes };
}

function fileChange(
  { property, path, value, reason }: Setting,
  file: FileFact | undefined,
  target: string,
  held: string | undefined,
): { readonly change: Change; readonly file: FileFact } {
  const before = file?.content ?? null;
  const after = withSetting(before ?? HEAD, path, value);
  const encoding = file?.encoding ?? "utf8";
  const change: Change = {
    action: held === undefined ? "create" : "update",
    target: `${target} ${sysctlKey(path)}`,
    property,
    before: held ?? null,
    after: value,
    reason: `${reason}; this keeps it after a boot`,
    impact: "none",
    risks_access: false,
    interrupts: [],
    steps: [{ do: "write-file", path: target, before, after, encoding, create_mode: "0644" }],
    undo: [{ do: "restore-file", path: target }],
  };
  return { change, file: { mode: "-rw-r--r--", uid: 0, gid: 0, ...file, path: target, content: after, encoding } };
}

function bootOrder(files: ReadonlyMap<string, FileFact>, gateway: Gateway): BootOrder {
  return { files, masked: gateway.kernel.maskedSysctlFiles, readsSysctlConf: gateway.system.init !== "systemd" };
}
