import type { Gateway } from "../gateway/gateway.ts";
import { daemonProbes, type LoadedConn, trafficOf } from "../libreswan/state.ts";
import type { BondEspOffload } from "../model/specs.generated.ts";
import type { Bond } from "../network/bonding.ts";
import { ESP_OFFLOAD, type Feature } from "../network/offload.ts";
import { offloadRepairs } from "../network/offload-repair.ts";
import { addressesOn, interruptionRisk } from "../network/path.ts";
import { type Profile, profileMode } from "../network/profile.ts";
import { bondProbes } from "../network/state.ts";
import type { Assessment, Kind } from "./kind.ts";

/** A bond offloads ESP: active-backup, every port capable, the feature on in its profile and at run time. */
export const bondEspOffload: Kind<BondEspOffload> = {
  name: "bond_esp_offload",
  probes: () => [...bondProbes, ...daemonProbes],
  assess: ({ spec }, gateway) => {
    const bond = gateway.network.bonds.get(spec.bond);
    if (bond === undefined) return blocked(noBond(gateway, spec.bond));
    if (!gateway.system.tools.has("ethtool"))
      return blocked({
        reason: `ethtool is not installed, so nobody can tell what ${bond.name} and its ports offload`,
        unblock: "install ethtool",
      });
    const profile = profileFor(spec, gateway);
    if ("reason" in profile) return blocked(profile);
    const obstacle = modeObstacle(bond, profile) ?? portObstacle(spec, bond, gateway) ?? driverObstacle(bond, gateway);
    if (obstacle !== undefined) return blocked(obstacle);
    const { features } = gateway.network;
    const users = connsOn(bond, gateway);
    const changes = offloadRepairs(bond, profile, {
      features,
      interrupts: users.filter((name) => trafficOf(gateway.daemon, name).length > 0),
      plutoAnswers: gateway.daemon.answer === "answered",
    });
    const risk = changes.some(({ risks_access }) => risks_access)
      ? interruptionRisk(gateway.network, bond.name, gateway.system.connection)
      : undefined;
    if (risk !== undefined)
      return blocked({
        reason: `${bond.name} must be activated anew to become active-backup, and ${risk}`,
        unblock: `run \`nmcli connection up ${profile.uuid}\` from a console, or reach the host by another interface`,
      });
    const assessment = { changes, notes: notesOn(spec, bond, gateway) };
    const held = features.get(bond.name)?.get(ESP_OFFLOAD);
    return spec.require_capable_ports && held?.requested === true && !held.on
      ? { ...assessment, violated: `ESP offload is asked for on ${bond.name}, and the kernel keeps it off` }
      : assessment;
  },
};

interface Obstacle {
  readonly reason: string;
  readonly unblock: string;
}

function blocked(obstacle: Obstacle): Assessment {
  return { changes: [], notes: [], blocked: obstacle };
}

function noBond(gateway: Gateway, name: string): Obstacle {
  const known = [...gateway.network.bonds.keys()];
  return {
    reason: `the host has no bond ${name}${known.length > 0 ? ` (it has ${known.join(", ")})` : ""}`,
    unblock: `create the bond, or correct \`bond\``,
  };
}

function profileFor(spec: BondEspOffload, gateway: Gateway): Profile | Obstacle {
  const { nmRunning, profiles } = gateway.network;
  if (!nmRunning)
    return {
      reason: `NetworkManager does not run, so no profile keeps the setting of ${spec.bond}`,
      unblock: `start NetworkManager, or set it where the host configures ${spec.bond} (in ifcfg-${spec.bond}: ETHTOOL_OPTS="-K ${spec.bond} ${ESP_OFFLOAD} on") and take the resource out`,
    };
  const ofBond = profiles.filter(({ device, interfaceName }) => device === spec.bond || interfaceName === spec.bond);
  const named =
    spec.connection === undefined
      ? ofBond
      : ofBond.filter(({ name, uuid }) => name === spec.connection || uuid === spec.connection);
  // Two profiles may bear one name; the one that the bond runs on is the one that is meant.
  const active = named.find(({ device }) => device === spec.bond);
  const [only, another] = named;
  if (active !== undefined) return active;
  if (only === undefined)
    return {
      reason:
        spec.connection === undefined
          ? `NetworkManager has no profile of ${spec.bond}`
          : `NetworkManager has no profile ${spec.connection} of ${spec.bond}${ofBond.length > 0 ? ` (it has ${ofBond.map(({ name }) => name).join(", ")})` : ""}`,
      unblock: "correct `connection`, or create the profile",
    };
  if (another !== undefined)
    return {
      reason: `several profiles are of ${spec.bond} and none is active: ${named.map(({ name, uuid }) => `${name} (${uuid})`).join(", ")}`,
      unblock: "name one by its UUID as `connection`",
    };
  return only;
}

