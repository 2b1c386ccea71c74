import { interfacesOf, type SysctlValues } from "./sysctl.ts";

/** What a gateway wants of the kernel; what is not named is not managed. */
export interface WantedSettings {
  readonly forwarding?: boolean;
  readonly redirects?: boolean;
  readonly rp_filter?: "off" | "strict" | "loose";
}

/** What the settings depend on besides the wish. */
export interface SettingsScope {
  /** IPv6 is forwarded too. */
  readonly ipv6: boolean;
  /** Interfaces by which tunnel packets come in: the reverse-path filter matters there. */
  readonly tunnelInterfaces: readonly string[];
}

/** A setting by path; undefined where the kernel does not have it. */
export type Lookup = (path: string) => string | undefined;

/** One setting: where it does not hold, the value makes it so. */
export interface Setting {
  readonly property: keyof WantedSettings;
  readonly path: string;
  readonly value: string;
  readonly reason: string;
  /** By what the kernel makes of all values together, not by this value alone. */
  readonly holds: (lookup: Lookup) => boolean;
}

const FORWARD = "net/ipv4/ip_forward";
const FORWARD6 = "net/ipv6/conf/all/forwarding";

/** The settings that make up the wish, in the order in which they must be written: forwarding changes what redirects are. */
export function gatewaySettings(wanted: WantedSettings, values: SysctlValues, scope: SettingsScope): readonly Setting[] {
  const settings = [...forwarding(wanted, scope), ...redirects(wanted, values, scope), ...reversePath(wanted, scope)];
  return settings.filter(({ path }) => values.has(path));
}

/** What the kernel starts with, where no file says otherwise. */
export function kernelDefault(path: string): string {
  return path.endsWith("_redirects") ? "1" : "0";
}

function forwarding({ forwarding: wanted }: WantedSettings, { ipv6 }: SettingsScope): readonly Setting[] {
  if (wanted === undefined) return [];
  const value = wanted ? "1" : "0";
  const reason = wanted
    ? "a gateway must forward packets between the tunnel and its networks"
    : "this host shall not forward packets";
  return [FORWARD, ...(ipv6 ? [FORWARD6] : [])].map((path) => ({
    property: "forwarding",
    path,
    value,
    reason,
    holds: (lookup) => lookup(path) === value,
  }));
}

function redirects({ redirects: wanted }: WantedSettings, values: SysctlValues, { ipv6 }: SettingsScope): readonly Setting[] {
  if (wanted === undefined) return [];
  const value = wanted ? "1" : "0";
  const scopes = ["all", "default", ...interfacesOf(values)];
  const reason = wanted ? "redirects are wanted" : "a redirect would lead packets past the tunnel";
  const setting = (path: string, holds: Setting["holds"]): Setting => ({ property: "redirects", path, value, reason, holds });
  const send = (scope: string): string => `net/ipv4/conf/${scope}/send_redirects`;
  const accept = (scope: string): string => `net/ipv4/conf/${scope}/accept_redirects`;
  const accept6 = (scope: string): string => `net/ipv6/conf/${scope}/accept_redirects`;
  return [
    // An interface sends redirects if either its own or the common switch is on.
    ...scopes.map((scope) =>
      setting(send(scope), (lookup) => lookup(send(scope)) === value || (wanted && lookup(send("all")) === "1")),
    ),
    // A router accepts them only if both are on, a host if either is.
    ...scopes.map((scope) =>
      setting(
        accept(scope),
        (lookup) => lookup(accept(scope)) === value || (!wanted && lookup(FORWARD) === "1" && lookup(accept("all")) === "0"),
      ),
    ),
    // IPv6 has no common switch, and a router never accepts any.
    ...scopes
      .filter((scope) => scope !== "all")
      .map((scope) =>
        setting(accept6(scope), (lookup) => lookup(accept6(scope)) === value || (!wanted && ipv6 && lookup(FORWARD6) === "1")),
      ),
  ];
}

const MODES = { off: 0, strict: 1, loose: 2 } as const;

/** The filter of an interface is the greater of its own value and the common one. */
function reversePath({ rp_filter: wanted }: WantedSettings, { tunnelInterfaces }: SettingsScope): readonly Setting[] {
  if (wanted === undefined) return [];
  const mode = MODES[wanted];
  const path = (scope: string): string => `net/ipv4/conf/${scope}/rp_filter`;
  const number = (lookup: Lookup, scope: string): number => Number(lookup(path(scope)) ?? 0);
  const reason =
    wanted === "strict"
      ? "only packets from where the route back leads may come in"
      : "tunnel packets come in by another interface than the route back, and a strict filter drops them";
  const setting = (scope: string, holds: Setting["holds"]): Setting => ({
    property: "rp_filter",
    path: path(scope),
    value: String(mode),
    reason,
    holds,
  });
  return [
    setting("all", (lookup) => number(lookup, "all") <= mode),
    ...tunnelInterfaces.map((name) => setting(name, (lookup) => Math.max(number(lookup, "all"), number(lookup, name)) === mode)),
  ];
}
