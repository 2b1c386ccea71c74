import { chainLabel, type Table } from "../firewall/model.ts";
import { passages } from "../firewall/passage.ts";
import { parseRange } from "../firewall/range.ts";
import { afterFirewallStep } from "../firewall/state.ts";
import { sysctlPath } from "../kernel/sysctl.ts";
import { type LoadedConn, loadedConns } from "../libreswan/state.ts";
import type { Step } from "../model/step.ts";
import { routeTo } from "../network/address-table.ts";
import { interruptionRisk } from "../network/path.ts";
import { isNamed } from "../network/state.ts";
import { contains, parseNetwork } from "../text/address.ts";
import type { Gateway } from "./gateway.ts";
import type { SystemState } from "./system.ts";

/** Why the steps may cut the connection by which the gateway is managed; undefined where nothing speaks for it. */
export function risksManagement(gateway: Gateway, steps: readonly Step[]): string | undefined {
  const { connection } = gateway.system;
  if (connection === undefined) return undefined;
  const ssh = withoutZones(connection);
  for (const step of steps) {
    const risk = stepRisk(gateway, step, ssh);
    if (risk !== undefined) return risk;
  }
  return firewallRisk(gateway, steps, ssh);
}

type Connection = NonNullable<SystemState["connection"]>;

function withoutZones(connection: Connection): Connection {
  const plain = (address: string): string => address.split("%")[0] ?? "";
  return { ...connection, client: plain(connection.client), server: plain(connection.server) };
}

function stepRisk(gateway: Gateway, step: Step, ssh: Connection): string | undefined {
  switch (step.do) {
    case "nm-activate":
      return activationRisk(gateway, step.connection);
    case "service":
      return serviceRisk(gateway, step, ssh);
    case "load-conn":
    case "unload-conn":
    case "terminate-conn": {
      const carrier = carrierOf(loadedConns(gateway.daemon, step.conn), ssh);
      return carrier && `the management connection from ${ssh.client} crosses the tunnel ${carrier.name}, which goes down`;
    }
    case "sysctl":
      return sysctlRisk(gateway, { path: sysctlPath(step.key), value: step.value }, ssh);
    default:
      return undefined;
  }
}

function activationRisk(gateway: Gateway, connection: string): string | undefined {
  const profile = gateway.network.profiles.find((candidate) => isNamed(candidate, connection));
  const device = profile?.device || profile?.interfaceName;
  return device
    ? interruptionRisk(gateway.network, device, gateway.system.connection)
    : `${connection} is activated, and nobody can tell which interface that takes down`;
}

/** Units whose stop or restart takes every interface, every rule or the SSH server itself with it. */
const CARRIERS: readonly (readonly [RegExp, string])[] = [
  [/^sshd?(\.socket)?$/, "the SSH server"],
  [/^(NetworkManager|systemd-networkd|networking|network|wicked)$/, "the host's network"],
  [/^(nftables|iptables|ip6tables|netfilter-persistent|firewalld|ufw)$/, "the firewall, with rules that were not compared"],
];

function serviceRisk(gateway: Gateway, step: Extract<Step, { readonly do: "service" }>, ssh: Connection): string | undefined {
  const unit = step.unit.replace(/\.service$/, "");
  if (step.verb === "enable" || step.verb === "disable") return undefined;
  if (unit === "ipsec") {
    const carrier = step.verb === "start" ? undefined : carrierOf([...gateway.daemon.conns.values()], ssh);
    return (
      carrier && `the management connection from ${ssh.client} crosses the tunnel ${carrier.name}, and ipsec is to ${step.verb}`
    );
  }
  const carried = CARRIERS.find(([units]) => units.test(unit))?.[1];
  return carried && `${step.verb} of ${unit} takes ${carried} through a change that may cut the management connection`;
}

/** The loaded conn whose networks take the management connection. */
function carrierOf(conns: readonly LoadedConn[], ssh: Connection): LoadedConn | undefined {
  const [client, server] = [parseNetwork(ssh.client), parseNetwork(ssh.server)];
  if (client === undefined || server === undefined) return undefined;
  return conns.find(({ ours, theirs, routing }) => {
    const near = parseNetwork(ours.client ?? ours.host);
    const far = parseNetwork(theirs.client ?? theirs.host);
    const carries = routing === "tunnel" || routing === "trap";
    return carries && near !== undefined && far !== undefined && contains(near, server) && contains(far, client);
  });
}

