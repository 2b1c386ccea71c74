import { connOf, valuesOf } from "../libreswan/config.ts";
import { parseProposals } from "../libreswan/proposals.ts";
import type { Version } from "../libreswan/version.ts";
import { routeTo } from "../network/address-table.ts";
import { type EspPath, type EspTransform, innerMtu, kernelTransform, mssFor, proposedTransforms } from "../network/mtu.ts";
import { addressFamily } from "../text/address.ts";
import type { Gateway } from "./gateway.ts";
import { configOf, type TunnelPair } from "./tunnels.ts";

/** The largest MSS that fits a tunnel. */
export interface TunnelMss {
  readonly mss: number;
  /** While no SA says what was negotiated: what else it may come to. */
  readonly possible: readonly number[];
  /** What it was computed from, such as `aes_gcm on a path of 1500 bytes`. */
  readonly basis: string;
}

/** Computes the MSS of one tunnel from its SA, else from what the file lets the peers negotiate, and from the route to the peer. */
export function tunnelMss(gateway: Gateway, tunnel: TunnelPair): TunnelMss | { readonly reason: string } {
  const mtu = pathMtu(gateway, tunnel.remoteHost);
  if (mtu === undefined)
    return { reason: `no route leads to the peer ${tunnel.remoteHost}, so that the MTU of the way is not known` };
  const config = configOf(gateway);
  const conn = config && connOf(config, tunnel.conn);
  const option = conn && config ? valuesOf(conn, config.version) : () => undefined;
  const outer = addressFamily(tunnel.localHost) ?? "ipv4";
  const mode = option("type")?.toLowerCase() === "transport" ? "transport" : "tunnel";
  const negotiated = negotiatedTransforms(gateway, tunnel);
  const transforms = negotiated?.transforms ?? configuredTransforms(option("esp"), config?.version);
  if (transforms === undefined) return { reason: `esp=${option("esp") ?? ""} names an algorithm whose overhead is not known` };
  const path = (encapsulated: boolean): EspPath => ({ mtu, outer, encapsulated, mode });
  const encapsulated = negotiated?.encapsulated ?? /^(yes|true|on|1)$/i.test(option("encapsulation") ?? "");
  const mssOf = (transform: EspTransform, wrapped: boolean): number =>
    mssFor(innerMtu(path(wrapped), transform), tunnel.local.family);
  const worst = transforms.toSorted((one, other) => mssOf(one, encapsulated) - mssOf(other, encapsulated))[0];
  if (worst === undefined) return { reason: "no transform is known" };
  const possible = negotiated ? [] : transforms.flatMap((transform) => [mssOf(transform, true), mssOf(transform, false)]);
  const basis = `${worst.name}${encapsulated ? " in UDP" : ""} on a path of ${mtu} bytes`;
  return { mss: mssOf(worst, encapsulated), possible: [...new Set(possible)], basis };
}

/** What the file lets the peers negotiate. */
function configuredTransforms(esp: string | undefined, version: Version | undefined): readonly EspTransform[] | undefined {
  if (esp === undefined || version === undefined) return proposedTransforms([]);
  const read = parseProposals("esp", esp, version);
  return read.ok ? proposedTransforms(read.proposals) : undefined;
}

/** What the route says, else what its interface takes. */
function pathMtu({ network }: Gateway, peer: string): number | undefined {
  const route = routeTo(network.routes, peer);
  return route?.mtu ?? network.links.find(({ name }) => name === route?.device)?.mtu;
}

function negotiatedTransforms(
  { kernel }: Gateway,
  { localHost, remoteHost }: TunnelPair,
): { readonly transforms: readonly EspTransform[]; readonly encapsulated: boolean } | undefined {
  const ends = new Set([localHost, remoteHost]);
  const own = kernel.associations.filter(
    ({ source, destination, proto, isLarval }) => proto === "esp" && !isLarval && ends.has(source) && ends.has(destination),
  );
  const transforms = own.flatMap(({ algorithms }) => kernelTransform(algorithms) ?? []);
  return transforms.length === 0 ? undefined : { transforms, encapsulated: own.some(({ isEncapsulated }) => isEncapsulated) };
}
