import { isAtLeast, type Version } from "./version.ts";

/** What a proposal is for: the word before `=` in a conn. */
export type Protocol = "ike" | "esp" | "ah";

/** One proposal, each algorithm by its canonical name (`AES_CBC_256`, `HMAC_SHA2_256`, `MODP2048`), in the order of preference. */
export interface Proposal {
  readonly encrypt: readonly string[];
  readonly prf: readonly string[];
  readonly integ: readonly string[];
  readonly dh: readonly string[];
  /** Further key exchanges and sequence number kinds, which Libreswan reads from 5.3 on. */
  readonly more: readonly string[];
}

/** The proposals of a value, or why Libreswan would not take it. */
export type ProposalsReading =
  | { readonly ok: true; readonly proposals: readonly Proposal[] }
  | { readonly ok: false; readonly reason: string };

const encryption = aliases(`
  3DES_CBC: 3des 3des_cbc
  AES_CBC: aes aes_cbc
  AES_CTR: aesctr aes_ctr
  AES_GCM_8: aes_gcm_8 aes_gcm_a
  AES_GCM_12: aes_gcm_12 aes_gcm_b
  AES_GCM_16: aes_gcm aes_gcm_16 aes_gcm_c
  AES_CCM_8: aes_ccm_8 aes_ccm_a
  AES_CCM_12: aes_ccm_12 aes_ccm_b
  AES_CCM_16: aes_ccm aes_ccm_16 aes_ccm_c
  NULL_AUTH_AES_GMAC: null_auth_aes_gmac aes_gmac
  CAMELLIA_CBC: camellia camellia_cbc
  CAMELLIA_CTR: camellia_ctr
  CAST_CBC: cast cast_cbc
  SERPENT_CBC: serpent serpent_cbc
  TWOFISH_CBC: twofish twofish_cbc
  TWOFISH_SSH: twofish_ssh twofish_cbc_ssh
  CHACHA20_POLY1305: chacha20_poly1305 chacha20poly1305
  NULL: null
`);

const pseudorandom = aliases(`
  HMAC_MD5: md5 hmac_md5
  HMAC_SHA1: sha sha1 hmac_sha1
  HMAC_SHA2_256: sha2 sha256 sha2_256 hmac_sha2_256
  HMAC_SHA2_384: sha384 sha2_384 hmac_sha2_384
  HMAC_SHA2_512: sha512 sha2_512 hmac_sha2_512
  AES_XCBC: aes128_xcbc aes_xcbc
`);

const integrity = aliases(`
  HMAC_MD5_96: md5 hmac_md5 hmac_md5_96
  HMAC_SHA1_96: sha sha1 sha1_96 hmac_sha1 hmac_sha1_96
  HMAC_SHA2_256_128: sha2 sha256 sha2_256 sha2_256_128 hmac_sha2_256 hmac_sha2_256_128
  HMAC_SHA2_256_TRUNCBUG: hmac_sha2_256_truncbug
  HMAC_SHA2_384_192: sha384 sha2_384 sha2_384_192 hmac_sha2_384 hmac_sha2_384_192
  HMAC_SHA2_512_256: sha512 sha2_512 sha2_512_256 hmac_sha2_512 hmac_sha2_512_256
  HMAC_RIPEMD_160_96: ripemd hmac_ripemd hmac_ripemd_160_96
  AES_XCBC_96: aes_xcbc aes128_xcbc aes_xcbc_96 aes128_xcbc_96
  AES_CMAC_96: aes_cmac aes_cmac_96
  NONE: none null
`);

const groups = aliases(`
  MODP1024: modp1024 dh2
  MODP1536: modp1536 dh5
  MODP2048: modp2048 dh14
  MODP3072: modp3072 dh15
  MODP4096: modp4096 dh16
  MODP6144: modp6144 dh17
  MODP8192: modp8192 dh18
  ECP_256: dh19 ecp_256 ecp256
  ECP_384: dh20 ecp_384 ecp384
  ECP_521: dh21 ecp_521 ecp521
  DH22: dh22
  DH23: dh23
  DH24: dh24
  CURVE25519: dh31 curve25519
  NONE: none null dh0
`);

