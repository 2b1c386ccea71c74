import { batchChange } from "../firewall/batch-change.ts";
import { type ClampFlow, clampBackend, clampBatches, clampRemovals } from "../firewall/clamp.ts";
import { clampDirectly } from "../firewall/firewalld-clamp.ts";
import { ownerComment } from "../firewall/owner.ts";
import { persistProbes } from "../firewall/persist.ts";
import { savedChanges } from "../firewall/saved.ts";
import { firewallProbes } from "../firewall/state.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { tunnelMss } from "../gateway/tunnel-mss.ts";
import { type TunnelPair, tunnelsOf } from "../gateway/tunnels.ts";
import { sysctlProbe, xfrmProbes } from "../kernel/state.ts";
import { confProbe } from "../libreswan/probes.ts";
import { daemonProbes } from "../libreswan/state.ts";
import type { TcpMssClamp } from "../model/specs.generated.ts";
import type { FirewallBackend } from "../model/step.ts";
import { addressProbes } from "../network/state.ts";
import type { Family } from "../text/address.ts";
import type { Assessment, Kind } from "./kind.ts";
import { warnedIfUnsaved } from "./unsaved.ts";

const NAME = "tcp_mss_clamp";

/** Forwarded TCP SYNs carry an MSS that fits the tunnel. */
export const tcpMssClamp: Kind<TcpMssClamp> = {
  name: NAME,
  probes: ({ mss }) => [
    ...firewallProbes,
    ...persistProbes,
    ...addressProbes,
    ...daemonProbes,
    confProbe,
    ...(mss === "pmtu" ? [] : xfrmProbes),
    sysctlProbe,
  ],
  assess: ({ spec }, gateway) => {
    const { firewalld, tables, unreadable } = gateway.firewall;
    if (unreadable.length > 0) return blocked(`the firewall cannot be read: ${unreadable.join("; ")}`, "run with `become: true`");
    const flows = flowsOf(spec, gateway);
    if ("blocked" in flows) return flows;
    if (firewalld && spec.backend === "iptables")
      return blocked(
        "firewalld runs on the host and would flush the rule at its next reload",
        "set backend: auto, or stop firewalld",
      );
    if (spec.backend === "firewalld" && !firewalld)
      return blocked("firewalld does not run on the host", "start firewalld, or set backend: auto");
    const assessment =
      firewalld && spec.backend !== "nftables"
        ? { changes: clampDirectly(firewalld, tables, { ...spec, flows: flows.flows }), notes: [] }
        : direct(spec, gateway, flows.flows);
    return warnedIfUnsaved({ ...assessment, notes: [...flows.notes, ...assessment.notes] }, spec);
  },
};

function blocked(reason: string, unblock: string): Assessment & { readonly blocked: object } {
  return { changes: [], notes: [], blocked: { reason, unblock } };
}

interface Flows {
  readonly flows: readonly ClampFlow[];
  readonly notes: readonly string[];
}

/** The traffic that the resource is about, each part with the MSS that it shall have. */
function flowsOf(spec: TcpMssClamp, gateway: Gateway): Flows | (Assessment & { readonly blocked: object }) {
  const selects = spec.conn !== undefined || spec.conns !== undefined;
  const { tunnels, problems } = tunnelsOf(gateway, selects ? spec : { conns: ["*"] });
  const [problem] = problems;
  if (problem && selects && (spec.conn !== undefined || tunnels.length === 0))
    return blocked(`conn ${problem.conn}: ${problem.reason}`, "correct the conn, or narrow the clamp by in and out instead");
  const notes = selects ? problems.map(({ conn, reason }) => `conn ${conn} is left out: ${reason}`) : [];
  const parts = selects ? pairFlows(tunnels) : familiesOf(spec, gateway).map((family) => ({ family, protected: false, tunnels }));
  const wanted = parts.filter(({ family }) => spec.family === undefined || spec.family === "both" || spec.family === family);
  if (wanted.length === 0) return blocked(`no network of the conn is ${spec.family ?? "there"}`, "leave family out");
  const flows: ClampFlow[] = [];
  for (const { tunnels: concerned, ...part } of wanted) {
    const value = mssOf(spec, gateway, concerned);
    if ("blocked" in value) return value;
    flows.push({ ...directionOf(spec, part), ...value, owner: ownerOf(spec, part) });
  }
  const isBroad = !selects && spec.in === undefined && spec.out === undefined && spec.mss !== "pmtu" && spec.state !== "absent";
  const warning = "a fixed MSS without conn, in or out clamps all forwarded TCP, also what goes through no tunnel";
  return { flows, notes: isBroad ? [...notes, warning] : notes };
}

interface Part {
  readonly family: Family;
  readonly protected: boolean;
  readonly pair?: NonNullable<ClampFlow["pair"]>;
  /** Towards us: the interfaces are the other way round. */
  readonly isReturn?: boolean;
  readonly tunnels: readonly TunnelPair[];
}

