import { addressFamily, formatNetwork, parseNetwork } from "../text/address.ts";
import { alternatives, canonicalWord } from "./enums.ts";
import { type Keyword, keyword, type Section } from "./keywords.ts";
import { type Protocol, parseProposals } from "./proposals.ts";
import { isAtLeast, type Version } from "./version.ts";

/** What a value means to one version: its canonical text, or why Libreswan would not take it. */
export type ValueReading =
  | { readonly ok: true; readonly canonical: string }
  | { readonly ok: false; readonly reason: string; readonly help: string };

/** Whether two values of a key mean the same to this version; values that it would not take are compared as texts. */
export function sameValue(key: string, one: string, other: string, version: Version): boolean {
  const known = keyword("conn", key, version) ?? keyword("setup", key, version);
  if (known === undefined || one === other) return one === other;
  return meaning(known, one, version) === meaning(known, other, version);
}

/** The value that the version assumes when a key is not set; undefined where it assumes none or where it is not known. */
export function builtInDefault(section: Section, key: string, version: Version): string | undefined {
  const known = keyword(section, key, version);
  if (known === undefined || known.side !== undefined) return undefined;
  const defaults = section === "conn" ? connDefaults : setupDefaults;
  const value = defaults[known.field];
  return typeof value === "function" ? value(version) : value;
}

type Default = string | ((version: Version) => string | undefined);

const connDefaults: Readonly<Record<string, Default>> = {
  auto: "ignore",
  type: "tunnel",
  pfs: "yes",
  rekey: "yes",
  compress: "no",
  phase2: "esp",
  ikev2: "yes",
  encapsulation: "auto",
  mobike: "no",
  narrowing: "no",
  "nic-offload": (version) => (isAtLeast(version, "5.0") ? "no" : "auto"),
  "sha2-truncbug": "no",
  aggressive: "no",
  overlapip: "no",
};

const setupDefaults: Readonly<Record<string, Default>> = {
  uniqueids: "yes",
  plutodebug: "none",
  // In 4.x it depends on who built it.
  "ikev1-policy": (version) => (isAtLeast(version, "5.0") ? "drop" : undefined),
};

/** Reads a value as the version reads it for this key. */
export function readValue(known: Keyword, value: string, version: Version): ValueReading {
  switch (known.type) {
    case "bool":
      return readBoolean(value, version);
    case "enum":
      return readWord(known.field, value, version);
    case "number":
      return readNumber(known.field, value, version);
    case "time":
      return readTime(known.field, value, version);
    case "percent":
      return /^\d+%?$/.test(value)
        ? accepted(String(Number(value.replace("%", ""))))
        : refused(`"${value}" is not a percentage`, "write it like 100%");
    case "bytes":
      return readBytes(value, version);
    case "debug":
      return readDebug(value, version);
    case "proposals":
      return readProposals(known.name, value, version);
    case "subnet":
      return readSubnet(value, version);
    case "subnets":
      return readSubnets(value);
    case "host":
      return accepted(hostMeaning(value));
    default:
      return accepted(stringMeaning(known.field, value));
  }
}

function meaning(known: Keyword, value: string, version: Version): string {
  const read = readValue(known, value, version);
  return read.ok ? `=${read.canonical}` : `?${value}`;
}

const yes = ["y", "yes", "true", "on"];
const no = ["n", "no", "false", "off"];

function readBoolean(value: string, version: Version): ValueReading {
  const modern = isAtLeast(version, "5.0");
  const word = modern ? value.toLowerCase() : value;
  if (yes.includes(word) || (modern && word === "1")) return accepted("yes");
  if (no.includes(word) || (modern && word === "0")) return accepted("no");
  return refused(`"${value}" is neither yes nor no to Libreswan ${version.text}`, "write yes or no, in lower case");
}

function readWord(field: string, value: string, version: Version): ValueReading {
  const groups = alternatives(field, version);
  if (groups === undefined) return accepted(value.toLowerCase());
  const word = canonicalWord(field, value, version);
  const known = groups.map((group) => group[0]).join(", ");
  return word === undefined
    ? refused(`Libreswan ${version.text} does not know "${value}" here`, `use one of ${known}`)
    : accepted(word);
}

