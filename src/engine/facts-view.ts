import type { Gateway } from "../gateway/gateway.ts";
import type { Json } from "../model/plan.ts";

/** The facts that a playbook's `when` may ask for, and what `ipsec-fix facts` prints first: stable names, no secrets, no counters. */
export function factsView(gateway: Gateway): { readonly [key: string]: Json } {
  const { system, daemon, firewall, network } = gateway;
  const backends = [...new Set(firewall.tables.map(({ backend }) => backend))].sort();
  return {
    hostname: system.hostname,
    kernel: system.kernel,
    init: system.init,
    os: { id: system.os.id, version: system.os.version, family: system.os.family },
    libreswan: { version: daemon.version?.text ?? null, running: daemon.service.running, conns: [...daemon.conns.keys()].sort() },
    firewall: { backends, firewalld: firewall.firewalld !== undefined },
    addresses: network.addresses.map(({ device, address, prefix }) => `${address}/${prefix} ${device}`),
    bonds: [...network.bonds.keys()].sort(),
    tools: [...system.tools].sort(),
  };
}
