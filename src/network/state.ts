import type { Facts, Probe } from "../model/fact.ts";
import type { Step } from "../model/step.ts";
import type { Family } from "../text/address.ts";
import { type Link, type LocalAddress, parseAddresses, parseRoutes, type Route } from "./address-table.ts";
import { type Bond, parseBond } from "./bonding.ts";
import { ESP_OFFLOAD, type Feature, parseFeatures } from "./offload.ts";
import { afterModify, type Profile, parseProperties, profileMode, profileOf } from "./profile.ts";

/** Interfaces, addresses, routes, bonds and their offload features, and what NetworkManager keeps of them. */
export interface NetworkState {
  readonly addresses: readonly LocalAddress[];
  readonly links: readonly Link[];
  /** The main table, both families. */
  readonly routes: readonly Route[];
  readonly defaultRoute: { readonly [family in Family]?: Route };
  /** ESP features by interface: bonds, their ports, and interfaces with a global address. Filled by `featureProbes`. */
  readonly features: ReadonlyMap<string, ReadonlyMap<string, Feature>>;
  /** Drivers of the same interfaces. */
  readonly drivers: ReadonlyMap<string, string>;
  /** Filled by `bondProbes`, as is the rest. */
  readonly bonds: ReadonlyMap<string, Bond>;
  /** NetworkManager's profiles of bonds. */
  readonly profiles: readonly Profile[];
  readonly nmRunning: boolean;
  /** The interface by which answers to the management connection leave, as the kernel routes them. */
  readonly managementDevice?: string;
}

const PROFILE_PROPERTIES = [
  "connection.id",
  "connection.uuid",
  "connection.type",
  "connection.interface-name",
  "bond.options",
  `ethtool.feature-${ESP_OFFLOAD}`,
].join(",");

/** Addresses, interfaces and routes: what nearly every kind needs, in three quick commands. */
export const addressProbes: readonly Probe[] = [
  {
    key: "network",
    command: ["ip addr show", "echo '== route'", "ip route show", "echo '== route6'", "ip -6 route show"].join("\n"),
  },
];

/** ESP features and drivers of bonds, ports and interfaces with a global address. */
export const featureProbes: readonly Probe[] = [
  {
    key: "network.features",
    command: [
      "{",
      '  ip -o addr show scope global | while read -r _ device _; do echo "$device"; done',
      "  for bond in /sys/class/net/*/bonding; do",
      '    [ -d "$bond" ] || continue',
      `    device=\${bond%/bonding}; echo "\${device##*/}"`,
      '    tr " " "\\n" < "$bond/slaves"',
      "  done",
      "} | sort -u | while read -r device; do",
      '  [ -n "$device" ] || continue',
      '  echo "== $device"',
      '  ethtool -i "$device"',
      '  ethtool -k "$device"',
      `done | sed -n -e '/^== /p' -e '/^driver:/p' -e '/esp-/p'`,
    ].join("\n"),
  },
];

/** Bonds as the kernel runs them, their NetworkManager profiles, and the way of the management connection. */
export const bondProbes: readonly Probe[] = [
  ...addressProbes,
  ...featureProbes,
  {
    key: "network.bonds",
    command: `for file in /proc/net/bonding/*; do [ -f "$file" ] && echo "== \${file##*/}" && cat "$file"; done`,
  },
  {
    key: "network.profiles",
    command: [
      "if list=$(nmcli -t -f UUID,TYPE,DEVICE connection show); then",
      "  echo running",
      `  printf '%s\\n' "$list" | while IFS=: read -r uuid type device; do`,
      '    [ "$type" = bond ] || continue',
      '    echo "== $device"',
      `    nmcli -t -f ${PROFILE_PROPERTIES} connection show uuid "$uuid"`,
      "  done",
      "fi",
    ].join("\n"),
  },
  {
    key: "network.management",
    command: [
      'echo "$SSH_CONNECTION" | {',
      "  read -r client _ server _",
      `  [ -n "$server" ] && ip route get "\${client%%%*}" from "\${server%%%*}"`,
      "}",
    ].join("\n"),
  },
];

