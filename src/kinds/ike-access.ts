import { type AccessFlow, accessBatches, accessRemovals, barriers } from "../firewall/access.ts";
import { batchChange } from "../firewall/batch-change.ts";
import { zoneAccess } from "../firewall/firewalld-access.ts";
import type { Rule, Table } from "../firewall/model.ts";
import { ownerComment } from "../firewall/owner.ts";
import { persistProbes } from "../firewall/persist.ts";
import { quotation } from "../firewall/quotation.ts";
import { savedChanges } from "../firewall/saved.ts";
import { firewallProbes } from "../firewall/state.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { configOf } from "../gateway/tunnels.ts";
import { optionOf } from "../libreswan/config.ts";
import { confProbe } from "../libreswan/probes.ts";
import { daemonProbes } from "../libreswan/state.ts";
import type { IkeAccess } from "../model/specs.generated.ts";
import { routeTo } from "../network/address-table.ts";
import { addressProbes } from "../network/state.ts";
import { type Family, formatNetwork, type Network, parseNetwork } from "../text/address.ts";
import type { Assessment, Kind } from "./kind.ts";
import { warnedIfUnsaved } from "./unsaved.ts";

const NAME = "ike_access";

/** UDP 500 and 4500, TCP 4500 where used, and ESP pass the host's own firewall. */
export const ikeAccess: Kind<IkeAccess> = {
  name: NAME,
  probes: () => [...firewallProbes, ...persistProbes, ...addressProbes, ...daemonProbes, confProbe],
  assess: ({ spec }, gateway) => {
    const { firewall } = gateway;
    if (firewall.unreadable.length > 0)
      return blocked(`the firewall cannot be read: ${firewall.unreadable.join("; ")}`, "run with `become: true`");
    if (spec.backend === "firewalld" && !firewall.firewalld)
      return blocked("firewalld does not run on the host", "start firewalld, or set backend: auto");
    const peers = peersOf(spec);
    if ("reason" in peers) return blocked(peers.reason, "write addresses or networks, or peers: any");
    const flows = flowsOf(gateway, peers.networks);
    const assessment = firewall.firewalld ? throughFirewalld(spec, gateway, flows) : direct(spec, gateway, flows);
    return warnedIfUnsaved(assessment, spec);
  },
};

function blocked(reason: string, unblock: string): Assessment {
  return { changes: [], notes: [], blocked: { reason, unblock } };
}

function peersOf({ peers }: IkeAccess): { readonly networks: readonly (Network | undefined)[] } | { readonly reason: string } {
  if (peers === "any") return { networks: [undefined] };
  const networks = peers.map(parseNetwork);
  const wrong = networks.indexOf(undefined);
  return wrong < 0 ? { networks } : { reason: `${peers[wrong]} is no address or network` };
}

/** Every sort of packet that a peer sends, once for each peer and family. */
function flowsOf(gateway: Gateway, peers: readonly (Network | undefined)[]): readonly AccessFlow[] {
  const sorts = [
    { protocol: "udp", port: 500 },
    { protocol: "udp", port: 4500 },
    ...(usesTcp(gateway) ? [{ protocol: "tcp", port: 4500 } as const] : []),
    { protocol: "esp" },
  ] as const;
  return peers.flatMap((peer) =>
    (peer ? [peer.family] : familiesOf(gateway)).flatMap((family) => {
      const device = (peer ? routeTo(gateway.network.routes, peer.address) : gateway.network.defaultRoute[family])?.device;
      return sorts.map((sort): AccessFlow => {
        const about = [sort.protocol, "port" in sort ? String(sort.port) : "", peer ? formatNetwork(peer) : "any"];
        return {
          family,
          ...sort,
          ...(peer ? { peer } : {}),
          ...(device === undefined ? {} : { in: device }),
          owner: ownerComment(NAME, about),
        };
      });
    }),
  );
}

