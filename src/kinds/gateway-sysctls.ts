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
    const saved = fileCorrections(settings, gateway);
    if ("changes" in saved) return saved;
    return { changes: changesOf([...runtimeCorrections(settings, sysctl), ...saved.corrections]), notes: ipv6.notes };
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

/** What makes one setting hold: a key of the kernel, or a line of a file. */
interface Correction {
  readonly setting: Setting;
  readonly held: string | undefined;
  readonly steps: readonly Step[];
  readonly undo: readonly Step[];
  /** The file that keeps it for the next boot; undefined for the kernel itself. */
  readonly file?: string;
}

/** One change for each setting and place: the same setting of several interfaces is one thing to review. */
function changesOf(corrections: readonly Correction[]): readonly Change[] {
  const groups: Correction[][] = [];
  for (const correction of corrections) {
    const last = groups.at(-1)?.[0];
    const joins =
      last !== undefined && last.file === correction.file && pattern(last.setting.path) === pattern(correction.setting.path);
    if (joins) groups.at(-1)?.push(correction);
    else groups.push([correction]);
  }
  return groups.flatMap((group) => changeOf(group));
}

function changeOf(group: readonly Correction[]): readonly Change[] {
  const [first] = group;
  if (first === undefined) return [];
  const { file, setting } = first;
  const isOne = group.length === 1;
  const key = sysctlKey(isOne ? setting.path : pattern(setting.path));
  const held = new Set(group.map((one) => one.held));
  return [
    {
      action: file !== undefined && group.every((one) => one.held === undefined) ? "create" : "update",
      target: file === undefined ? key : `${file} ${key}`,
      property: setting.property,
      before:
        held.size === 1
          ? (first.held ?? null)
          : group.map((one) => `${scopeOf(one.setting.path)} ${one.held ?? "not set"}`).join(", "),
      after: isOne ? setting.value : `${setting.value} for ${group.map((one) => scopeOf(one.setting.path)).join(", ")}`,
      reason: file === undefined ? setting.reason : `${setting.reason}; this keeps it after a boot`,
      impact: "none",
      risks_access: false,
      interrupts: [],
      steps: oneWrite(group.flatMap(({ steps }) => steps)),
      undo: file === undefined ? [...group].reverse().flatMap(({ undo }) => undo) : first.undo,
    },
  ];
}

/** Several lines of one file are one write. */
function oneWrite(steps: readonly Step[]): readonly Step[] {
  const [first, last] = [steps[0], steps.at(-1)];
  return first?.do === "write-file" && last?.do === "write-file" ? [{ ...last, before: first.before }] : steps;
}

/** One path for a setting of all interfaces: a star in the place of the interface. */
function pattern(path: string): string {
  return path.replace(PER_INTERFACE, "$1*$3");
}

function scopeOf(path: string): string {
  return PER_INTERFACE.exec(path)?.[2] ?? path;
}

const PER_INTERFACE = /^(net\/ipv[46]\/conf\/)(.+)(\/[^/]+)$/;

/** What does not hold now; each setting is judged on what the ones before it leave. */
function runtimeCorrections(settings: readonly Setting[], before: SysctlValues): readonly Correction[] {
  const corrections: Correction[] = [];
  let values = before;
  for (const setting of settings) {
    const { path, value, holds } = setting;
    if (holds((other) => values.get(other))) continue;
    const held = values.get(path) ?? "";
    corrections.push({ setting, held, steps: [step(path, value)], undo: undoWrite(values, path, value) });
    values = afterWrite(values, path, value);
  }
  return corrections;
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

/** What would not hold after a boot. */
function fileCorrections(
  settings: readonly Setting[],
  gateway: Gateway,
): { readonly corrections: readonly Correction[] } | Assessment {
  const corrections: Correction[] = [];
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
    const file = files.get(target);
    const before = file?.content ?? null;
    const after = withSetting(before ?? HEAD, setting.path, setting.value);
    const encoding = file?.encoding ?? "utf8";
    corrections.push({
      setting,
      held: winner?.value,
      file: target,
      steps: [{ do: "write-file", path: target, before, after, encoding, create_mode: "0644" }],
      undo: [{ do: "restore-file", path: target }],
    });
    const written: FileFact = { mode: "-rw-r--r--", uid: 0, gid: 0, ...file, path: target, content: after, encoding };
    files = new Map(files).set(target, written);
  }
  return { corrections };
}

function bootOrder(files: ReadonlyMap<string, FileFact>, gateway: Gateway): BootOrder {
  return { files, masked: gateway.kernel.maskedSysctlFiles, readsSysctlConf: gateway.system.init !== "systemd" };
}
