import { bondModeName } from "./bonding.ts";

/** A NetworkManager connection profile of a bond. */
export interface Profile {
  readonly uuid: string;
  readonly name: string;
  readonly type: string;
  /** The interface that the profile is for; a profile may leave it open. */
  readonly interfaceName: string;
  /** The interface that it is active on now, or empty. */
  readonly device: string;
  /** As NetworkManager prints them: `mode=active-backup,miimon=100`. */
  readonly bondOptions: string;
  /** Ethtool features that the profile sets; one that is unset or ignored is absent. */
  readonly features: ReadonlyMap<string, boolean>;
}

/**
 * Reads `nmcli -t -f PROPERTY,… connection show UUID`: one `property:value` a line. Only the tables of `-t` escape colons in
 * values; here they stand as they are (NetworkManager 1.42).
 */
export function parseProperties(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) properties.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return properties;
}

/** A profile from its properties. */
export function profileOf(properties: ReadonlyMap<string, string>, device: string): Profile {
  const value = (name: string): string => properties.get(name) ?? "";
  const features = new Map<string, boolean>();
  for (const [name, state] of properties) {
    if (name.startsWith(FEATURE_PREFIX) && (state === "on" || state === "off"))
      features.set(name.slice(FEATURE_PREFIX.length), state === "on");
  }
  return {
    uuid: value("connection.uuid"),
    name: value("connection.id"),
    type: value("connection.type"),
    interfaceName: value("connection.interface-name"),
    device,
    bondOptions: value("bond.options"),
    features,
  };
}

/** The mode that a profile's bond options name; NetworkManager's default is balance-rr. */
export function profileMode(profile: Profile): string {
  return bondModeName(bondOptions(profile.bondOptions).get("mode") ?? "balance-rr");
}

/** Bond options by name: `mode=active-backup,arp_ip_target=10.0.0.1 10.0.0.2`. */
export function bondOptions(text: string): ReadonlyMap<string, string> {
  const options = text.split(",").map((option) => {
    const equals = option.indexOf("=");
    return equals < 0
      ? ([option.trim(), ""] as const)
      : ([option.slice(0, equals).trim(), option.slice(equals + 1).trim()] as const);
  });
  return new Map(options.filter(([name]) => name !== ""));
}

/** The profile after `nmcli connection modify` of one property; a property of no interest here changes nothing. */
export function afterModify(profile: Profile, property: string, value: string): Profile {
  if (property.startsWith(FEATURE_PREFIX)) {
    const features = new Map(profile.features);
    const name = property.slice(FEATURE_PREFIX.length);
    if (value === "on" || value === "off") features.set(name, value === "on");
    else features.delete(name);
    return { ...profile, features };
  }
  if (property === "bond.options") return { ...profile, bondOptions: value };
  if (property !== "+bond.options" && property !== "-bond.options") return profile;
  const options = new Map(bondOptions(profile.bondOptions));
  for (const [name, option] of bondOptions(value)) {
    if (property.startsWith("+")) options.set(name, option);
    else options.delete(name);
  }
  return { ...profile, bondOptions: [...options].map(([name, option]) => `${name}=${option}`).join(",") };
}

/** Where a profile keeps an ethtool feature: `ethtool.feature-esp-hw-offload`. */
export const FEATURE_PREFIX = "ethtool.feature-";
