import { type Conn, optionOf } from "../libreswan/config.ts";
import type { Version } from "../libreswan/version.ts";
import type { NetworkState } from "../network/state.ts";
import { addressFamily, type Family, type Network, parseNetwork } from "../text/address.ts";

/** One end of a conn as the file says it. */
export interface End {
  /** An address, or a name that only the DNS knows. */
  readonly host: string;
  readonly isOurs: boolean;
  /** None: the host alone. */
  readonly networks: readonly Network[];
}

export interface Unfit {
  readonly reason: string;
}

type Side = "left" | "right";

/** Both ends of a conn, ours first, as Libreswan orients it by the addresses of the host. */
export function orientedEnds(conn: Conn, network: NetworkState, version: Version): readonly [End, End] | Unfit {
  const get = (key: string): string | undefined => optionOf(conn.options, key, { version, section: "conn" })?.value;
  const type = get("type")?.toLowerCase();
  if (type !== undefined && type !== "tunnel" && type !== "transport") return { reason: `type=${type} carries no IPsec traffic` };
  const left = readEnd("left", { get, network });
  if ("reason" in left) return left;
  const right = readEnd("right", { get, network });
  if ("reason" in right) return right;
  if (left.isOurs && right.isOurs) return { reason: "both left= and right= are addresses of this host" };
  if (left.isOurs) return [left, right];
  if (right.isOurs) return [right, left];
  return { reason: `it is not oriented: neither left=${left.host} nor right=${right.host} is an address of this host` };
}

interface Lookup {
  readonly get: (key: string) => string | undefined;
  readonly network: NetworkState;
}

function readEnd(side: Side, lookup: Lookup): End | Unfit {
  const { get, network } = lookup;
  const written = get(side);
  if (written === undefined) return { reason: `${side}= is not set` };
  if (get(`${side}addresspool`) !== undefined) return { reason: `${side}addresspool= gives its addresses to whoever connects` };
  const networks = networksOf(side, get);
  if ("reason" in networks) return networks;
  const host = hostOf(written, family(get), network);
  if (host === undefined) return { reason: `${side}=${written} is no fixed address` };
  return { host, isOurs: network.addresses.some(({ address }) => sameAddress(address, host)), networks };
}

/** The address that a host value stands for; a name stays a name. */
function hostOf(written: string, wanted: Family, network: NetworkState): string | undefined {
  if (!written.startsWith("%")) return written;
  const ofDevice = (device: string | undefined): string | undefined =>
    network.addresses.find((own) => own.device === device && own.family === wanted && own.scope !== "link")?.address;
  if (/^%defaultroute6?$/i.test(written)) {
    const route = network.defaultRoute[wanted];
    return route?.source ?? ofDevice(route?.device);
  }
  return ofDevice(written.slice(1));
}

/** The family of the outer addresses: as said, else as Libreswan guesses it. */
function family(get: Lookup["get"]): Family {
  const said = get("hostaddrfamily");
  if (said !== undefined) return said.includes("6") ? "ipv6" : "ipv4";
  const hosts = ["left", "right", "leftnexthop", "rightnexthop"].map((key) => get(key) ?? "");
  return hosts.some((host) => host.includes(":") || /^%(?:defaultroute|any)6$/.test(host)) ? "ipv6" : "ipv4";
}

function networksOf(side: Side, get: Lookup["get"]): readonly Network[] | Unfit {
  const texts = [
    ...(get(`${side}subnet`) ?? "").split(","),
    ...(get(`${side}subnets`) ?? "").replace(/[{}]/g, " ").split(/[\s,]+/),
  ]
    .map((text) => text.trim())
    .filter((text) => text !== "");
  const sourceip = get(`${side}sourceip`)?.split(",")[0];
  const networks: Network[] = [];
  for (const text of texts.length === 0 && sourceip !== undefined ? [sourceip] : texts) {
    // From 5.0 on protocol and port may follow: 10.0.1.0/24/tcp/80.
    const network = parseNetwork(text.split("/").slice(0, 2).join("/"));
    if (network === undefined) return { reason: `${side}subnet=${text} is no fixed network` };
    networks.push(network);
  }
  return networks;
}

function sameAddress(one: string, other: string): boolean {
  const [left, right] = [addressFamily(one) && parseNetwork(one), addressFamily(other) && parseNetwork(other)];
  return left !== undefined && right !== undefined && left.family === right.family && left.first === right.first;
}
