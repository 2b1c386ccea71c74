import { formatNetwork, parseNetwork } from "../text/address.ts";
import type { Policy, SecurityAssociation } from "./xfrm.ts";

/** What a tunnel promises of the kernel: packets between these networks travel between these hosts. */
export interface PromisedTunnel {
  readonly name: string;
  readonly local: string;
  readonly remote: string;
  readonly ourHost: string;
  readonly theirHost: string;
  readonly mode: "tunnel" | "transport";
}

/** The policies and SAs that the kernel has. */
export interface KernelTables {
  readonly policies: readonly Policy[];
  readonly associations: readonly SecurityAssociation[];
}

/** What the kernel lacks of an established tunnel; empty when its policies are there and have SAs with keys both ways. */
export function tunnelFaults(tunnel: PromisedTunnel, kernel: KernelTables): readonly string[] {
  const out = policiesOf(kernel, "out", tunnel.local, tunnel.remote);
  const faults = directions(tunnel).flatMap(({ direction, source, destination }) => {
    const found = policiesOf(kernel, direction, source, destination);
    const name = `${direction} policy ${source} -> ${destination}`;
    if (found.length === 0) return [`no ${name}`];
    if (found.some(isBlocking)) return [`the ${name} blocks`];
    return found.every(isTrap) ? [`the ${name} is only a trap: it waits for traffic`] : [];
  });
  if (faults.length > 0) return faults;
  return out.flatMap((policy) => associationFaults(policy, tunnel, kernel)).slice(0, 2);
}

/** Whether a trap policy waits for the tunnel's first packet: routed, idle and healthy. */
export function isTrapped(tunnel: PromisedTunnel, kernel: KernelTables): boolean {
  const out = policiesOf(kernel, "out", tunnel.local, tunnel.remote);
  return out.length > 0 && out.every(isTrap);
}

/** Our traps ask for no SA in particular: reqid 0. */
function isTrap(policy: Policy): boolean {
  return policy.templates.length > 0 && policy.templates.every(({ reqid }) => reqid === 0);
}

function isBlocking(policy: Policy): boolean {
  return policy.isBlock;
}

interface Wanted {
  readonly direction: Policy["direction"];
  readonly source: string;
  readonly destination: string;
}

/** A transport mode conn has no forward policy: nothing is forwarded through it. */
function directions({ local, remote, mode }: PromisedTunnel): readonly Wanted[] {
  const out: Wanted = { direction: "out", source: local, destination: remote };
  const inbound = { source: remote, destination: local };
  return mode === "transport"
    ? [out, { direction: "in", ...inbound }]
    : [out, { direction: "in", ...inbound }, { direction: "fwd", ...inbound }];
}

function policiesOf(
  kernel: KernelTables,
  direction: Policy["direction"],
  source: string,
  destination: string,
): readonly Policy[] {
  const [from, to] = [canonical(source), canonical(destination)];
  return kernel.policies.filter(
    (policy) => policy.direction === direction && canonical(policy.source) === from && canonical(policy.destination) === to,
  );
}

/** The SAs of a policy carry its reqid; while a rekey lasts there may be two pairs. */
function associationFaults(policy: Policy, tunnel: PromisedTunnel, kernel: KernelTables): readonly string[] {
  const template = policy.templates.find(({ mode }) => mode === tunnel.mode) ?? policy.templates[0];
  if (template === undefined || template.reqid === 0) return [];
  const { reqid } = template;
  const missing = (way: string, source: string, destination: string): readonly string[] => {
    const found = kernel.associations.filter(
      (sa) => sa.reqid === reqid && sa.source === source && sa.destination === destination,
    );
    if (found.some(({ isLarval }) => !isLarval)) return [];
    const state = found.length > 0 ? "has no keys yet" : "is missing";
    return [`the ${way} SA ${source} -> ${destination} with reqid ${reqid} ${state}`];
  };
  const [ours, theirs] =
    template.mode === "transport" ? [tunnel.ourHost, tunnel.theirHost] : [template.source, template.destination];
  return [...missing("outbound", ours, theirs), ...missing("inbound", theirs, ours)];
}

function canonical(text: string): string {
  const network = parseNetwork(text);
  return network === undefined ? text : formatNetwork(network);
}