/** Bounds outside of which a number has no effect or can't be installed. */
const bounds: Readonly<Record<string, readonly [number, number]>> = {
  mtu: [0, 65535],
  reqid: [0, 16383],
  ikeport: [0, 65535],
  "tcp-remoteport": [0, 65535],
};

function readNumber(field: string, value: string, version: Version): ValueReading {
  // The scanner itself turns this word into 0: no limit.
  if (value === "%forever" && !isAtLeast(version, "5.3")) return accepted("0");
  const signed = field === "nhelpers" && /^-1$/.test(value);
  if (!signed && !/^\d+$/.test(value)) {
    const effect = isAtLeast(version, "5.0") ? "would ignore it" : "would silently take it for 0";
    return refused(`"${value}" is not a number; Libreswan ${version.text} ${effect}`, "write decimal digits only");
  }
  const number = Number(value);
  const [least, most] = bounds[field] ?? [-1, 4294967295];
  return number < least || number > most
    ? refused(`${value} is out of range`, `use a number from ${Math.max(least, 0)} to ${most}`)
    : accepted(String(number));
}

const unitsInMilliseconds: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

function readTime(field: string, value: string, version: Version): ValueReading {
  const [, digits, unit] = /^(\d+)(ms|[smhdw])?$/.exec(value) ?? [];
  const inMilliseconds = field === "retransmit-interval";
  if (digits === undefined || (inMilliseconds && unit !== undefined && !isAtLeast(version, "4.0"))) {
    return refused(
      `"${value}" is not a time to Libreswan ${version.text}`,
      inMilliseconds ? "write milliseconds, such as 500" : "write seconds, or a number with one of ms s m h d w",
    );
  }
  return accepted(`${Number(digits) * (unitsInMilliseconds[unit ?? (inMilliseconds ? "ms" : "s")] ?? 1)}ms`);
}

function readBytes(value: string, version: Version): ValueReading {
  const [, digits, prefix = "", binary = ""] = /^(\d+)(?:([KMGTPE])(i?))?B?$/i.exec(value) ?? [];
  if (digits === undefined || (prefix !== "" && binary === "" && isAtLeast(version, "5.0")))
    return refused(
      `"${value}" is not a number of bytes to Libreswan ${version.text}`,
      "write bytes, or a number with Ki, Mi, Gi or Ti",
    );
  const power = prefix === "" ? 0 : "KMGTPE".indexOf(prefix.toUpperCase()) + 1;
  return accepted(String(BigInt(digits) << BigInt(10 * power)));
}

const debugWords = ["base", "cpu-usage", "refcnt", "tmi", "crypt", "private"];
const debugWords5 = [...debugWords, "routing", "updown", "whackwatch", "add-prefix"];

/** The words of `plutodebug=` in a version that checks them; 3.x has many more, which are taken as they come. */
function readDebug(value: string, version: Version): ValueReading {
  const flags = new Set<string>();
  const known = isAtLeast(version, "5.0") ? debugWords5 : debugWords;
  for (const word of value
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((part) => part !== "")) {
    const name = word.replace(/^no-/, "");
    if (isAtLeast(version, "4.0") && !["all", "none", ...known].includes(name))
      return refused(`Libreswan ${version.text} has no debug word "${word}"`, `use all, none or some of ${known.join(", ")}`);
    if (word === "none" || word === "no-all") flags.clear();
    else if (word.startsWith("no-")) flags.delete(name);
    else flags.add(name);
  }
  return accepted(flags.has("all") ? "all" : [...flags].sort().join(",") || "none");
}