const AEAD = /^(AES_[GC]CM|CHACHA20_POLY1305|NULL_AUTH_AES_GMAC)/;
const KEY_LENGTHS = ["128", "192", "256"];

/** Reads the value of `ike=`, `esp=` or `ah=`: a comma list of proposals, `-` or `;` between algorithms, `+` between alternatives. */
export function parseProposals(protocol: Protocol, text: string, version: Version): ProposalsReading {
  const proposals: Proposal[] = [];
  for (const part of text.split(",")) {
    const proposal = parseProposal(protocol, part.trim(), version);
    if (typeof proposal === "string") return { ok: false, reason: proposal };
    proposals.push(proposal);
  }
  const withGroup = proposals.filter((proposal) => proposal.dh.length > 0).length;
  if (protocol !== "ike" && withGroup > 0 && withGroup < proposals.length)
    return { ok: false, reason: `${protocol.toUpperCase()} proposals must name a DH group all, or none of them` };
  return { ok: true, proposals };
}

/** Whether two values offer the same algorithms in the same order; texts that can't be read are compared as they stand. */
export function sameProposals(protocol: Protocol, one: string, other: string, version: Version): boolean {
  const [left, right] = [parseProposals(protocol, one, version), parseProposals(protocol, other, version)];
  return left.ok && right.ok ? JSON.stringify(left.proposals) === JSON.stringify(right.proposals) : one.trim() === other.trim();
}

/** Why IKEv1 can't use proposals that IKEv2 could: it has no AEAD in phase 1 and no alternatives inside a proposal. */
export function ikev1Refusal(protocol: Protocol, proposals: readonly Proposal[]): string | undefined {
  const aead = protocol === "ike" ? proposals.flatMap((proposal) => proposal.encrypt).find((name) => AEAD.test(name)) : undefined;
  if (aead !== undefined) return `IKEv1 can't use ${aead} in ike=; it is fine in esp=`;
  const many = proposals.some(({ encrypt, integ, prf, dh }) => [encrypt, integ, prf, dh].some((list) => list.length > 1));
  return many ? `IKEv1 takes one algorithm of each sort in a proposal, not alternatives joined by "+"` : undefined;
}

interface Token {
  readonly text: string;
  /** What stands before it: nothing, or one of `-` `;` `+`. */
  readonly before: string;
}

function parseProposal(protocol: Protocol, text: string, version: Version): Proposal | string {
  const what = protocol.toUpperCase();
  const tokens = tokensOf(text);
  const encrypt = protocol === "ah" ? [] : takeEncryption(tokens);
  if (typeof encrypt === "string") return `${what} ${encrypt}`;
  const prfFirst = protocol === "ike" && beforeGroup(tokens) ? take(tokens, pseudorandom) : [];
  const hash = prfFirst.length === 0 && beforeGroup(tokens) ? take(tokens, integrity) : [];
  const prfLater = protocol === "ike" && hash.length > 0 && beforeGroup(tokens) ? take(tokens, pseudorandom) : [];
  const unread = tokens[0];
  if (protocol !== "ike" && hash.length === 0 && unread !== undefined && unread.before !== ";")
    return `${what} integrity algorithm '${unread.text}' is not recognized`;
  if (protocol === "ike" && prfFirst.length + hash.length === 0 && unread !== undefined && unread.before !== ";")
    return `${what} PRF algorithm '${unread.text}' is not recognized`;
  const dh = take(tokens, groups);
  const more = isAtLeast(version, "5.3") ? tokens.splice(0).map((token) => token.text.toLowerCase()) : [];
  const rest = tokens[0];
  if (rest !== undefined) {
    const reason = dh.length === 0 ? `DH algorithm '${rest.text}' is not recognized` : `proposal has '${rest.text}' too many`;
    return `${what} ${reason}`;
  }
  if (protocol === "ike" && dh.includes("NONE")) return "IKE needs a DH group: 'none' is not permitted";
  const isAead = encrypt.length > 0 && encrypt.every((name) => AEAD.test(name));
  const clash = protocol === "ah" ? ahClash(hash) : integrityClash(encrypt, hash);
  if (clash !== undefined) return `${what} ${clash}`;
  // AEAD protects the integrity itself: naming NONE or nothing is the same.
  return { encrypt, prf: [...prfFirst, ...prfLater], integ: isAead ? [] : hash, dh, more };
}

