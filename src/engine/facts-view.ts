import { firewallProbes } from "../firewall/state.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { daemonProbes } from "../libreswan/state.ts";
import type { Probe } from "../model/fact.ts";
import type { Json } from "../model/plan.ts";
import { bondProbes } from "../network/state.ts";

/** Facts as a gateway may have them: what a condition over facts is tried on before any gateway is asked. */
export const specimenFacts = {
  hostname: "gw1",
  kernel: "6.1.0-18-amd64",
  init: "systemd",
  os: { id: "debian", version: "12", family: "debian" },
  libreswan: { version: "5.0", running: true, conns: ["myvpn"] },
  firewall: { backends: ["nft"], firewalld: false },
  addresses: ["10.0.0.1/24 eth0"],
  bonds: ["bond0"],
  tools: ["ip"],
} as const satisfies { readonly [key: string]: Json };

/** The facts that a playbook's `when` may ask for, and what `ipsec-fix facts` prints first: stable names, no secrets, no counters. */
export function factsView(gateway: Gateway): { readonly [Name in keyof typeof specimenFacts]: Json } {
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

/** The probes behind the facts that a condition names, so that it never judges by what was not read. */
export function probesOfCondition(when: string | undefined): readonly Probe[] {
  if (when === undefined) return [];
  const names = (fact: string): boolean => new RegExp(`\\bfacts\\s*(?:\\.\\s*${fact}|\\[\\s*["']${fact}["'])`).test(when);
  return [
    ...(names("libreswan") ? daemonProbes : []),
    ...(names("firewall") ? firewallProbes : []),
    ...(names("bonds") ? bondProbes : []),
  ];
}
