import { addressFamily, addressValue, type Family, parseNetwork } from "../text/address.ts";
import type { Grammar } from "./vocabulary.ts";

interface Valued {
  readonly value: string;
  readonly assignment: { readonly sameAs: string };
}

type Values = ReadonlyMap<string, Valued>;

/** Why Libreswan drops a conn although its keys fit together: values that it checks while it puts the conn's two ends together. */
export function endProblems(held: Values, grammar: Grammar): readonly string[] {
  if (grammar === "5.3" || grammar === "5.4") return [];
  const authby = authbyProblem(held, grammar);
  if (authby !== undefined) return [authby];
  const family = hostFamily(held);
  return (["left", "right"] as const).flatMap((side) => sideProblems(held, side, family, grammar));
}

function sideProblems(held: Values, side: "left" | "right", family: Family, grammar: Grammar): readonly string[] {
  const get = (key: string): string | undefined => rawValue(held, `${side}${key}`);
  const problems: string[] = [];
  const bad = (key: string, why: string): void => {
    const cause = get(key)?.endsWith("\r") ? "it ends in the CR of a CR LF line end" : why;
    problems.push(`bad ${side}${key}=${held.get(`${side}${key}`)?.value ?? ""} (${cause})`);
  };
  const nexthop = get("nexthop");
  const vti = get("vti");
  if (vti !== undefined && !isAddressWithPrefix(vti)) bad("vti", "needs an address with a prefix length");
  if (nexthop !== undefined && nexthop.toLowerCase() !== "%defaultroute" && addressFamily(nexthop) !== family) {
    bad("nexthop", `not an ${family === "ipv4" ? "IPv4" : "IPv6"} address`);
  }
  if (grammar === "5.0") return problems;

  const subnet = get("subnet");
  const pool = get("addresspool");
  const sourceip = get("sourceip");
  const interfaceIp = get("interface-ip");
  if (subnet !== undefined && pool !== undefined) problems.push(`${side}subnet= and ${side}addresspool= exclude each other`);
  if (subnet !== undefined && /^v(?:host|net):/.test(subnet)) {
    if (grammar === "4" && ikeVersion(held, grammar) !== 1) bad("subnet", "vhost: and vnet: are for IKEv1 only");
  } else if (subnet !== undefined && !(subnet.includes("/") && parseNetwork(subnet) !== undefined)) {
    bad("subnet", subnet.includes("/") ? "not a network" : "no / in the subnet");
  }
  if (sourceip !== undefined && addressFamily(sourceip) === undefined && !isHostName(sourceip)) bad("sourceip", "not an address");
  if (sourceip !== undefined && interfaceIp !== undefined)
    problems.push(`${side}interface-ip= and ${side}sourceip= exclude each other`);
  if (interfaceIp !== undefined && !isAddressWithPrefix(interfaceIp))
    bad("interface-ip", "needs an address with a prefix length");
  if (get("cert") !== undefined && get("ckaid") !== undefined) problems.push(`${side}cert= and ${side}ckaid= exclude each other`);
  if (get("ckaid") !== undefined && !/^(?:[0-9a-f]{2}_?)+$/i.test(get("ckaid") ?? "")) bad("ckaid", "not hexadecimal");
  if (get("protoport") !== undefined && !isProtoport(get("protoport") ?? "", grammar)) bad("protoport", "not protocol/port");
  if (pool !== undefined && !isPool(pool)) bad("addresspool", "not a range of addresses");
  if (grammar === "4" && literalKeys(held, side) > 1) problems.push(`more than one public key for ${side}`);
  return problems;
}

/** As Libreswan has it: with the CR of a CR LF line end. */
function rawValue(held: Values, key: string): string | undefined {
  const found = held.get(key);
  return found === undefined ? undefined : `${found.value}${found.assignment.sameAs.endsWith("\r") ? "\r" : ""}`;
}

const IKEV1_AUTH = new Set(["secret", "rsasig", "rsa", "never"]);
const AUTH = new Set([
  ...IKEV1_AUTH,
  "null",
  "rsa-sha1",
  "rsa-sha2",
  "rsa-sha2_256",
  "rsa-sha2_384",
  "rsa-sha2_512",
  "ecdsa",
  "ecdsa-sha2",
  "ecdsa-sha2_256",
  "ecdsa-sha2_384",
  "ecdsa-sha2_512",
]);