function ahClash(hash: readonly string[]): string | undefined {
  return hash.includes("NONE") ? "needs an integrity algorithm" : undefined;
}

function integrityClash(encrypt: readonly string[], hash: readonly string[]): string | undefined {
  const aead = encrypt.find((name) => AEAD.test(name));
  const plain = encrypt.find((name) => !AEAD.test(name));
  if (aead !== undefined && plain !== undefined)
    return `can't offer ${aead} and ${plain} in one proposal; separate them by a comma`;
  if (aead !== undefined && hash.some((name) => name !== "NONE"))
    return `encryption algorithm ${aead} takes no integrity algorithm`;
  return plain !== undefined && plain !== "NULL" && hash.length > 0 && hash.every((name) => name === "NONE")
    ? `encryption algorithm ${plain} needs an integrity algorithm`
    : undefined;
}

function takeEncryption(tokens: Token[]): readonly string[] | string {
  const names: string[] = [];
  do {
    const token = tokens.shift();
    if (token === undefined || token.text === "") return "encryption algorithm is missing";
    const lengthToken = tokens[0]?.before === "-" && /^\d+$/.test(tokens[0].text) ? tokens.shift() : undefined;
    const name = encryptionName(lengthToken === undefined ? token.text : `${token.text}_${lengthToken.text}`);
    if (name === undefined) return `encryption algorithm '${token.text}' is not recognized`;
    if (!names.includes(name)) names.push(name);
  } while (tokens[0]?.before === "+");
  return names;
}

/** `aes256`, `aes_256` and `aes` in their canonical spelling; undefined for an unknown cipher or key length. */
function encryptionName(text: string): string | undefined {
  const plain = encryption.get(text.toLowerCase());
  if (plain !== undefined) return plain;
  const [, name = "", length = ""] = /^(.*?)_?(\d+)$/.exec(text.toLowerCase()) ?? [];
  const cipher = encryption.get(name);
  if (cipher === undefined) return undefined;
  if (cipher === "CHACHA20_POLY1305") return length === "256" ? cipher : undefined;
  if (cipher === "3DES_CBC") return length === "192" ? cipher : undefined;
  return cipher !== "NULL" && KEY_LENGTHS.includes(length) ? `${cipher}_${length}` : undefined;
}

/** Takes `a+b+c` off the tokens while the table knows them; nothing at all when it does not know the first or a later one. */
function take(tokens: Token[], table: ReadonlyMap<string, string>): readonly string[] {
  const names: string[] = [];
  for (let index = 0; ; index++) {
    const token = tokens[index];
    if (token === undefined || (index > 0 && token.before !== "+")) {
      tokens.splice(0, index);
      return names;
    }
    const name = table.get(token.text.toLowerCase());
    if (name === undefined) return [];
    if (!names.includes(name)) names.push(name);
  }
}

/** Whether the next token may still be a hash: a `;` goes straight to the group. */
function beforeGroup(tokens: readonly Token[]): boolean {
  return tokens.length > 0 && tokens[0]?.before !== ";";
}

function tokensOf(text: string): Token[] {
  const parts = text.split(/([-;+])/);
  return parts.filter((_, index) => index % 2 === 0).map((part, index) => ({ text: part, before: parts[2 * index - 1] ?? "" }));
}

function aliases(table: string): ReadonlyMap<string, string> {
  const entries = table
    .trim()
    .split("\n")
    .map((line) => line.trim().split(": "));
  return new Map(entries.flatMap(([name = "", words = ""]) => words.split(" ").map((word) => [word, name] as const)));
}
