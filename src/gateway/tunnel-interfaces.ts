import type { Gateway } from "./gateway.ts";
import { tunnelsOf } from "./tunnels.ts";

/** Interfaces by which tunnel packets come in: those with a conn's own address, and the virtual ones of VTI and XFRM tunnels. */
export function tunnelInterfaces(gateway: Gateway): readonly string[] {
  const { addresses, links, defaultRoute } = gateway.network;
  const hosts = new Set(tunnelsOf(gateway, ALL).tunnels.map(({ localHost }) => localHost));
  const carrying = addresses.filter(({ address }) => hosts.has(address)).map(({ device }) => device);
  const virtual = links.map(({ name }) => name).filter((name) => /^(ipsec|vti|xfrm)\d+$/.test(name));
  const named = carrying.length > 0 ? carrying : [defaultRoute.ipv4?.device ?? []].flat();
  return [...new Set([...named, ...virtual])].sort();
}

/** Whether a tunnel carries IPv6. */
export function usesIpv6(gateway: Gateway): boolean {
  return tunnelsOf(gateway, ALL).tunnels.some(({ local }) => local.family === "ipv6");
}

const ALL = { conns: ["*"] };