export function readNetwork(facts: Facts): NetworkState {
  const text = (key: string): string => facts.readings.get(key)?.text ?? "";
  const [own = "", ...routeTexts] = text("network").split(/^== route6?$/m);
  const { addresses, links } = parseAddresses(own);
  const routes = [...parseRoutes(routeTexts[0] ?? "", "ipv4"), ...parseRoutes(routeTexts[1] ?? "", "ipv6")];
  const devices = sections(text("network.features"));
  const managementDevice = / dev (\S+)/.exec(text("network.management"))?.[1];
  return {
    addresses,
    links,
    routes,
    defaultRoute: { ...defaultRoute(routes, "ipv4"), ...defaultRoute(routes, "ipv6") },
    features: new Map(devices.map(({ name, body }) => [name, parseFeatures(body)])),
    drivers: new Map(
      devices.flatMap(({ name, body }) => {
        const driver = /^driver: (\S+)/m.exec(body)?.[1];
        return driver === undefined ? [] : [[name, driver] as const];
      }),
    ),
    bonds: new Map(
      sections(text("network.bonds")).flatMap(({ name, body }) => {
        const bond = parseBond(name, body);
        return bond ? [[name, bond] as const] : [];
      }),
    ),
    profiles: sections(text("network.profiles"))
      .map(({ name, body }) => profileOf(parseProperties(body), name))
      .filter((profile) => profile.uuid !== ""),
    nmRunning: text("network.profiles").startsWith("running"),
    ...(managementDevice === undefined ? {} : { managementDevice }),
  };
}

/** The state after a step of this room; a step of another room leaves it as it is. */
export function afterNetworkStep(state: NetworkState, step: Step): NetworkState {
  switch (step.do) {
    case "nm-modify":
      return {
        ...state,
        profiles: state.profiles.map((profile) =>
          isNamed(profile, step.connection) ? afterModify(profile, step.property, step.value) : profile,
        ),
      };
    case "nm-activate": {
      const profile = state.profiles.find((candidate) => isNamed(candidate, step.connection));
      return profile ? afterActivation(state, profile) : state;
    }
    case "ethtool-feature": {
      const before = state.features.get(step.device)?.get(step.feature);
      if (before === undefined || before.fixed) return state;
      return withFeature(state, step.device, { feature: step.feature, value: { on: step.on, fixed: false } });
    }
    default:
      return state;
  }
}

/** Whether a step that names a connection means this profile: by UUID, else by name. */
export function isNamed(profile: Profile, connection: string): boolean {
  return profile.uuid === connection || profile.name === connection;
}

/** Text of several things, each after a line `== NAME`. */
function sections(text: string): readonly { readonly name: string; readonly body: string }[] {
  return text
    .split(/^== /m)
    .slice(1)
    .map((section) => {
      const end = section.indexOf("\n");
      return end < 0 ? { name: section, body: "" } : { name: section.slice(0, end), body: section.slice(end + 1) };
    });
}

function defaultRoute(routes: readonly Route[], family: Family): { readonly [key in Family]?: Route } {
  const best = routes
    .filter((route) => route.destination.family === family && route.destination.prefix === 0 && route.type === "unicast")
    .toSorted((one, other) => one.metric - other.metric)[0];
  return best ? { [family]: best } : {};
}

/** An activated bond takes the mode and the features of its profile; only active-backup lets ESP features be set. */
function afterActivation(state: NetworkState, profile: Profile): NetworkState {
  const bond = state.bonds.get(profile.device) ?? state.bonds.get(profile.interfaceName);
  if (bond === undefined) return state;
  const mode = profileMode(profile);
  const bonds = new Map(state.bonds).set(bond.name, { ...bond, mode });
  const before = state.features.get(bond.name)?.get(ESP_OFFLOAD);
  const wanted = profile.features.get(ESP_OFFLOAD);
  const value =
    mode === "active-backup"
      ? { on: wanted ?? (bond.mode === mode && before ? before.on : true), fixed: false }
      : { on: false, fixed: true };
  return withFeature({ ...state, bonds }, bond.name, { feature: ESP_OFFLOAD, value });
}

function withFeature(
  state: NetworkState,
  device: string,
  { feature, value }: { readonly feature: string; readonly value: Feature },
): NetworkState {
  const features = new Map(state.features.get(device)).set(feature, value);
  return { ...state, features: new Map(state.features).set(device, features) };
}
