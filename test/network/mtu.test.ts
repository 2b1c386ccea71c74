import fc from "fast-check";
import { expect, test } from "vitest";
import { parseProposals } from "../../src/libreswan/proposals.ts";
import { parseVersion } from "../../src/libreswan/version.ts";
import { type EspPath, type EspTransform, innerMtu, kernelTransform, mssFor, proposedTransforms } from "../../src/network/mtu.ts";

/** What an `esp=` value lets the peers negotiate; empty for a conn without one. */
function proposed(esp: string) {
  if (esp === "") return proposedTransforms([]);
  const version = parseVersion("Libreswan 4.10");
  const read = version && parseProposals("esp", esp, version);
  return read?.ok ? proposedTransforms(read.proposals) : undefined;
}

/** What fits whichever transform is negotiated. */
function smallest(path: EspPath, transforms: readonly EspTransform[]): number {
  return Math.min(...transforms.map((transform) => innerMtu(path, transform)));
}

/** Found by binary search with DF pings against the kernel on a 1500-byte link. */
const measured = [
  {
    sa: "AES-GCM-16",
    kernel: ["rfc4106(gcm(aes))"],
    esp: "aes_gcm128-null",
    outer: "ipv4",
    natt: false,
    mtu: 1446,
    mss4: 1406,
    mss6: 1386,
  },
  {
    sa: "AES-GCM-16 NAT-T",
    kernel: ["rfc4106(gcm(aes))"],
    esp: "aes_gcm_16_256",
    outer: "ipv4",
    natt: true,
    mtu: 1438,
    mss4: 1398,
    mss6: 1378,
  },
  { sa: "AES-GCM-8", kernel: undefined, esp: "aes_gcm_a", outer: "ipv4", natt: false, mtu: 1454, mss4: 1414, mss6: 1394 },
  {
    sa: "CHACHA20-POLY1305",
    kernel: ["rfc7539esp(chacha20,poly1305)"],
    esp: "chacha20_poly1305",
    outer: "ipv4",
    natt: false,
    mtu: 1446,
    mss4: 1406,
    mss6: 1386,
  },
  {
    sa: "CBC SHA2-256",
    kernel: ["hmac(sha256)", "cbc(aes)"],
    esp: "aes-sha2",
    outer: "ipv4",
    natt: false,
    mtu: 1438,
    mss4: 1398,
    mss6: 1378,
  },
  {
    sa: "CBC SHA2-256 NAT-T",
    kernel: ["hmac(sha256)", "cbc(aes)"],
    esp: "aes256-sha2_256;modp2048",
    outer: "ipv4",
    natt: true,
    mtu: 1422,
    mss4: 1382,
    mss6: 1362,
  },
  {
    sa: "CBC SHA1",
    kernel: ["hmac(sha1)", "cbc(aes)"],
    esp: "aes-sha1",
    outer: "ipv4",
    natt: false,
    mtu: 1438,
    mss4: 1398,
    mss6: 1378,
  },
  {
    sa: "CBC SHA2-512",
    kernel: ["hmac(sha512)", "cbc(aes)"],
    esp: "aes256-sha2_512-dh14",
    outer: "ipv4",
    natt: false,
    mtu: 1422,
    mss4: 1382,
    mss6: 1362,
  },
  {
    sa: "3DES SHA1",
    kernel: ["hmac(sha1)", "cbc(des3_ede)"],
    esp: "3des-sha1",
    outer: "ipv4",
    natt: false,
    mtu: 1446,
    mss4: 1406,
    mss6: 1386,
  },
  {
    sa: "NULL SHA1",
    kernel: ["hmac(sha1)", "ecb(cipher_null)"],
    esp: "null-sha1",
    outer: "ipv4",
    natt: false,
    mtu: 1458,
    mss4: 1418,
    mss6: 1398,
  },
  {
    sa: "AES-GCM-16 over IPv6",
    kernel: ["rfc4106(gcm(aes))"],
    esp: "aes_gcm",
    outer: "ipv6",
    natt: false,
    mtu: 1426,
    mss4: 1386,
    mss6: 1366,
  },
  {
    sa: "CBC SHA2-256 over IPv6",
    kernel: ["hmac(sha256)", "cbc(aes)"],
    esp: "aes_cbc128-hmac_sha2_256",
    outer: "ipv6",
    natt: false,
    mtu: 1406,
    mss4: 1366,
    mss6: 1346,
  },
] as const;