/** Either side's SYN limits what the other one sends, so that both directions count. */
function pairFlows(tunnels: readonly TunnelPair[]): readonly Part[] {
  return tunnels.flatMap((tunnel): readonly Part[] => {
    const { local, remote } = tunnel;
    const base = { family: local.family, tunnels: [tunnel] };
    return [
      { ...base, protected: true, pair: { source: local, destination: remote } },
      { ...base, protected: false, pair: { source: remote, destination: local }, isReturn: true },
    ];
  });
}

/** Both families where the host forwards them. */
function familiesOf({ family }: TcpMssClamp, { kernel }: Gateway): readonly Family[] {
  if (family === "both") return ["ipv4", "ipv6"];
  if (family !== undefined) return [family];
  return (kernel.sysctl.get("net/ipv6/conf/all/forwarding") ?? "0") === "0" ? ["ipv4"] : ["ipv4", "ipv6"];
}

type Mss = Pick<ClampFlow, "mss" | "tolerated">;

function mssOf(
  { mss, state }: TcpMssClamp,
  gateway: Gateway,
  tunnels: readonly TunnelPair[],
): Mss | (Assessment & { readonly blocked: object }) {
  if (mss === "pmtu" || state === "absent") return { mss: "pmtu" };
  const known = tunnels.flatMap((tunnel) => {
    const computed = tunnelMss(gateway, tunnel);
    return "reason" in computed ? [] : [{ ...computed, conn: tunnel.conn }];
  });
  const smallest = known.toSorted((one, other) => one.mss - other.mss)[0];
  if (mss !== "auto") {
    if (smallest === undefined || mss <= Math.max(smallest.mss, ...smallest.possible)) return { mss };
    return blocked(
      `an MSS of ${mss} is too big for conn ${smallest.conn}: ${smallest.basis} leaves ${smallest.mss}`,
      `set mss: ${smallest.mss} or less, or mss: auto`,
    );
  }
  if (smallest) return { mss: smallest.mss, tolerated: smallest.possible };
  const reasons = tunnels.flatMap((tunnel) => {
    const computed = tunnelMss(gateway, tunnel);
    return "reason" in computed ? [computed.reason] : [];
  });
  return blocked(
    `the MSS cannot be computed: ${reasons[0] ?? "the host has no conn to compute it from"}`,
    "set mss to a number, or name a conn",
  );
}

function directionOf(spec: TcpMssClamp, { family, protected: isProtected, pair, isReturn }: Omit<Part, "tunnels">) {
  const input = isReturn ? spec.out : spec.in;
  const out = isReturn ? spec.in : spec.out;
  return {
    family,
    protected: isProtected,
    ...(pair ? { pair } : {}),
    ...(input === undefined ? {} : { in: input }),
    ...(out === undefined ? {} : { out }),
  };
}

function ownerOf(spec: TcpMssClamp, part: Omit<Part, "tunnels">): string {
  const { pair, in: input = "", out = "" } = directionOf(spec, part);
  return ownerComment(NAME, [networkText(pair?.source), networkText(pair?.destination), input, out]);
}

function networkText(network: { readonly address: string; readonly prefix: number } | undefined): string {
  return network ? `${network.address}/${network.prefix}` : "any";
}

/** The rules of iptables or nftables themselves, running and saved. */
function direct(spec: TcpMssClamp, gateway: Gateway, flows: readonly ClampFlow[]): Assessment {
  const { tables, notes } = gateway.firewall;
  const isAbsent = spec.state === "absent";
  const owners = new Set(flows.map(({ owner }) => owner));
  const backend = backendOf(spec, gateway);
  const plan = (given: typeof tables, wanted: readonly ClampFlow[], tool: FirewallBackend) =>
    isAbsent ? clampRemovals(given, owners) : clampBatches(given, { flows: wanted, backend: tool });
  const reason = isAbsent ? "the clamp shall not exist" : "forwarded SYNs may keep an MSS that does not fit";
  const running = plan(tables, flows, backend).map((batch) => batchChange(batch, tables, { property: "mss", reason }));
  if (!spec.persist) return { changes: running, notes };
  const sort = backend === "nftables" ? "nftables" : "iptables";
  const saved = savedChanges(gateway, {
    plan: (given, families) =>
      plan(
        given,
        flows.filter(({ family }) => families.includes(family)),
        sort === "iptables" ? "iptables-nft" : "nftables",
      ),
    families: [...new Set(flows.map(({ family }) => family))],
    ...(isAbsent ? {} : { sort }),
    hinders: () => false,
    reason: isAbsent ? reason : "after a boot forwarded SYNs would keep an MSS that does not fit",
  });
  if (saved.blocked) return { changes: [], notes: [...notes, ...saved.notes], blocked: saved.blocked };
  return { changes: [...running, ...saved.changes], notes: [...notes, ...saved.notes] };
}

function backendOf({ backend }: TcpMssClamp, { firewall, system }: Gateway): FirewallBackend {
  if (backend === "nftables") return "nftables";
  const iptables = backend === "iptables";
  return clampBackend(
    iptables ? firewall.tables.filter((table) => table.backend !== "nftables") : firewall.tables,
    iptables ? new Set(["iptables-save"]) : system.tools,
  );
}