function sysctlRisk(
  { network, kernel }: Gateway,
  { path, value }: { readonly path: string; readonly value: string },
  ssh: Connection,
): string | undefined {
  const way = network.managementDevice ?? routeTo(network.routes, ssh.client)?.device;
  const [, conf = "", strict] = /^net\/ipv4\/conf\/([^/]+)\/(rp_filter)$/.exec(path) ?? [];
  if (strict && value === "1") {
    const holder = network.addresses.find(({ address }) => address === ssh.server)?.device;
    const applies = conf === "all" || conf === holder;
    if (applies && holder !== undefined && way !== undefined && holder !== way)
      return `with strict reverse-path filtering the kernel drops packets of the management client ${ssh.client}, who comes in by ${holder} while the route back leaves by ${way}`;
  }
  if (/^net\/ipv6\/conf\/[^/]+\/forwarding$/.test(path) && value === "1" && way !== undefined) {
    const learned = routeTo(network.routes, ssh.client)?.protocol === "ra";
    // A forwarding host forgets routes that routers announced, unless told to listen to them all the same (accept_ra = 2).
    if (learned && kernel.sysctl.get(`net/ipv6/conf/${way}/accept_ra`) !== "2")
      return `a host that forwards IPv6 forgets the route to the management client ${ssh.client}, which a router announced on ${way} (accept_ra is not 2)`;
  }
  return undefined;
}

/** Whether rules that let SSH in, or its answers out, no longer do so after the batches. */
function firewallRisk(gateway: Gateway, steps: readonly Step[], ssh: Connection): string | undefined {
  const after = steps.filter(({ do: kind }) => kind === "firewall-batch").reduce(afterFirewallStep, gateway.firewall);
  if (after === gateway.firewall) return undefined;
  const before = new Set(hindrances(gateway.firewall.tables, ssh));
  const added = hindrances(after.tables, ssh).find((hindrance) => !before.has(hindrance));
  return added && `SSH from ${ssh.client} to ${ssh.server} port ${ssh.serverPort} may no longer pass ${added}`;
}

/** Everything that may keep a login by SSH from passing, each as its chain and rule. */
function hindrances(tables: readonly Table[], ssh: Connection): readonly string[] {
  const [client, server] = [parseRange(ssh.client), parseRange(ssh.server)];
  if (client === undefined || server === undefined) return [];
  const shared = { family: client.family, protocol: "tcp", isSyn: true, protected: false };
  const incoming = { ...shared, destinationPort: ssh.serverPort, boxes: [{ source: client, destination: server }] };
  const outgoing = { ...shared, boxes: [{ source: server, destination: client }] };
  const found = (hook: string, packets: typeof incoming | typeof outgoing): readonly string[] => {
    let state = tables;
    const names: string[] = [];
    // Only the first hindrance of a chain is told, so each one is taken out to see what stands behind it.
    for (;;) {
      const passage = passages(state, hook, { packets, counts: () => false }).find(
        ({ table, chain, hindrance }) =>
          hindrance !== undefined && !names.includes(nameOf(table, chain.name, hindrance.rule?.text)),
      );
      if (passage === undefined) return names;
      const { table, chain, hindrance } = passage;
      names.push(nameOf(table, chain.name, hindrance?.rule?.text));
      state = state.map((other) =>
        other !== table
          ? other
          : {
              ...table,
              chains: table.chains.map((own) =>
                own === chain ? { ...chain, rules: chain.rules.filter(({ text }) => text !== hindrance?.rule?.text) } : own,
              ),
            },
      );
    }
  };
  return [
    ...["prerouting", "input"].flatMap((hook) => found(hook, incoming)),
    ...["output", "postrouting"].flatMap((hook) => found(hook, outgoing)),
  ];
}

function nameOf(table: Table, chain: string, rule: string | undefined): string {
  const label = chainLabel({ backend: table.backend, family: table.family, table: table.name, chain });
  return rule === undefined ? `${label} (its policy drops)` : `${label} (${rule})`;
}
