import { createHash, createHmac } from "node:crypto";

/** One line of a known_hosts file. */
export interface KnownHost {
  readonly marker: "none" | "revoked" | "cert-authority";
  /** The patterns, or one hashed name, as they stand. */
  readonly hosts: string;
  readonly keyType: string;
  /** The key in base64. */
  readonly key: string;
  readonly file: string;
  readonly line: number;
}

/** A host as ssh names it in known_hosts. */
export interface HostName {
  readonly host: string;
  readonly port: number;
}

/** What known_hosts says of the key that a host showed. */
export type HostKeyVerdict =
  | { readonly verdict: "known" }
  /** Nothing is known of the host, or (`certified`) only the authority that certifies it. */
  | { readonly verdict: "unknown"; readonly certified: boolean }
  | { readonly verdict: "changed"; readonly entry: KnownHost }
  | { readonly verdict: "revoked"; readonly entry: KnownHost };

/** The entries of a known_hosts file; lines that are none are passed over, as ssh does. */
export function parseKnownHosts(text: string, file: string): readonly KnownHost[] {
  const entries: KnownHost[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const fields = line.trim().split(/[ \t]+/);
    const marker = MARKERS[fields[0] ?? ""];
    const [hosts, keyType, key] = marker ? fields.slice(1) : fields;
    if (!hosts || hosts.startsWith("#") || hosts.startsWith("@") || !keyType || !key) continue;
    if (keyTypeOf(Buffer.from(key, "base64")) !== keyType) continue;
    entries.push({ marker: marker ?? "none", hosts, keyType, key, file, line: index + 1 });
  }
  return entries;
}

const MARKERS: Readonly<Record<string, KnownHost["marker"]>> = { "@revoked": "revoked", "@cert-authority": "cert-authority" };

/** The entries that may say something of a host: worth asking for once, because hashed entries are dear to compare. */
export function entriesFor(known: readonly KnownHost[], name: HostName): readonly KnownHost[] {
  return known.filter((entry) => isFor(entry, name) || (name.port !== 22 && isFor(entry, { host: name.host, port: 22 })));
}

/** Judges the key (in ssh's wire format) that a host showed. */
export function judgeHostKey(known: readonly KnownHost[], name: HostName, key: Buffer): HostKeyVerdict {
  const shown = key.toString("base64");
  const entries = known.filter((entry) => isFor(entry, name));
  const revoked = [...entries, ...known.filter((entry) => isFor(entry, { host: name.host, port: 22 }))].find(
    (entry) => entry.marker === "revoked" && sameKey(entry, shown),
  );
  if (revoked) return { verdict: "revoked", entry: revoked };
  const plain = entries.filter((entry) => entry.marker === "none");
  if (plain.some((entry) => sameKey(entry, shown))) return { verdict: "known" };
  // A key of another type than the known ones is a change as well: known types are asked for first, so the host has lost
  // its known key, or is another host.
  const other = plain.find((entry) => entry.keyType === keyTypeOf(key)) ?? plain[0];
  if (other) return { verdict: "changed", entry: other };
  // As ssh does: the same key known under the plain name vouches for another port of the host.
  if (name.port !== 22 && judgeHostKey(known, { host: name.host, port: 22 }, key).verdict === "known")
    return { verdict: "known" };
  return { verdict: "unknown", certified: entries.some((entry) => entry.marker === "cert-authority") };
}

/** The types of the keys known for a host, to be asked for first: another type of key would look like a changed host. */
export function knownKeyTypes(known: readonly KnownHost[], name: HostName): readonly string[] {
  const typesOf = (wanted: HostName) =>
    known.filter((entry) => entry.marker === "none" && isFor(entry, wanted)).map((entry) => entry.keyType);
  const types = typesOf(name);
  return [...new Set(types.length > 0 || name.port === 22 ? types : typesOf({ host: name.host, port: 22 }))];
}

/** The known_hosts line that makes a key known. */
export function knownHostLine(name: HostName, key: Buffer): string {
  return `${knownName(name)} ${keyTypeOf(key)} ${key.toString("base64")}`;
}

/** A host as known_hosts writes it: `host`, or `[host]:port` beside port 22. */
export function knownName(name: HostName): string {
  const host = name.host.toLowerCase();
  return name.port === 22 ? host : `[${host}]:${name.port}`;
}

/** A key's fingerprint as `ssh-keygen -l` prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

/** The type that a key in wire format names, such as `ssh-ed25519`; empty when it is no key. */
export function keyTypeOf(key: Buffer): string {
  if (key.length < 4) return "";
  const length = key.readUInt32BE(0);
  return length > 64 || length + 4 > key.length ? "" : key.toString("latin1", 4, 4 + length);
}

/** Whether a name matches a list of patterns with `*`, `?` and `!`, as ssh reads it: a negated match excludes. */
export function matchesPatterns(patterns: readonly string[], name: string): boolean {
  let matched = false;
  for (const pattern of patterns) {
    const negated = pattern.startsWith("!");
    if (!matchesPattern(negated ? pattern.slice(1) : pattern, name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

// Two pointers instead of a regular expression: many stars in one pattern must not take exponential time.
function matchesPattern(pattern: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  let index = 0;
  while (index < name.length) {
    if (pattern[at] === "*") {
      star = at++;
      resume = index;
    } else if (at < pattern.length && (pattern[at] === "?" || pattern[at] === name[index])) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}

function isFor(entry: KnownHost, name: HostName): boolean {
  const wanted = knownName(name);
  if (!entry.hosts.startsWith("|")) return matchesPatterns(entry.hosts.toLowerCase().split(","), wanted);
  const [, version, salt, hash] = entry.hosts.split("|");
  if (version !== "1" || !salt || !hash) return false;
  return createHmac("sha1", Buffer.from(salt, "base64")).update(wanted).digest("base64") === hash;
}

function sameKey(entry: KnownHost, shown: string): boolean {
  return Buffer.from(entry.key, "base64").toString("base64") === shown;
}