for (const row of measured)
  test(`${row.sa} leaves what the kernel measured`, () => {
    const path = { mtu: 1500, outer: row.outer, encapsulated: row.natt, mode: "tunnel" } as const;
    const fromKernel = row.kernel && kernelTransform(row.kernel);
    const fromProposal = proposed(row.esp);
    if (row.kernel) expect(fromKernel && innerMtu(path, fromKernel)).toBe(row.mtu);
    expect(fromProposal?.map((transform) => innerMtu(path, transform))).toEqual([row.mtu]);
    expect(mssFor(row.mtu, "ipv4")).toBe(row.mss4);
    expect(mssFor(row.mtu, "ipv6")).toBe(row.mss6);
  });

test("a PPPoE line with NAT-T leaves 1430 for GCM, 1422 for CBC with SHA2-256 and 1406 with SHA2-512", () => {
  const path = { mtu: 1492, outer: "ipv4", encapsulated: true, mode: "tunnel" } as const;
  expect(smallest(path, proposed("aes_gcm") ?? [])).toBe(1430);
  expect(smallest(path, proposed("aes-sha2") ?? [])).toBe(1422);
  expect(smallest(path, proposed("aes-sha2_512") ?? [])).toBe(1406);
});

test("transport mode keeps the packet's own IP header", () => {
  const [transform] = proposed("aes_gcm") ?? [];
  const path = { mtu: 1500, outer: "ipv4", encapsulated: false } as const;
  expect(transform && innerMtu({ ...path, mode: "transport" }, transform)).toBe(1466);
});

test("a list of proposals names every transform that may be negotiated, the worst one counts", () => {
  const transforms = proposed("aes_gcm,aes-sha2,aes-sha1");
  expect(transforms?.map((transform) => transform.name)).toEqual([
    "AES_GCM_16",
    "AES_CBC-HMAC_SHA2_256_128",
    "AES_CBC-HMAC_SHA1_96",
  ]);
  const path = { mtu: 1500, outer: "ipv4", encapsulated: false, mode: "tunnel" } as const;
  expect(smallest(path, transforms ?? [])).toBe(1438);
});

test("no proposal means Libreswan's defaults, whose largest overhead is CBC with SHA2-512", () => {
  const path = { mtu: 1500, outer: "ipv4", encapsulated: false, mode: "tunnel" } as const;
  expect(smallest(path, proposed("") ?? [])).toBe(1422);
});

test("an algorithm of unknown size is not guessed", () => {
  expect(proposedTransforms([{ encrypt: ["AES_GCM_16", "KUZNYECHIK"], integ: [] }])).toBeUndefined();
  expect(proposedTransforms([{ encrypt: ["AES_CBC"], integ: ["STREEBOG"] }])).toBeUndefined();
  expect(kernelTransform(["rfc9999(new(cipher))"])).toBeUndefined();
});

test("an inner packet of the computed size fits the path, a larger one does not", () => {
  const transform = fc.record({
    name: fc.constant("any"),
    iv: fc.constantFrom(0, 8, 16),
    icv: fc.constantFrom(8, 12, 16, 24, 32),
    block: fc.constantFrom(4, 8, 16),
  });
  const path = fc.record({
    mtu: fc.integer({ min: 576, max: 9000 }),
    outer: fc.constantFrom("ipv4" as const, "ipv6" as const),
    encapsulated: fc.boolean(),
    mode: fc.constant("tunnel" as const),
  });
  fc.assert(
    fc.property(path, transform, (way, esp) => {
      const inner = innerMtu(way, esp);
      expect(onTheWire(inner, way, esp)).toBeLessThanOrEqual(way.mtu);
      expect(onTheWire(inner + 1, way, esp)).toBeGreaterThan(way.mtu);
    }),
  );
});

/** The encrypted packet built up from RFC 4303, independent of the formula under test. */
function onTheWire(
  inner: number,
  path: { readonly outer: "ipv4" | "ipv6"; readonly encapsulated: boolean },
  esp: EspTransform,
): number {
  const padded = Math.ceil((inner + 2) / esp.block) * esp.block;
  return (path.outer === "ipv4" ? 20 : 40) + (path.encapsulated ? 8 : 0) + 8 + esp.iv + padded + esp.icv;
}