function authbyProblem(held: Values, grammar: Grammar): string | undefined {
  const authby = rawValue(held, "authby");
  if (authby === undefined) return undefined;
  for (const word of authby.split(/[, ]/)) {
    if (IKEV1_AUTH.has(word)) continue;
    if (ikeVersion(held, grammar) === 1) return `authby=${authby.trimEnd()} with IKEv1: it must be rsasig, secret or never`;
    if (!AUTH.has(word)) return `authby=${authby.trimEnd()}: '${JSON.stringify(word).slice(1, -1)}' is not known`;
  }
  return undefined;
}

function ikeVersion(held: Values, grammar: Grammar): 1 | 2 {
  const exchange = held.get("keyexchange")?.assignment.sameAs;
  if (grammar === "5.0" && exchange === "ikev1") return 1;
  if (grammar === "5.0" && exchange === "ikev2") return 2;
  const ikev2 = held.get("ikev2")?.assignment.sameAs;
  return ikev2 === "never" || ikev2 === "permit" ? 1 : 2;
}

/** The family of the tunnel's outer addresses, as Libreswan guesses it from them. */
function hostFamily(held: Values): Family {
  const wanted = held.get("hostaddrfamily")?.assignment.sameAs;
  if (wanted === "ipv4" || wanted === "ipv6") return wanted;
  const hosts = ["left", "leftnexthop", "right", "rightnexthop"].map((key) => held.get(key)?.value ?? "");
  return hosts.some((host) => host.includes(":") || host === "%defaultroute6" || host === "%any6") ? "ipv6" : "ipv4";
}

function isAddressWithPrefix(value: string): boolean {
  const [address = "", prefix] = value.split("/");
  if (/^(?:0\.0\.0\.0|::)$/.test(address)) return false;
  return prefix !== undefined && addressFamily(address) !== undefined && parseNetwork(value) !== undefined;
}

/** Up to 4.x a name is looked up in the DNS when the file is read; whether that works is not known here. */
function isHostName(value: string): boolean {
  return /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\.?$/i.test(value) && /[a-z]/i.test(value);
}

const PROTOCOLS = new Set(
  "ip icmp igmp ggp ipencap ipip st tcp egp igp udp dccp ipv6 rsvp gre esp ah ipv6-icmp icmpv6 eigrp ospf pim ipcomp vrrp l2tp sctp udplite fc hip".split(
    " ",
  ),
);

/** 4.x looks at the start of a protocol's name alone: `tcp4` is tcp. Whether a service has a name only the host knows. */
function isProtoport(value: string, grammar: Grammar): boolean {
  const slash = value.indexOf("/");
  const protocol = (slash < 0 ? value : value.slice(0, slash)).toLowerCase();
  const port = slash < 0 ? "" : value.slice(slash + 1);
  if (grammar === "4" && value === "%any") return true;
  const isPrefixed = grammar === "4" && /^(?:ah|comp|esp|icmp|int|tcp|tun|udp|unk)/.test(protocol);
  const isNumber = /^(?:\d+|0x[\da-f]+)$/.test(protocol) ? Number(protocol) <= 255 : protocol === "" && grammar === "3";
  if (!isPrefixed && !isNumber && !PROTOCOLS.has(protocol)) return false;
  const isNone = /^(?:0*|unk.*|ip)$/.test(protocol);
  if (grammar === "4" && isNone) return /^0*$/.test(port);
  return /^\d+$/.test(port) ? Number(port) <= 65535 : grammar === "3" || port === "" || port === "%any" || /^[a-z]/i.test(port);
}

function isPool(value: string): boolean {
  const [first = "", last] = value.split("-");
  if (last === undefined)
    return parseNetwork(value) !== undefined && (addressFamily(value) === undefined || !value.includes(":"));
  const [from, to] = [addressValue(first), addressValue(last)];
  return from !== undefined && to !== undefined && from.family === "ipv4" && to.family === "ipv4" && from.value <= to.value;
}

/** Public keys that stand in the file itself, of which one end may have one. */
function literalKeys(held: Values, side: string): number {
  return ["rsasigkey", "ecdsakey", "pubkey"].filter((key) => held.get(`${side}${key}`)?.assignment.sameAs.startsWith("other "))
    .length;
}
