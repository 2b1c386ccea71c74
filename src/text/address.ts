import ipaddr from "ipaddr.js";
import { remembered } from "./remembered.ts";

export type Family = "ipv4" | "ipv6";

/** An IP network with host bits cleared; a single address has the full prefix length. */
export interface Network {
  readonly family: Family;
  /** The masked first address, canonical (RFC 5952 for IPv6). */
  readonly address: string;
  readonly prefix: number;
  /** Inclusive bounds as integers, for containment and overlap. */
  readonly first: bigint;
  readonly last: bigint;
}

// A fleet of 1,000 gateways in one address plan has some thousand different addresses.
const REMEMBERED = 4096;

/** Reads `10.0.2.0/24`, `10.0.2.33`, `10/8`, `0/0`, `10.0.0.0/255.0.0.0`, `2001:db8::/32`; undefined when it is no network. */
export const parseNetwork = remembered(REMEMBERED, (text): Network | undefined => {
  const slash = text.indexOf("/");
  const host = slash < 0 ? text : text.slice(0, slash);
  const mask = slash < 0 ? undefined : text.slice(slash + 1);
  const parsed = parseAddress(slash < 0 ? host : padded(host));
  if (parsed === undefined) return undefined;
  const bits = parsed.family === "ipv4" ? 32 : 128;
  const prefix = mask === undefined ? bits : prefixLength(mask, bits);
  return prefix === undefined ? undefined : network(parsed.family, parsed.value, prefix);
});

/** Whether the text is one plain address of either family. */
export function addressFamily(text: string): Family | undefined {
  return parseAddress(text)?.family;
}

/** The canonical text: `10.0.2.0/24`, and a single host with its full prefix (`10.0.2.33/32`). */
export function formatNetwork(wanted: Network): string {
  return `${wanted.address}/${wanted.prefix}`;
}

/** Like formatNetwork, but a single host without its prefix, as nftables prints it. */
export function formatHostOrNetwork(wanted: Network): string {
  return wanted.prefix === (wanted.family === "ipv4" ? 32 : 128) ? wanted.address : formatNetwork(wanted);
}

export function contains(outer: Network, inner: Network): boolean {
  return outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;
}

export function overlaps(one: Network, other: Network): boolean {
  return one.family === other.family && one.first <= other.last && other.first <= one.last;
}

/** The integer value of an address, for ranges such as `10.0.0.5-10.0.0.9`. */
export function addressValue(text: string): { readonly family: Family; readonly value: bigint } | undefined {
  return parseAddress(text);
}

function network(family: Family, value: bigint, prefix: number): Network {
  const bits = family === "ipv4" ? 32 : 128;
  const hostBits = BigInt(bits - prefix);
  const first = (value >> hostBits) << hostBits;
  return { family, address: format(family, first), prefix, first, last: first + (1n << hostBits) - 1n };
}

/** `10` and `10.1` as Libreswan pads them on the right: `10.0.0.0`. */
function padded(host: string): string {
  if (!/^\d+(\.\d+){0,3}$/.test(host)) return host;
  return [...host.split("."), "0", "0", "0"].slice(0, 4).join(".");
}

function prefixLength(mask: string, bits: number): number | undefined {
  if (/^\d{1,3}$/.test(mask)) return Number(mask) <= bits ? Number(mask) : undefined;
  if (bits !== 32) return undefined;
  const dotted = parseAddress(mask);
  if (dotted?.family !== "ipv4") return undefined;
  const ones = dotted.value.toString(2).padStart(32, "0");
  return /^1*0*$/.test(ones) ? (ones.indexOf("0") < 0 ? 32 : ones.indexOf("0")) : undefined;
}

interface Address {
  readonly family: Family;
  readonly value: bigint;
}

// The library tells that a text is no address by an exception, which takes far longer than reading one.
const parseAddress = remembered(REMEMBERED, (text): Address | undefined => {
  if (/^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/.test(text)) {
    const bytes = text.split(".").map(Number);
    return bytes.every((byte) => byte <= 255) ? { family: "ipv4", value: fromBytes(bytes) } : undefined;
  }
  if (text.includes(":") && !text.includes("%") && ipaddr.IPv6.isValid(text))
    return { family: "ipv6", value: fromBytes(ipaddr.IPv6.parse(text).toByteArray()) };
  return undefined;
});

function fromBytes(bytes: readonly number[]): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function format(family: Family, value: bigint): string {
  const length = family === "ipv4" ? 4 : 16;
  const bytes = Array.from({ length }, (_, index) => Number((value >> BigInt(8 * (length - 1 - index))) & 255n));
  return family === "ipv4" ? bytes.join(".") : new ipaddr.IPv6(bytes).toRFC5952String();
}