/** Nobody comes in by a family of which the host has no address that others can reach. */
function familiesOf({ network }: Gateway): readonly Family[] {
  const both: readonly Family[] = ["ipv4", "ipv6"];
  const reachable = both.filter((family) => network.addresses.some((own) => own.family === family && own.scope === "global"));
  return reachable.length === 0 ? both : reachable;
}

/** IKE and ESP over TCP (RFC 8229): pluto listens for it, or a conn asks for it. */
function usesTcp(gateway: Gateway): boolean {
  const config = configOf(gateway);
  if (config === undefined) return false;
  const { version } = config;
  const listens = optionOf(config.setup, "listen-tcp", { version, section: "setup" })?.value ?? "no";
  const asked = config.conns.map(({ options }) => optionOf(options, "enable-tcp", { version, section: "conn" })?.value ?? "no");
  return [listens, ...asked].some((value) => /^(yes|true|on|1|fallback)$/i.test(value));
}

/** The rules of iptables and nftables themselves, running and saved. */
function direct(spec: IkeAccess, gateway: Gateway, flows: readonly AccessFlow[]): Assessment {
  const { tables, notes } = gateway.firewall;
  const isAbsent = spec.state === "absent";
  const mine = (table: Table): boolean =>
    spec.backend === "auto" || (spec.backend === "nftables") === (table.backend === "nftables");
  const [barrier] = barriers(tables.filter(mine), flows);
  const elsewhere = barriers(
    tables.filter((table) => !mine(table)),
    flows,
  );
  if (!isAbsent && elsewhere.length > 0)
    return blocked(`${describe(elsewhere[0])} keeps IKE out, which backend: ${spec.backend} cannot reach`, "set backend: auto");
  const reason = isAbsent ? "the rule shall not exist" : `${describe(barrier)} may keep the peers' packets out`;
  const plan = (given: readonly Table[], wanted: readonly AccessFlow[]) =>
    isAbsent ? accessRemovals(given, flows) : accessBatches(given.filter(mine), wanted);
  const running = plan(tables, flows).map((batch) => batchChange(batch, tables, { property: "access", reason }));
  if (!spec.persist) return { changes: running, notes };
  const saved = savedChanges(gateway, {
    plan: (given, families) =>
      plan(
        given,
        flows.filter(({ family }) => families.includes(family)),
      ),
    families: [...new Set(flows.map(({ family }) => family))],
    hinders: isAbsent ? () => false : mayDrop,
    reason: isAbsent ? reason : "after a boot the host's firewall would keep the peers' packets out",
  });
  if (saved.blocked) return { changes: [], notes: [...notes, ...saved.notes], blocked: saved.blocked };
  return { changes: [...running, ...saved.changes], notes: [...notes, ...saved.notes] };
}

/** Whether a foreign rule may drop packets again when whoever made it makes it anew. */
function mayDrop({ verdict }: Rule): boolean {
  return ["drop", "unknown", "jump", "goto", "map"].includes(verdict.kind);
}

function describe(barrier: ReturnType<typeof barriers>[number] | undefined): string {
  if (barrier === undefined) return "a rule";
  const { table, chain, rule } = barrier;
  return rule ? `${quotation(table, rule)} in ${chain}` : `the policy of ${chain}`;
}

/** firewalld owns its chains: its zones let IKE in, by the service or by a rich rule for each peer. */
function throughFirewalld(spec: IkeAccess, gateway: Gateway, flows: readonly AccessFlow[]): Assessment {
  const { firewalld, tables } = gateway.firewall;
  if (firewalld === undefined) return { changes: [], notes: [] };
  if (spec.backend === "iptables" || spec.backend === "nftables")
    return blocked("firewalld runs on the host and owns its chains", "set backend: auto");
  return zoneAccess(firewalld, flows, {
    isPresent: spec.state !== "absent",
    persist: spec.persist,
    passes: (flow) => barriers(tables, [flow]).length === 0,
  });
}
