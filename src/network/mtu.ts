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

/** The algorithms of one ESP proposal by Libreswan's canonical names, such as `AES_CBC_256` and `HMAC_SHA2_512_256`. */
export interface ProposedAlgorithms {
  readonly encrypt: readonly string[];
  readonly integ: readonly string[];
}

/**
 * Every transform that proposals let the peers negotiate; none at all means Libreswan's defaults. Undefined when one names an
 * algorithm whose sizes are not known.
 */
export function proposedTransforms(proposals: readonly ProposedAlgorithms[]): readonly EspTransform[] | undefined {
  const transforms: EspTransform[] = [];
  for (const { encrypt, integ } of proposals.length === 0 ? DEFAULT_PROPOSALS : proposals) {
    for (const name of encrypt) {
      const cipher = CIPHERS.find(([pattern]) => pattern.test(name));
      if (!cipher) return undefined;
      const [, iv, ownIcv, block] = cipher;
      // A cipher without integrity named gets Libreswan's defaults, of which SHA2-512 is the largest.
      for (const hash of ownIcv === undefined ? (integ.length > 0 ? integ : ["HMAC_SHA2_512_256"]) : [""]) {
        const icv = ownIcv ?? INTEGRITY.find(([pattern]) => pattern.test(hash))?.[1];
        if (icv === undefined) return undefined;
        transforms.push({ name: hash === "" ? name : `${name}-${hash}`, iv, icv, block });
      }
    }
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
const DEFAULT_PROPOSALS: readonly ProposedAlgorithms[] = [
  { encrypt: ["AES_GCM_16", "CHACHA20_POLY1305"], integ: [] },
  { encrypt: ["AES_CBC"], integ: ["HMAC_SHA2_512_256", "HMAC_SHA2_256_128", "HMAC_SHA1_96"] },
];

/** By canonical name, whose key length follows at the end; an AEAD cipher brings its own ICV. */
const CIPHERS: readonly (readonly [RegExp, iv: number, icv: number | undefined, block: number])[] = [
  [/^AES_[GC]CM_8/, 8, 8, 4],
  [/^AES_[GC]CM_12(_|$)/, 8, 12, 4],
  [/^AES_[GC]CM_16/, 8, 16, 4],
  [/^NULL_AUTH_AES_GMAC/, 8, 16, 4],
  [/^CHACHA20_POLY1305/, 8, 16, 4],
  [/^(AES|CAMELLIA|TWOFISH|SERPENT)_CBC/, 16, undefined, 16],
  [/^(3DES|CAST)_CBC/, 8, undefined, 8],
  [/^(AES|CAMELLIA)_CTR/, 8, undefined, 4],
  [/^NULL$/, 0, undefined, 4],
];

const INTEGRITY: readonly (readonly [RegExp, icv: number])[] = [
  [/^HMAC_SHA2_512/, 32],
  [/^HMAC_SHA2_384/, 24],
  [/^HMAC_SHA2_256_128/, 16],
  [/^(HMAC_SHA2_256_TRUNCBUG|HMAC_SHA1_96|HMAC_MD5_96|HMAC_RIPEMD_160_96|AES_XCBC_96|AES_CMAC_96)$/, 12],
  [/^NONE$/, 0],
];

function ipHeader(family: Family): number {
  return family === "ipv4" ? 20 : 40;
}
