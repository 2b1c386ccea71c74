import type { Gateway } from "./gateway.ts";

/** Interfaces by which tunnel packets come in: those with a conn's own address, and the virtual ones of VTI and XFRM tunnels. */
export function tunnelInterfaces(gateway: Gateway): readonly string[] {
  const { addresses, links, defaultRoute } = gateway.network;
  const hosts = new Set([...gateway.daemon.conns.values()].map((conn) => conn.ours.host));
  const carrying = addresses.filter(({ address }) => hosts.has(address)).map(({ device }) => device);
  const virtual = links.map(({ name }) => name).filter((name) => /^(ipsec|vti|xfrm)\d+$/.test(name));
  const named = carrying.length > 0 ? carrying : [defaultRoute.ipv4?.device ?? []].flat();
  return [...new Set([...named, ...virtual])].sort();
}

/** Whether a tunnel carries IPv6. */
export function usesIpv6(gateway: Gateway): boolean {
  return [...gateway.daemon.conns.values()].some(({ ours, theirs }) =>
    [ours.client ?? ours.host, theirs.client ?? theirs.host].some((end) => end.includes(":")),
  );
}
