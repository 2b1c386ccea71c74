import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ikev1Refusal, parseProposals, sameProposals } from "../../src/libreswan/proposals.ts";
import { versionOf } from "../../src/libreswan/version.ts";

const v4 = versionOf("4.10") ?? expect.fail();
const v5 = versionOf("5.2") ?? expect.fail();

describe("parseProposals", () => {
  test.each([
    ["ike", "aes-sha2,aes-sha1;modp2048", "AES_CBC/HMAC_SHA2_256//,AES_CBC/HMAC_SHA1//MODP2048"],
    ["ike", "aes_gcm256-sha2_512+sha2_256-dh19+dh14", "AES_GCM_16_256/HMAC_SHA2_512+HMAC_SHA2_256//ECP_256+MODP2048"],
    ["ike", "aes;dh14", "AES_CBC///MODP2048"],
    ["ike", "aes_gcm-none-sha1-dh21", "AES_GCM_16/HMAC_SHA1//ECP_521"],
    ["ike", "aes-128-sha1", "AES_CBC_128/HMAC_SHA1//"],
    ["esp", "aes_gcm,aes-sha2,aes-sha1", "AES_GCM_16///,AES_CBC//HMAC_SHA2_256_128/,AES_CBC//HMAC_SHA1_96/"],
    ["esp", "AES256-SHA1", "AES_CBC_256//HMAC_SHA1_96/"],
    ["esp", "aes_ccm_a-null", "AES_CCM_8///"],
    ["esp", "null-sha1", "NULL//HMAC_SHA1_96/"],
    ["esp", "aes256-sha2_256;modp2048", "AES_CBC_256//HMAC_SHA2_256_128/MODP2048"],
    ["ah", "sha1-dh14", "//HMAC_SHA1_96/MODP2048"],
  ] as const)("%s=%s", (protocol, text, wanted) => {
    const read = parseProposals(protocol, text, v4);
    expect(
      read.ok && read.proposals.map((p) => [p.encrypt, p.prf, p.integ, p.dh].map((list) => list.join("+")).join("/")).join(","),
    ).toBe(wanted);
  });

  test.each([
    ["ike", "bogus-sha1", "IKE encryption algorithm 'bogus' is not recognized"],
    ["ike", "aes256-dh14", "IKE PRF algorithm 'dh14' is not recognized"],
    ["ike", "aes-sha2_256-sha1", "IKE DH algorithm 'sha1' is not recognized"],
    ["ike", "aes-sha1-modp2048-modp1536", "IKE proposal has 'modp1536' too many"],
    ["esp", "aes,,aes256", "ESP encryption algorithm is missing"],
    ["esp", "", "ESP encryption algorithm is missing"],
    ["esp", "aes-none", "ESP encryption algorithm AES_CBC needs an integrity algorithm"],
    ["esp", "aes_gcm-sha1", "ESP encryption algorithm AES_GCM_16 takes no integrity algorithm"],
    ["esp", "aes512-sha1", "ESP encryption algorithm 'aes512' is not recognized"],
    ["esp", "aes-modp2048", "ESP integrity algorithm 'modp2048' is not recognized"],
    ["ah", "aes", "AH integrity algorithm 'aes' is not recognized"],
  ] as const)("%s=%s is refused", (protocol, text, reason) => {
    expect(parseProposals(protocol, text, v4)).toEqual({ ok: false, reason });
  });

  test("Libreswan 5.4 may name further key exchanges", () => {
    const v54 = versionOf("5.4") ?? expect.fail();
    expect(parseProposals("ike", "aes_gcm-sha2-dh19-mlkem768", v54).ok).toBe(true);
    expect(parseProposals("ike", "aes_gcm-sha2-dh19-mlkem768", v4).ok).toBe(false);
  });
});

describe("sameProposals", () => {
  test.each([
    ["ike", "aes-sha1;modp2048", "AES_CBC-SHA-dh14", true],
    ["ike", "aes-sha1-modp2048", "aes-sha1;dh14", true],
    ["esp", "aes_gcm", "aes_gcm_c-none", true],
    ["esp", "aes_gcm256,aes-sha2", "aes_gcm_256, aes-sha2_256", true],
    ["esp", "aes", "aes128", false],
    ["esp", "aes-sha1,aes-sha2", "aes-sha2,aes-sha1", false],
    ["ike", "aes-sha1;modp2048", "aes-sha1;modp3072", false],
    ["ike", "bogus", "bogus", true],
    ["ike", "bogus", "aes", false],
  ] as const)("%s: %s and %s: %s", (protocol, one, other, same) => {
    expect(sameProposals(protocol, one, other, v5)).toBe(same);
    expect(sameProposals(protocol, other, one, v5)).toBe(same);
  });
});

test("IKEv1 refuses AES-GCM in phase 1 only", () => {
  const read = (protocol: "ike" | "esp", text: string) => {
    const result = parseProposals(protocol, text, v4);
    return result.ok ? ikev1Refusal(protocol, result.proposals) : expect.fail();
  };
  expect(read("ike", "aes_gcm-sha2")).toBe("IKEv1 can't use AES_GCM_16 in ike=; it is fine in esp=");
  expect(read("esp", "aes_gcm,aes-sha2")).toBeUndefined();
  expect(read("ike", "aes-sha2,aes-sha1;modp2048")).toBeUndefined();
  expect(read("ike", "aes256+aes128-sha1")).toContain("alternatives");
});

const algparse = "/usr/libexec/ipsec/algparse";

describe.skipIf(!existsSync(algparse))("the verdict of Libreswan's own parser", () => {
  const words = [
    "aes",
    "aes128",
    "aes_256",
    "aes_gcm",
    "aes_gcm256",
    "aes_gcm_a",
    "aes_ccm",
    "chacha20_poly1305",
    "null",
    "camellia",
    "3des",
    "sha1",
    "sha2",
    "sha2_512",
    "hmac_sha2_256_128",
    "none",
    "md5",
    "dh14",
    "modp4096",
    "dh19",
    "ecp384",
    "curve25519",
    "dh31",
    "128",
    "bogus",
  ];
  const value = fc
    .array(fc.tuple(fc.constantFrom("-", "-", "-", ";", "+", ","), fc.constantFrom(...words)), { minLength: 1, maxLength: 6 })
    .map((parts) => parts.map(([separator, word], index) => (index === 0 ? word : separator + word)).join(""));

  test("is ours, for any value", () => {
    fc.assert(
      fc.property(fc.constantFrom("ike", "esp", "ah"), value, (protocol, text) => {
        const oracle = spawnSync(algparse, ["-v2", "-pfs=yes", `${protocol}=${text}`], { encoding: "utf8" });
        // Weak or optional algorithms depend on how the package was built; such a refusal is no verdict on the grammar.
        fc.pre(!/is not supported|not accepted/.test(oracle.stdout + oracle.stderr));
        const read = parseProposals(protocol, text, v4);
        expect([read.ok, read.ok ? "" : `${read.reason} / ${oracle.stdout}`][0]).toBe(oracle.status === 0);
      }),
      { numRuns: 150 },
    );
  });
});
