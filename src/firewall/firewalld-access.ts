import type { Change } from "../model/plan.ts";
import type { Step } from "../model/step.ts";
import { formatHostOrNetwork } from "../text/address.ts";
import type { AccessFlow } from "./access.ts";
import { type FirewalldState, type FirewalldZone, zoneOfInterface, zoneOfPeer } from "./firewalld.ts";
import type { FirewalldScope } from "./firewalld-rules.ts";

/** What firewalld's zones have to let in. */
export interface ZoneAccess {
  readonly isPresent: boolean;
  readonly persist: boolean;
  /** Whether the running rules, all tables together, let the packets in. */
  readonly passes: (flow: AccessFlow) => boolean;
}

/** The changes after which the zones where the peers come in let them through, now and (`persist`) after a reload. */
export function zoneAccess(
  state: FirewalldState,
  flows: readonly AccessFlow[],
  wanted: ZoneAccess,
): { readonly changes: readonly Change[]; readonly notes: readonly string[] } {
  if (!wanted.isPresent) return removals(state, flows);
  const scopes: readonly FirewalldScope[] = wanted.persist ? ["runtime", "permanent"] : ["runtime"];
  const changes = scopes.flatMap((scope) => {
    const closed = flows.filter((flow) => {
      const zone = state[scope].zones.find(({ name }) => name === zoneName(state, flow));
      return !(zone && permits(zone, flow)) && !(scope === "runtime" && wanted.passes(flow));
    });
    return itemsByZone(state, closed).flatMap((items) => zoneChange(scope, items, "add"));
  });
  return { changes, notes: [] };
}

interface ZoneItem {
  readonly zone: string;
  readonly list: "service" | "rich-rule";
  readonly value: string;
}

/** Whoever adds a service leaves no name on it; a rich rule for one peer is as good as ours. */
function removals(state: FirewalldState, flows: readonly AccessFlow[]): ReturnType<typeof zoneAccess> {
  const items = itemsByZone(state, flows).flat();
  const rules = items.filter(({ list }) => list === "rich-rule");
  const changes = (["runtime", "permanent"] as const).flatMap((scope) => {
    const standing = rules.filter(({ zone, value }) =>
      state[scope].zones.some(({ name, richRules }) => name === zone && richRules.includes(value)),
    );
    return [...new Set(standing.map(({ zone }) => zone))].flatMap((zone) =>
      zoneChange(
        scope,
        standing.filter((item) => item.zone === zone),
        "remove",
      ),
    );
  });
  const services = items.filter(
    ({ zone, list }) =>
      list === "service" && state.permanent.zones.some(({ name, services }) => name === zone && services.includes("ipsec")),
  );
  const notes = services.map(
    ({ zone }) =>
      `firewalld's zone ${zone} lets the service ipsec in, and firewalld does not say who added it: it stays; firewall-cmd --zone=${zone} --remove-service=ipsec removes it`,
  );
  return { changes, notes: [...new Set(notes)] };
}

function zoneName(state: FirewalldState, flow: AccessFlow): string {
  const device = flow.in ?? "";
  const zone = flow.peer ? zoneOfPeer(state, flow.peer.address, device) : zoneOfInterface(state, device);
  return zone?.name ?? state.defaultZone;
}

function permits(zone: FirewalldZone, flow: AccessFlow): boolean {
  if (zone.target === "ACCEPT" || zone.services.includes("ipsec")) return true;
  if (flow.peer && zone.richRules.includes(richRule(flow))) return true;
  return flow.port === undefined ? zone.protocols.includes(flow.protocol) : zone.ports.includes(`${flow.port}/${flow.protocol}`);
}

/** As firewalld prints it back. */
function richRule({ family, peer }: AccessFlow): string {
  return `rule family="${family}" source address="${peer ? formatHostOrNetwork(peer) : ""}" service name="ipsec" accept`;
}

/** What each zone needs, once. */
function itemsByZone(state: FirewalldState, flows: readonly AccessFlow[]): readonly (readonly ZoneItem[])[] {
  const zones = new Map<string, Map<string, ZoneItem>>();
  for (const flow of flows) {
    const zone = zoneName(state, flow);
    const item: ZoneItem = flow.peer
      ? { zone, list: "rich-rule", value: richRule(flow) }
      : { zone, list: "service", value: "ipsec" };
    const items = zones.get(zone) ?? new Map<string, ZoneItem>();
    zones.set(zone, items.set(item.value, item));
  }
  return [...zones.values()].map((items) => [...items.values()]);
}

function zoneChange(scope: FirewalldScope, items: readonly ZoneItem[], verb: "add" | "remove"): readonly Change[] {
  const [first] = items;
  if (first === undefined) return [];
  const steps = (how: "add" | "remove"): readonly Step[] =>
    items.map(({ zone, list, value }) => ({
      do: "firewall-cmd",
      args: [...(scope === "permanent" ? ["--permanent"] : []), `--zone=${zone}`, `--${how}-${list}=${value}`],
    }));
  const values = items.map(({ value }) => value);
  return [
    {
      action: verb === "add" ? "create" : "delete",
      target: `firewalld zone ${first.zone}${scope === "permanent" ? " (permanent)" : ""}`,
      property: "access",
      before: verb === "add" ? null : values,
      after: verb === "add" ? values : null,
      reason: verb === "add" ? `the zone ${first.zone} may keep the peers' packets out` : "the rule shall not exist",
      impact: "none",
      risks_access: false,
      interrupts: [],
      steps: steps(verb),
      undo: steps(verb === "add" ? "remove" : "add"),
    },
  ];
}