/** Modes that work on any switch, as active-backup does; the others need the switch's ports grouped, which we cannot see or change. */
const SWITCH_INDEPENDENT = new Set(["active-backup", "balance-tlb", "balance-alb"]);

function modeObstacle(bond: Bond, profile: Profile): Obstacle | undefined {
  if (SWITCH_INDEPENDENT.has(bond.mode) || profileMode(profile) === "active-backup") return undefined;
  return {
    reason: `${bond.name} runs in mode ${bond.mode}; the kernel offloads ESP on a bond in mode active-backup only`,
    unblock: `take the port group out of the switch and change the profile in a maintenance window: nmcli connection modify ${profile.uuid} +bond.options mode=active-backup`,
  };
}

function portObstacle(spec: BondEspOffload, bond: Bond, gateway: Gateway): Obstacle | undefined {
  if (!spec.require_capable_ports) return undefined;
  if (bond.ports.length === 0)
    return { reason: `${bond.name} has no ports, so nothing can offload`, unblock: "attach ports that offload ESP" };
  const incapable = incapablePorts(bond, gateway);
  if (incapable.length === 0) return undefined;
  return {
    reason: `${incapable.join(", ")} of ${bond.name} cannot offload ESP`,
    unblock: "use ports whose `ethtool -k` shows esp-hw-offload without [fixed], or set `require_capable_ports: false`",
  };
}

/** A bonding driver without ESP features (before Linux 5.10, or built without them) has nothing to switch on. */
function driverObstacle(bond: Bond, gateway: Gateway): Obstacle | undefined {
  if (bond.mode !== "active-backup" || isCapable(gateway.network.features.get(bond.name)?.get(ESP_OFFLOAD))) return undefined;
  return {
    reason: `the bonding driver of kernel ${gateway.system.kernel} does not offload ESP`,
    unblock: "boot a kernel whose `ethtool -k` shows esp-hw-offload of the bond without [fixed]",
  };
}

/** The ports that cannot offload, each with its driver. */
function incapablePorts(bond: Bond, gateway: Gateway): readonly string[] {
  const { features, drivers } = gateway.network;
  return bond.ports
    .filter(({ name }) => !isCapable(features.get(name)?.get(ESP_OFFLOAD)))
    .map(({ name }) => (drivers.has(name) ? `${name} (${drivers.get(name)})` : name));
}

function isCapable(feature: Feature | undefined): boolean {
  return feature !== undefined && (feature.on || !feature.fixed);
}

/** The conns of the file whose local end is an address of the bond or of what stands on it; an unoriented one may be. */
function connsOn(bond: Bond, gateway: Gateway, also: (conn: LoadedConn) => boolean = () => true): readonly string[] {
  const own = new Set(addressesOn(gateway.network, bond.name).map(({ address }) => address));
  const names = [...gateway.daemon.conns.values()]
    .filter(({ ours, theirs, routing }) => own.has(ours.host) || (routing === "unoriented" && own.has(theirs.host)))
    .filter(also)
    .map(({ name }) => name.replace(/\/\d+x\d+$/, ""));
  return [...new Set(names)];
}

function notesOn(spec: BondEspOffload, bond: Bond, gateway: Gateway): readonly string[] {
  const { drivers, features } = gateway.network;
  const incapable = spec.require_capable_ports ? [] : incapablePorts(bond, gateway);
  const port = bond.activePort;
  const driver = port === undefined ? undefined : drivers.get(port);
  const offloading = connsOn(bond, gateway, ({ fields }) => /^(yes|crypto|packet|auto)$/.test(fields.get("nic-offload") ?? ""));
  return [
    ...(offloading.length > 0 ? [`conns on ${bond.name} that ask for offload (nic-offload): ${offloading.join(", ")}`] : []),
    ...(incapable.length > 0
      ? [`${incapable.join(", ")} cannot offload ESP: traffic that crosses such a port is encrypted in software`]
      : []),
    ...(port === undefined ? [] : [`the active port of ${bond.name} is ${port}${driver === undefined ? "" : ` (${driver})`}`]),
    ...(driver?.startsWith("ixgbe") ? [`${driver} offloads AES-GCM with 128-bit keys and a 16-byte ICV only, and no NAT-T`] : []),
    ...(features.get(bond.name)?.get(ESP_OFFLOAD)?.requested === true
      ? [`ESP offload is asked for on ${bond.name}, and the kernel keeps it off because of the ports`]
      : []),
  ];
}
