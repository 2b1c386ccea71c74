import { addressFamily, contains, type Family, type Network, parseNetwork } from "../text/address.ts";

/** One address of the host's own. */
export interface LocalAddress {
  readonly device: string;
  readonly address: string;
  readonly prefix: number;
  readonly family: Family;
  readonly scope: string;
}

/** One interface. */
export interface Link {
  readonly name: string;
  readonly mtu: number;
  /** The operational state in lower case: `up`, `down`, `unknown`, `lowerlayerdown`. */
  readonly state: string;
  /** The bond or bridge that this interface is a port of. */
  readonly master?: string;
  /** The interface that this one stands on (a VLAN's parent); for a veth its other end. */
  readonly parent?: string;
}

/** One next hop of one route of the main table. */
export interface Route {
  readonly destination: Network;
  /** `unicast`, or what else happens to the packet: `blackhole`, `unreachable`, `prohibit`, `throw`, … */
  readonly type: string;
  readonly device?: string;
  readonly via?: string;
  /** The address that local traffic gets by this route. */
  readonly source?: string;
  readonly metric: number;
  readonly mtu?: number;
  /** Who put it there: `kernel`, `static`, `ra` (announced by a router), `dhcp`, … */
  readonly protocol?: string;
}

/** What `ip addr show` says of interfaces and addresses; iproute2 of any age and busybox print it alike. */
export function parseAddresses(text: string): { readonly links: readonly Link[]; readonly addresses: readonly LocalAddress[] } {
  const links: Link[] = [];
  const addresses: LocalAddress[] = [];
  for (const line of text.split("\n")) {
    const head = /^\d+: ([^:]+): <([^>]*)> mtu (\d+)(.*)$/.exec(line);
    if (head) {
      links.push(link(head[1] ?? "", (head[2] ?? "").split(","), Number(head[3]), words(head[4] ?? "")));
      continue;
    }
    const device = links.at(-1)?.name;
    const found = device === undefined ? undefined : localAddress(device, words(line));
    if (found) addresses.push(found);
  }
  return { links, addresses };
}

/** What `ip route show` says of one family; a multipath route becomes one Route a next hop. */
export function parseRoutes(text: string, family: Family): readonly Route[] {
  const routes: Route[] = [];
  let multipath: Route | undefined;
  for (const line of text.split("\n")) {
    const tokens = words(line);
    if (tokens[0] === "nexthop" && multipath) routes.push({ ...multipath, ...hop(tokens.slice(1)) });
    else if (tokens.length > 0) {
      const parsed = route(tokens, family);
      multipath = parsed?.device === undefined && parsed?.type === "unicast" ? parsed : undefined;
      if (parsed && !multipath) routes.push(parsed);
    }
  }
  return routes;
}

/** The route of the main table that a packet to this address takes: the longest prefix, then the lowest metric. */
export function routeTo(routes: readonly Route[], address: string): Route | undefined {
  const target = parseNetwork(address);
  if (target === undefined) return undefined;
  return routes
    .filter((candidate) => contains(candidate.destination, target))
    .toSorted((one, other) => other.destination.prefix - one.destination.prefix || one.metric - other.metric)[0];
}

const ROUTE_TYPES = /^(unicast|local|broadcast|multicast|anycast|throw|unreachable|prohibit|blackhole|nat)$/;

function link(names: string, flags: readonly string[], mtu: number, rest: readonly string[]): Link {
  const at = names.lastIndexOf("@");
  const parent = at > 0 ? names.slice(at + 1) : undefined;
  const master = valueAfter(rest, "master");
  const state = valueAfter(rest, "state") ?? (flags.includes("LOWER_UP") ? "UP" : "DOWN");
  return {
    name: at > 0 ? names.slice(0, at) : names,
    mtu,
    state: state.toLowerCase(),
    ...(master === undefined ? {} : { master }),
    ...(parent === undefined || parent === "NONE" ? {} : { parent }),
  };
}

function localAddress(device: string, tokens: readonly string[]): LocalAddress | undefined {
  const [family, local = ""] = tokens;
  if (family !== "inet" && family !== "inet6") return undefined;
  const [address = "", own] = local.split("/");
  const found = addressFamily(address);
  if (found === undefined) return undefined;
  // A point-to-point address carries its prefix on the peer: `inet 10.9.9.1 peer 10.9.9.2/32`.
  const prefix = own ?? valueAfter(tokens, "peer")?.split("/")[1] ?? (found === "ipv4" ? "32" : "128");
  return { device, address, prefix: Number(prefix), family: found, scope: valueAfter(tokens, "scope") ?? "global" };
}

function route(tokens: readonly string[], family: Family): Route | undefined {
  const typed = ROUTE_TYPES.test(tokens[0] ?? "");
  const [target = ""] = typed ? tokens.slice(1) : tokens;
  const destination = parseNetwork(target === "default" ? (family === "ipv4" ? "0.0.0.0/0" : "::/0") : target);
  if (destination === undefined) return undefined;
  const rest = tokens.slice(typed ? 2 : 1);
  return { destination, type: typed ? (tokens[0] ?? "") : "unicast", metric: 0, ...hop(rest) };
}

type Hop = { -readonly [Key in "device" | "via" | "source" | "metric" | "mtu" | "protocol"]?: Route[Key] };

function hop(tokens: readonly string[]): Hop {
  const found: Hop = {};
  for (let index = 0; index + 1 < tokens.length; index += 1) {
    const value = tokens[index + 1] ?? "";
    // Every value is stepped over, so that a device called `mtu` is not taken for a key.
    switch (tokens[index]) {
      case "dev":
        found.device = value;
        break;
      case "via":
        found.via = value === "inet6" ? (tokens[index + 2] ?? "") : value;
        break;
      case "src":
        found.source = value;
        break;
      case "metric":
        found.metric = Number(value);
        break;
      case "proto":
        found.protocol = value;
        break;
      case "mtu":
        found.mtu = Number(value === "lock" ? tokens[index + 2] : value);
        break;
      default:
        continue;
    }
    index += 1;
  }
  return found;
}

function valueAfter(tokens: readonly string[], key: string): string | undefined {
  const index = tokens.indexOf(key);
  return index < 0 ? undefined : tokens[index + 1];
}

function words(line: string): readonly string[] {
  return line.split(/\s+/).filter((word) => word !== "");
}