function readProposals(name: string, value: string, version: Version): ValueReading {
  const protocol: Protocol = name === "ike" || name === "ah" ? name : "esp";
  const read = parseProposals(protocol, value, version);
  // `phase2alg=` and `esp=` hold AH proposals where `phase2=ah`.
  const asAh = read.ok || protocol !== "esp" ? undefined : parseProposals("ah", value, version);
  const either = asAh?.ok ? asAh : read;
  return either.ok
    ? accepted(JSON.stringify(either.proposals))
    : refused(either.reason, "see the algorithms that `ipsec status` lists");
}

function readSubnet(value: string, version: Version): ValueReading {
  if (/^(vhost|vnet):|^%/i.test(value)) return accepted(value.toLowerCase());
  const items = value.split(",").map((item) => item.trim());
  if (!isAtLeast(version, "5.0")) {
    if (items.length > 1)
      return refused(
        `Libreswan ${version.text} takes one network here and would drop the conn`,
        "use leftsubnets= or rightsubnets= for a list",
      );
    if (!value.includes("/"))
      return refused(
        `Libreswan ${version.text} wants a network with its mask and would drop the conn`,
        `write ${value}/${value.includes(":") ? 128 : 32}`,
      );
  }
  const networks = items.map((item) => selector(item, isAtLeast(version, "5.0")));
  const bad = items.find((_, index) => networks[index] === undefined);
  return bad === undefined
    ? accepted([...networks].sort().join(","))
    : refused(`"${bad}" is not a network`, "write it like 10.0.2.0/24");
}

/** `10.0.1.0/24` or, from 5.0 on, `10.0.1.0/24/tcp/80`. */
function selector(text: string, withPorts: boolean): string | undefined {
  const [address = "", mask, ...ports] = text.split("/");
  const network = parseNetwork(mask === undefined ? address : `${address}/${mask}`);
  if (network === undefined || (ports.length > 0 && !withPorts)) return undefined;
  return [formatNetwork(network), ...ports.map((part) => part.toLowerCase())].join("/");
}

/** A list counts as a set: its order decides how Libreswan numbers the conns, not which tunnels there are. */
function readSubnets(value: string): ValueReading {
  const items = value
    .replace(/^\s*\{|\}\s*$/g, "")
    .split(/[\s,]+/)
    .filter((item) => item !== "");
  const networks = items.map((item) => (item.includes("/") ? selector(item, false) : undefined));
  const bad = items.find((_, index) => networks[index] === undefined);
  if (bad !== undefined) return refused(`"${bad}" is not a network with its mask`, "write it like 10.0.2.0/24,10.0.3.0/24");
  return accepted([...new Set(networks)].sort().join(","));
}

function hostMeaning(value: string): string {
  if (addressFamily(value) !== undefined) return hostNetwork(value);
  return value.startsWith("%") ? value : value.toLowerCase();
}

const addressFields = new Set(["sourceip", "nexthop"]);
const listFields = new Set(["authby", "modecfgdns", "modecfgdomains", "virtual-private"]);
const protocolNumbers: Readonly<Record<string, string>> = {
  icmp: "1",
  tcp: "6",
  udp: "17",
  gre: "47",
  ipv6icmp: "58",
  sctp: "132",
};

function stringMeaning(field: string, value: string): string {
  if (addressFields.has(field))
    return value
      .split(",")
      .map((part) => hostMeaning(part.trim()))
      .join(",");
  if (field === "protoport") {
    const [protocol = "", port = "%any"] = value.toLowerCase().split("/");
    return `${protocolNumbers[protocol] ?? protocol}/${port === "0" ? "%any" : port}`;
  }
  if (!listFields.has(field)) return value;
  const parts = value.split(field === "authby" ? /[\s,|]+/ : /[\s,]+/).filter((part) => part !== "");
  return field === "authby"
    ? parts
        .map((part) => part.replace(/^never$/, "none"))
        .sort()
        .join(",")
    : parts.join(",");
}

function hostNetwork(address: string): string {
  const network = parseNetwork(address);
  return network === undefined ? address : network.address;
}

function accepted(canonical: string): ValueReading {
  return { ok: true, canonical };
}

function refused(reason: string, help: string): ValueReading {
  return { ok: false, reason, help };
}
