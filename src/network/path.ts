import type { LocalAddress } from "./address-table.ts";
import { routeTo } from "./address-table.ts";
import type { NetworkState } from "./state.ts";

/** The management connection as sshd sees it. */
export interface ManagementConnection {
  readonly client: string;
  readonly server: string;
}

/** The interfaces that lose their link with this one: itself, its ports, and VLANs, bridges and bonds above it. */
export function dependents(network: NetworkState, device: string): ReadonlySet<string> {
  const found = new Set([device, ...network.links.filter(({ master }) => master === device).map(({ name }) => name)]);
  for (const name of found) {
    for (const link of network.links) {
      if (link.parent === name) found.add(link.name);
      if (link.name === name && link.master !== undefined) found.add(link.master);
    }
  }
  return found;
}

/** The host's own addresses that go away while this interface is down. */
export function addressesOn(network: NetworkState, device: string): readonly LocalAddress[] {
  const down = dependents(network, device);
  return network.addresses.filter((address) => down.has(address.device));
}

/** Why an interruption of this interface may cut the management connection; undefined where it provably does not. */
export function interruptionRisk(
  network: NetworkState,
  device: string,
  connection: ManagementConnection | undefined,
): string | undefined {
  if (connection === undefined) return undefined;
  const down = dependents(network, device);
  const [server = "", zone] = connection.server.split("%");
  const holders =
    zone === undefined ? network.addresses.filter(({ address }) => address === server).map((own) => own.device) : [zone];
  if (holders.length === 0)
    return `no interface of the host has ${server}, the address that the management connection came to, so it may cross ${device}`;
  const held = holders.find((holder) => down.has(holder));
  if (held !== undefined) return `the management connection to ${server} crosses ${through(held, device)}`;
  const [client = ""] = connection.client.split("%");
  const way = network.managementDevice ?? routeTo(network.routes, client)?.device;
  if (way === undefined) return `the route back to ${client} is not known, so the management connection may cross ${device}`;
  return down.has(way) ? `answers to the management client ${client} leave by ${through(way, device)}` : undefined;
}

function through(carrier: string, device: string): string {
  return carrier === device ? device : `${carrier}, which depends on ${device}`;
}
