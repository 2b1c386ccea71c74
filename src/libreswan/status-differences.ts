import { addressFamily, formatNetwork, parseNetwork } from "../text/address.ts";
import { canonicalWord } from "./enums.ts";
import { ikeVersion } from "./options.ts";
import { type Proposal, type Protocol, parseProposals } from "./proposals.ts";
import type { StatusConn, StatusEnd } from "./status.ts";
import { builtInDefault, sameValue } from "./values.ts";
import { isAtLeast, type Version } from "./version.ts";

/** One thing that the daemon holds otherwise than the file says. */
export interface Difference {
  /** The key of `ipsec.conf`. */
  readonly key: string;
  readonly loaded: string;
  readonly onDisk: string;
}

/** The effective value of a key in the conn as it stands on disk; undefined where it is not set. */
export type Effective = (key: string) => string | undefined;

/**
 * How the conn that the daemon holds differs from the file, in what `ipsec status` tells of it. What the status prints in
 * another form than the file (most identities, defaults that vary by build) is left out: a difference here is a real one.
 */
export function loadedDiffers(conn: StatusConn, effective: Effective, version: Version): readonly Difference[] {
  return [
    ...differentFields(conn, effective, version),
    ...differentPolicy(conn, effective, version),
    ...differentEnds(conn, effective),
    ...differentProposals(conn, effective, version),
  ];
}

/** Keys whose loaded value the status prints; with what it prints where the key is not set, if that is certain. */
const FIELDS: readonly { readonly key: string; readonly field: string; readonly unset?: string }[] = [
  { key: "mtu", field: "mtu", unset: "unset" },
  { key: "nic-offload", field: "nic-offload" },
  { key: "encapsulation", field: "encapsulation" },
  { key: "metric", field: "metric", unset: "0" },
  { key: "priority", field: "sa_prio", unset: "auto" },
  { key: "ikelifetime", field: "ike_life" },
  { key: "salifetime", field: "ipsec_life" },
  { key: "rekeymargin", field: "rekey_margin" },
  { key: "rekeyfuzz", field: "rekey_fuzz" },
  { key: "replay-window", field: "replay_window" },
  { key: "retransmit-timeout", field: "retransmit-timeout" },
  { key: "retransmit-interval", field: "retransmit-interval" },
  { key: "dpdaction", field: "dpdaction" },
  { key: "dpddelay", field: "dpddelay" },
];

/** Libreswan cuts longer lifetimes down, so a value above can't be compared: 8 hours hold in every version. */
const LIFETIMES = new Set(["ikelifetime", "salifetime"]);

function differentFields(conn: StatusConn, effective: Effective, version: Version): readonly Difference[] {
  return FIELDS.flatMap(({ key, field, unset }) => {
    const loaded = conn.fields.get(field);
    const onDisk = effective(key) ?? unset ?? builtInDefault("conn", key, version);
    if (loaded === undefined || onDisk === undefined || isBeyondLimit(key, onDisk, version)) return [];
    return loaded === onDisk || sameValue(key, loaded, onDisk, version) || (loaded === unset && isNothing(onDisk))
      ? []
      : [{ key, loaded, onDisk }];
  });
}

function isBeyondLimit(key: string, onDisk: string, version: Version): boolean {
  return (
    LIFETIMES.has(key) && !["8h", "28800s"].some((limit) => sameValue(key, onDisk, limit, version)) && seconds(onDisk) > 28800
  );
}

function seconds(time: string): number {
  const [, digits = "0", unit = "s"] = /^(\d+)(ms|[smhdw])?$/.exec(time) ?? [];
  return Number(digits) * ({ ms: 0.001, s: 1, m: 60, h: 3600, d: 86400, w: 604800 }[unit] ?? 1);
}

/** 0, and a value that is no number, load as if the key were not set. */
function isNothing(onDisk: string): boolean {
  return !/^0*[1-9]\d*$/.test(onDisk);
}

function differentPolicy(conn: StatusConn, effective: Effective, version: Version): readonly Difference[] {
  const { policy } = conn;
  if (policy.size === 0) return [];
  const differences: Difference[] = [];
  const compare = (key: string, loaded: string, onDisk: string): void => {
    if (loaded !== onDisk) differences.push({ key, loaded, onDisk });
  };
  const exchange = policy.has("IKEv1") ? "ikev1" : policy.has("IKEv2") ? "ikev2" : undefined;
  if (exchange !== undefined)
    compare(isAtLeast(version, "5.0") ? "keyexchange" : "ikev2", exchange, ikeVersion(effective, version));
  const type = canonicalWord("type", effective("type") ?? "tunnel", version);
  if (type === "tunnel" || type === "transport") compare("type", policy.has("TUNNEL") ? "tunnel" : "transport", type);
  compare("pfs", word(policy.has("PFS")), yesNo("pfs", effective("pfs") ?? "yes", version));
  compare("compress", word(policy.has("COMPRESS")), yesNo("compress", effective("compress") ?? "no", version));
  const phase2 = protocolOf(effective, version);
  if (phase2 !== undefined && policy.has("ENCRYPT") !== policy.has("AUTHENTICATE"))
    compare("phase2", policy.has("AUTHENTICATE") ? "ah" : "esp", phase2);
  const authby = effective("authby");
  const sided = effective("leftauth") ?? effective("rightauth");
  if (authby !== undefined && sided === undefined && isSecret(authby) !== policy.has("PSK"))
    differences.push({ key: "authby", loaded: policy.has("PSK") ? "secret" : "not secret", onDisk: authby });
  return differences;
}

function isSecret(authby: string): boolean {
  return authby.split(/[\s,|]+/).includes("secret");
}

