import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { redact } from "../../src/text/redact.ts";

const hex = (digits: number, most = digits) =>
  fc.array(fc.constantFrom(..."0123456789abcdef"), { minLength: digits, maxLength: most }).map((list) => list.join(""));
/** A key that can't be part of the text around it. */
const key = hex(16, 160).filter((text) => /[1-9a-f]/.test(text.slice(0, 8)));
const secret = fc
  .array(fc.constantFrom(..."abcXYZ0189 !#$%&()*+,-./:;<=>?@[]^_{|}~äß"), { minLength: 8, maxLength: 40 })
  .map((list) => `Q7${list.join("").trim()}z9`);

describe("redact", () => {
  test("keys of ip xfrm never survive, in any form", () => {
    const algorithm = fc.constantFrom(
      "auth-trunc hmac(sha256)",
      "auth hmac(sha1)",
      "enc cbc(aes)",
      "aead rfc4106(gcm(aes))",
      "enc cbc(des3_ede)",
      "comp deflate",
    );
    const form = fc.constantFrom(
      (a: string, k: string) =>
        `src 192.0.2.2 dst 192.0.2.1\n\tproto esp spi 0xc51441f8 reqid 16389 mode tunnel\n\t${a} 0x${k} 128\n`,
      (a: string, k: string) =>
        `src 192.0.2.2 dst 192.0.2.1\\\tproto esp spi 0xc51441f8 reqid 1 mode tunnel\\\t${a} 0x${k} 96\\\tsel src ::/0`,
      (a: string, k: string) => `\t${a} 0x${k} (288 bits) 128`,
      (a: string, k: string) => JSON.stringify({ text: `\t${a} 0x${k} 128\n\tencap type espinudp` }),
      (a: string, k: string) => `ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x100 ${a} 0X${k}`,
    );
    fc.assert(
      fc.property(algorithm, key, form, (name, canary, write) => {
        expect(redact(write(name, canary))).not.toContain(canary);
      }),
    );
  });

  test("passwords of ipsec.secrets never survive", () => {
    const form = fc.constantFrom(
      (s: string) => `192.0.2.1 192.0.2.2 : PSK "${s}"`,
      (s: string) => `: PSK "${s}`,
      (s: string) => `@west @east: psk\t"${s}" # comment`,
      (s: string) => `@user : XAUTH "${s}"`,
      (s: string) => `%any : PIN "${s}"`,
      (s: string) => `: PPKS "id one" "${s}"`,
      (s: string) => JSON.stringify([`include x\n: PSK "${s}"\n`]),
      (s: string) => `a : PSK '${s}'`,
    );
    fc.assert(
      fc.property(secret, form, (canary, write) => {
        expect(redact(write(canary))).not.toContain(canary);
      }),
    );
  });

  test("hexadecimal secrets, RSA blocks, PEM and rows of bytes", () => {
    fc.assert(
      fc.property(hex(40, 80), (canary) => {
        const bytes = (canary.match(/../g) ?? []).join(" ");
        const texts = [
          `: PSK 0x${canary}`,
          `: PSK 0s${canary}`,
          `: RSA {\n  Modulus: 0x01\n  PrivateExponent: 0x${canary}\n  }`,
          `PrivateExponent: ${canary}`,
          `-----BEGIN EC PRIVATE KEY-----\n${canary}\n-----END EC PRIVATE KEY-----`,
          `-----BEGIN PRIVATE KEY-----\n${canary}`,
        ];
        for (const text of texts) expect(redact(text), text).not.toContain(canary);
        expect(redact(`| result: ${bytes}`)).not.toContain(bytes.slice(0, 30));
        expect(redact(`| ${bytes.replace(/(.{11}) /g, "$1  ")}`)).not.toMatch(/([0-9a-f]{2} +){8}/);
      }),
    );
  });

  test("what is no secret stays", () => {
    const text = [
      "src 192.0.2.1 dst 192.0.2.2",
      "\tproto esp spi 0xc51441f8(3306439160) reqid 16389(0x00004005) mode tunnel",
      "\taead rfc4106(gcm(aes)) <<Keys hidden>> 128",
      "\tmark 0x5/0xffffffff output-mark 0x9/0xffffffff",
      "\tanti-replay context: seq 0x0, oseq 0x2, bitmap 0x00000000",
      "conn a\n\tauthby=secret\n\tleftid=@west # the PSK is elsewhere",
      "link/ether 26:84:1d:b3:22:b1 brd ff:ff:ff:ff:ff:ff",
      '"t" #2: initiator established Child SA; IPsec tunnel {ESP/ESN=>0x41e0921f <0x3f4dbff7 xfrm=AES_GCM_16_256}',
    ].join("\n");
    expect(redact(text)).toBe(text);
  });

  test("once is enough", () => {
    fc.assert(fc.property(fc.string(), (text) => redact(redact(text)) === redact(text)));
  });
});

test("hides keys inside of JSON, which writes line ends as letters, and leaves the JSON whole", () => {
  const text = JSON.stringify({
    a: "auth hmac(sha1) 0x0011223344 96\nenc cbc(aes) 0xcafe\n\tauth hmac(md5) 0xbabe",
    b: ': PSK "secret words"',
  });
  const clean = redact(text);
  expect(clean).not.toMatch(/0011223344|cafe|babe|secret words/);
  expect(() => JSON.parse(clean)).not.toThrow();
});
