import type { Family } from "../text/address.ts";

/** What ESP with one pair of algorithms adds to a packet: IV and ICV in bytes, and the block that the payload is padded to. */
export interface EspTransform {
  readonly name: string;
  readonly iv: number;
  readonly icv: number;
  readonly block: number;
}

/** The way of the encrypted packets: the path MTU to the peer, the family of the outer header, and whether NAT-T wraps ESP in UDP. */
export interface EspPath {
  readonly mtu: number;
  readonly outer: Family;
  readonly encapsulated: boolean;
  readonly mode: "tunnel" | "transport";
}

/** SPI and sequence number. */
const ESP_HEADER = 8;
const UDP_HEADER = 8;
/** Pad length and next header close every ESP payload. */
const ESP_TRAILER = 2;
const TCP_HEADER = 20;

/** The largest inner packet that still fits the path once encrypted; exact, checked against the kernel for every algorithm. */
export function innerMtu(path: EspPath, transform: EspTransform): number {
  const outer = ipHeader(path.outer);
  const room = path.mtu - outer - (path.encapsulated ? UDP_HEADER : 0) - ESP_HEADER - transform.iv - transform.icv;
  const payload = Math.floor(room / transform.block) * transform.block - ESP_TRAILER;
  return path.mode === "transport" ? payload + outer : payload;
}

/** The MSS whose segments fill a packet of this MTU; the option itself never counts TCP options. */
export function mssFor(mtu: number, family: Family): number {
  return mtu - ipHeader(family) - TCP_HEADER;
}

/** The smallest inner MTU of several possible transforms: what fits whichever of them is negotiated. */
export function smallestInnerMtu(path: EspPath, transforms: readonly EspTransform[]): number | undefined {
  return transforms.length === 0 ? undefined : Math.min(...transforms.map((transform) => innerMtu(path, transform)));
}

/**
 * The transform of an SA by the kernel's names of its algorithms, such as `cbc(aes)` and `hmac(sha256)`, each with the length
 * that Libreswan negotiates; undefined for an algorithm whose sizes are not known.
 */
export function kernelTransform(algorithms: readonly string[]): EspTransform | undefined {
  const name = algorithms.join("+");
  if (algorithms.some((algorithm) => KERNEL_AEAD.test(algorithm))) return { name, iv: 8, icv: 16, block: 4 };
  const cipher = algorithms.map((algorithm) => KERNEL_CIPHERS.find(([pattern]) => pattern.test(algorithm))).find(Boolean);
  const icv = algorithms.map((algorithm) => KERNEL_INTEGRITY.find(([pattern]) => pattern.test(algorithm))?.[1]).find(Boolean);
  return cipher === undefined || icv === undefined ? undefined : { name, iv: cipher[1], icv, block: cipher[2] };
}

/**
 * Every transform that an `esp=` value lets the peers negotiate. An empty value means Libreswan's defaults. Undefined when the
 * value names an algorithm whose sizes are not known.
 */
export function proposedTransforms(esp: string): readonly EspTransform[] | undefined {
  const proposals = esp.trim() === "" ? DEFAULT_PROPOSALS : esp.split(",");
  const transforms: EspTransform[] = [];
  for (const proposal of proposals) {
    const parsed = proposalTransforms(proposal);
    if (!parsed) return undefined;
    transforms.push(...parsed);
  }
  return transforms;
}

const KERNEL_AEAD = /gcm\(aes\)|ccm\(aes\)|chacha20/;

const KERNEL_CIPHERS: readonly (readonly [RegExp, iv: number, block: number])[] = [
  [/cbc\((aes|camellia|twofish|serpent)\)/, 16, 16],
  [/cbc\((des3_ede|des|cast5)\)/, 8, 8],
  [/ctr\((aes|camellia)\)/, 8, 4],
  [/cipher_null/, 0, 4],
];

const KERNEL_INTEGRITY: readonly (readonly [RegExp, icv: number])[] = [
  [/sha512/, 32],
  [/sha384/, 24],
  [/sha256/, 16],
  [/sha1|md5|xcbc|cmac/, 12],
];

/** ESP proposals of Libreswan 4 and 5 where the conn names none. */
const DEFAULT_PROPOSALS: readonly string[] = ["aes_gcm", "chacha20_poly1305", "aes-sha2_512+sha2_256+sha1"];

const CIPHERS: readonly (readonly [RegExp, iv: number, icv: number | undefined, block: number])[] = [
  [/^(aes_?(gcm|ccm)(_a|_8)|aes_?(gcm|ccm)8)$/, 8, 8, 4],
  [/^(aes_?(gcm|ccm)(_b|_12))$/, 8, 12, 4],
  [/^(aes_?(gcm|ccm)(_c|_16)?)$/, 8, 16, 4],
  [/^(null_auth_aes_gmac|aes_gmac)$/, 8, 16, 4],
  [/^chacha20(_?poly1305)?$/, 8, 16, 4],
  [/^(aes|aes_cbc|camellia|camellia_cbc|twofish|twofish_cbc|serpent|serpent_cbc)$/, 16, undefined, 16],
  [/^(3des|3des_cbc|des3|cast|cast_cbc|cast5)$/, 8, undefined, 8],
  [/^(aes_?ctr|camellia_?ctr)$/, 8, undefined, 4],
  [/^null$/, 0, undefined, 4],
];

const INTEGRITY: readonly (readonly [RegExp, icv: number])[] = [
  [/^(hmac_)?(sha2_512|sha512|sha2_512_256)$/, 32],
  [/^(hmac_)?(sha2_384|sha384|sha2_384_192)$/, 24],
  [/^(hmac_)?(sha2|sha256|sha2_256|sha2_256_128)$/, 16],
  [/^(hmac_)?(sha2_256_truncbug)$/, 12],
  [/^(hmac_)?(sha1?|sha1_96|md5|md5_96|aes_xcbc(_96)?|aes_cmac(_96)?)$/, 12],
  [/^none$/, 0],
];

/** `aes_gcm256-null`, `aes128+aes256-sha2;modp2048`: each cipher with each integrity of one proposal. */
function proposalTransforms(proposal: string): readonly EspTransform[] | undefined {
  const [algorithms = ""] = proposal.trim().toLowerCase().split(";");
  const parts = algorithms.split("-").filter((part) => !/^(\d+|modp\d+|dh\d+|ecp_?\d+|curve25519|x25519)$/.test(part));
  const [ciphers = "", integrities] = parts;
  const transforms: EspTransform[] = [];
  for (const name of ciphers.split("+")) {
    const cipher = CIPHERS.find(([pattern]) => pattern.test(withoutKeyLength(name)));
    if (!cipher) return undefined;
    const [, iv, ownIcv, block] = cipher;
    // A cipher without integrity named gets Libreswan's defaults, of which SHA2-512 is the largest.
    const hashes = ownIcv === undefined ? (integrities ?? "sha2_512").split("+") : [""];
    for (const hash of hashes) {
      const icv = ownIcv ?? INTEGRITY.find(([pattern]) => pattern.test(hash))?.[1];
      if (icv === undefined) return undefined;
      transforms.push({ name: hash === "" ? name : `${name}-${hash}`, iv, icv, block });
    }
  }
  return transforms;
}

/** `aes_gcm_16_256` → `aes_gcm_16`, `aes256` → `aes`: key lengths are 128 bits or more, ICV lengths 16 bytes or less. */
function withoutKeyLength(name: string): string {
  return name.replace(/_?(128|192|256)$/, "");
}

function ipHeader(family: Family): number {
  return family === "ipv4" ? 20 : 40;
}