/** Undefined where `ah=` decides: it is another name of `esp=` up to 5.2, and a key of its own later. */
function protocolOf(effective: Effective, version: Version): string | undefined {
  const phase2 = effective("phase2");
  if (phase2 === undefined && isAtLeast(version, "5.3") && effective("ah") !== undefined) return undefined;
  return canonicalWord("phase2", phase2 ?? "esp", version) === "ah" ? "ah" : "esp";
}

function yesNo(key: string, value: string, version: Version): string {
  return word(sameValue(key, value, "yes", version));
}

function word(isSo: boolean): string {
  return isSo ? "yes" : "no";
}

function differentEnds(conn: StatusConn, effective: Effective): readonly Difference[] {
  const loaded = [conn.ours, conn.theirs];
  const differences: Difference[] = [];
  const mirrored = isMirrored(conn, effective);
  for (const [index, side] of [mirrored ? "right" : "left", mirrored ? "left" : "right"].entries()) {
    const end = loaded[index];
    if (end !== undefined) differences.push(...differentEnd(side, end, effective));
  }
  return differences;
}

/** Whether Libreswan took the right side for ours: decided by the hosts, else by the networks. */
function isMirrored(conn: StatusConn, effective: Effective): boolean {
  const fits = (side: string, end: StatusEnd): number => {
    const subnet = network(effective(`${side}subnet`) ?? "");
    return (
      (sameHost(effective(side) ?? "", end.host) === true ? 2 : 0) +
      (subnet !== undefined && subnet === network(end.client ?? "") ? 1 : 0)
    );
  };
  return fits("right", conn.ours) + fits("left", conn.theirs) > fits("left", conn.ours) + fits("right", conn.theirs);
}

function differentEnd(side: string, end: StatusEnd, effective: Effective): readonly Difference[] {
  const differences: Difference[] = [];
  const host = effective(side);
  if (host !== undefined && sameHost(host, end.host) === false) differences.push({ key: side, loaded: end.host, onDisk: host });
  const wanted = clientsOf(side, effective);
  const client = end.client === undefined ? undefined : network(end.client);
  if (wanted !== undefined && wanted.length > 0 && !wanted.includes(client ?? `${network(end.host) ?? end.host}`))
    differences.push({ key: `${side}subnet`, loaded: end.client ?? end.host, onDisk: wanted.join(",") });
  if (
    wanted?.length === 0 &&
    client !== undefined &&
    client !== network(end.host) &&
    effective(`${side}addresspool`) === undefined
  )
    differences.push({ key: `${side}subnet`, loaded: client, onDisk: "not set" });
  return differences;
}

/** The networks that a side may show: one of its list; none for a host alone; undefined where it can't be told. */
function clientsOf(side: string, effective: Effective): readonly string[] | undefined {
  if (["sourceip", "protoport", "vti", "addresspool", "interface-ip"].some((key) => effective(`${side}${key}`) !== undefined))
    return undefined;
  if (effective("type") === "transport" || effective("modecfgpull") !== undefined || effective("narrowing") !== undefined)
    return undefined;
  const single = effective(`${side}subnet`);
  const list = effective(`${side}subnets`);
  if (single === undefined && list === undefined) return [];
  const networks = [...(single ?? "").split(","), ...(list ?? "").replace(/[{}]/g, " ").split(/[\s,]+/)]
    .map((item) => item.trim())
    .filter((item) => item !== "")
    .map(network);
  return networks.includes(undefined) ? undefined : networks.flatMap((item) => item ?? []);
}

/** Undefined where a name or `%defaultroute` can't be compared with an address. */
function sameHost(onDisk: string, loaded: string): boolean | undefined {
  if (addressFamily(onDisk) === undefined || addressFamily(loaded) === undefined) return undefined;
  return network(onDisk) === network(loaded);
}

function network(text: string): string | undefined {
  const read = parseNetwork(text);
  return read === undefined ? undefined : formatNetwork(read);
}

/** The status lists the offers with all defaults filled in, and only where the key is set. */
function differentProposals(conn: StatusConn, effective: Effective, version: Version): readonly Difference[] {
  return (["ike", "esp"] as const).flatMap((protocol) => {
    const key = protocol;
    const loaded = conn.fields.get(protocol === "ike" ? "IKE algorithms" : "ESP algorithms");
    const onDisk = effective(protocol) ?? (protocol === "esp" ? effective("phase2alg") : undefined);
    if (loaded === undefined || onDisk === undefined) return [];
    return offersDiffer(protocol, loaded, onDisk, version) ? [{ key, loaded, onDisk }] : [];
  });
}

/** Whether some loaded offer comes from no proposal of the file, or some proposal of the file has no loaded offer. */
function offersDiffer(protocol: Protocol, loaded: string, onDisk: string, version: Version): boolean {
  const [held, wanted] = [parseProposals(protocol, loaded, version), parseProposals(protocol, onDisk, version)];
  if (!held.ok || !wanted.ok) return false;
  const orphan = held.proposals.some((offer) => !wanted.proposals.some((proposal) => comesFrom(offer, proposal)));
  return orphan || wanted.proposals.some((proposal) => !held.proposals.some((offer) => comesFrom(offer, proposal)));
}

function comesFrom(offer: Proposal, proposal: Proposal): boolean {
  const within = (held: readonly string[], named: readonly string[]): boolean =>
    named.length === 0 || held.every((name) => named.some((candidate) => name === candidate || name.startsWith(`${candidate}_`)));
  return (
    within(offer.encrypt, proposal.encrypt) &&
    within(offer.prf, proposal.prf) &&
    within(offer.integ, proposal.integ) &&
    within(offer.dh, proposal.dh)
  );
}
