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

/** Splits one line of `nmcli -t`: fields stand between colons, and a colon or backslash in a value is escaped by a backslash. */
export function splitTerse(line: string): readonly string[] {
  const fields = [""];
  for (const [, escaped, colon, plain] of line.matchAll(/\\(.)|(:)|([^:\\]+|\\$)/gsu)) {
    if (colon !== undefined) fields.push("");
    else fields[fields.length - 1] += escaped ?? plain ?? "";
  }
  return fields;
}

/** Reads `nmcli -t -f PROPERTY,… connection show UUID`: one `property:value` a line, values escaped likewise. */
export function parseProperties(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [name = "", ...rest] = splitTerse(line);
    if (name !== "") properties.set(name, rest.join(":"));
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

/** Bond options as NetworkManager prints them, by name; commas of a list value are part of it. */
export function bondOptions(text: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  let last: string | undefined;
  for (const part of text.split(",")) {
    const equals = part.indexOf("=");
    // `arp_ip_target=10.0.0.1,10.0.0.2`: a part without a name continues the value before it.
    if (equals < 0 && last !== undefined) options.set(last, `${options.get(last)},${part.trim()}`);
    if (equals < 0) continue;
    last = part.slice(0, equals).trim();
    options.set(last, part.slice(equals + 1).trim());
  }
  return options;
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
  if (property === "+bond.options") {
    const merged = new Map([...bondOptions(profile.bondOptions), ...bondOptions(value)]);
    return { ...profile, bondOptions: [...merged].map(([name, option]) => `${name}=${option}`).join(",") };
  }
  return profile;
}

/** Where a profile keeps an ethtool feature: `ethtool.feature-esp-hw-offload`. */
export const FEATURE_PREFIX = "ethtool.feature-";
