import { isAtLeast, type Version } from "./version.ts";

/**
 * The words of the keys that take one of a few: alternatives separated by `|`, words of one meaning side by side, the first
 * being the one to write. `@5.0-` is since, `@-5.0` until (exclusive) a version.
 */
const words: Readonly<Record<string, string>> = {
  auto: "ignore | add | ondemand route | start up | keep@4.3-",
  type: "tunnel | transport | passthrough pass | reject | drop",
  phase2: "esp default | ah",
  keyexchange: "ike | ikev1@5.0- | ikev2@5.0-",
  ikev2: "never no permit | insist yes propose always",
  "nic-offload": "auto@-5.0 | no | yes@-5.0 | crypto@5.0- yes@5.0- | packet@5.0-",
  ppk: "never no | permit | propose yes | insist always",
  fragmentation: "yes | no never | force insist",
  encapsulation: "auto | yes | no",
  esn: "yes | no | either",
  "enable-tcp": "yes | no | fallback",
  "accept-redirect": "yes | no | auto@-5.0",
  "send-redirect": "yes | no | auto",
  dpdaction: "hold | clear | restart restart_by_peer",
  sendca: "none | issuer | all",
  sendcert: "always alwayssend yes@5.3- | sendifasked ifasked@5.3- | never no@5.3-",
  failureshunt: "none | passthrough pass@5.3- | drop hold | reject",
  negotiationshunt: "passthrough pass@5.3- | drop hold",
  hostaddrfamily: "ipv4 v4 inet | ipv6 v6 inet6",
  clientaddrfamily: "ipv4 v4 inet | ipv6 v6 inet6",
  "remote-peer-type": "cisco",
  xauthby: "file | pam | alwaysok",
  xauthfail: "hard | soft",
  "nat-ikev1-method": "both | rfc | drafts | none",
  sareftrack: "yes | no | conntrack",
  auth: "never | secret | rsasig rsa@4.0- | ecdsa@4.0- | null | eaponly@4.0-",
  autheap: "none | tls",
  "ddos-mode": "auto | busy | unlimited",
  seccomp: "enabled | disabled | tolerant",
  "ocsp-method": "get | post",
  "ikev1-policy": "accept | reject | drop",
};

const affirmative = ["true", "on", "y"];
const negative = ["false", "off", "n"];

/** Keys that 5.x reads with the long list of yes and no words. */
const booleanLike = new Set([
  "ikev2",
  "ppk",
  "fragmentation",
  "encapsulation",
  "esn",
  "enable-tcp",
  "accept-redirect",
  "send-redirect",
]);

/** The alternatives of a key in a version, each with its words, the one to write first; undefined for a key that takes any word. */
export function alternatives(key: string, version: Version): readonly (readonly string[])[] | undefined {
  const line = words[key];
  if (line === undefined) return undefined;
  return line
    .split(" | ")
    .map((group) => group.split(" ").flatMap((word) => inVersion(word, version)))
    .filter((group) => group.length > 0)
    .map((group) => (booleanLike.has(key) && isAtLeast(version, "5.0") ? withBooleans(group) : group));
}

/** The word to write for a meaning (`route` → `ondemand`), or undefined when the version does not take the value. Case is ignored. */
export function canonicalWord(key: string, value: string, version: Version): string | undefined {
  const wanted = value.toLowerCase();
  return alternatives(key, version)?.find((group) => group.includes(wanted))?.[0];
}

function inVersion(word: string, version: Version): readonly string[] {
  const [name = "", range = "-"] = word.split("@");
  const [since = "", until = ""] = range.split("-");
  const isIn = (since === "" || isAtLeast(version, since)) && (until === "" || !isAtLeast(version, until));
  return isIn ? [name] : [];
}

function withBooleans(group: readonly string[]): readonly string[] {
  if (group.includes("yes")) return [...group, ...affirmative];
  return group.includes("no") ? [...group, ...negative] : group;
}
