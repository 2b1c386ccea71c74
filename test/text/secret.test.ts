import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  concealSecrets,
  hasBrokenToken,
  hideTokens,
  isSecretName,
  maskSecrets,
  newSecretBook,
  revealSecrets,
  secretsIn,
} from "../../src/text/secret.ts";
import { problemText } from "../../src/text/squiggle.ts";

const value = fc.string({ unit: "grapheme", minLength: 4, maxLength: 12 });

function bookOf(values: readonly string[]) {
  const book = newSecretBook();
  values.forEach((secret, index) => {
    book.keep(`s${index}`, secret);
  });
  return book;
}

describe("a source line with a problem", () => {
  it.each([
    ["ansible_password: hunter22  # x", "ansible_password: *************"],
    ["{a: 1, ansible_password: hunter22, b: [2]}", "{a: 1, ansible_password: ********, b: [2]}"],
    [`vpn_psk: "two \\" words" # c`, `vpn_psk: ************** # c`],
    ["gw1 ansible_become_pass='a b' port=1", "gw1 ansible_become_pass=***** port=1"],
    ["x_secret=a b, c", "x_secret=******"],
    ['{"my_psk":"p\u00e4ss", "other_secret": "x"', '{"my_psk":******, "other_secret": ***'],
    ['my_psk: "open, {quote', "my_psk: *************"],
    ["ansible_password: '{{ env(\"PASS\") }}'", "ansible_password: '{{ env(\"PASS\") }}'"],
    ["secret: shown, password_file: shown", "secret: shown, password_file: shown"],
    ["my_secret:", "my_secret:"],
  ])("%s is shown as %s", (line, seen) => {
    expect(concealSecrets(line)).toBe(seen);
    expect([...concealSecrets(line)]).toHaveLength([...line].length);
  });

  it("keeps the mark below what it is about", () => {
    const at = { file: "hosts", line: 1, column: 18, endColumn: 21 };
    expect(problemText({ severity: "error", message: "no", at, excerpt: "h my_psk='a b c' bad" })).toBe(
      "hosts:1:18: no\n    1 | h my_psk=******* bad\n      |                  ~~~",
    );
  });
});

describe("secrets in texts", () => {
  it("go in and come back, whatever text stands around them, tokens of others included", () => {
    const piece = (secrets: readonly string[]) =>
      fc.oneof(
        fc.string({ unit: "grapheme" }),
        fc.constantFrom(...secrets),
        fc.constantFrom("\uE000", "\uE001", "\uE000secret:s0\uE001"),
      );
    const cases = fc.array(value, { minLength: 1, maxLength: 4 }).chain((secrets) =>
      fc.tuple(
        fc.constant(secrets),
        fc.array(piece(secrets)).map((pieces) => pieces.join("")),
      ),
    );
    fc.assert(
      fc.property(cases, ([secrets, text]) => {
        const book = bookOf(secrets);
        expect(revealSecrets(maskSecrets(text, book), book)).toBe(text);
      }),
    );
  });

  it("never show after masking: what a gateway sends holds no value", () => {
    const cases = fc.tuple(fc.array(value, { minLength: 1, maxLength: 4 }), fc.array(fc.string()));
    fc.assert(
      fc.property(cases, ([secrets, around]) => {
        const book = bookOf(secrets);
        const text = around.join(secrets[0]) + secrets.join(" ");
        const plain = maskSecrets(text, book).replace(/\uE000secret:[^\uE001]*\uE001/g, "\n");
        for (const secret of secrets) if (!secret.includes("\n")) expect(plain.includes(secret)).toBe(false);
      }),
    );
  });

  it("a token in a hostile file does not fetch another host's secret", () => {
    const book = bookOf(["correct horse"]);
    const hostile = "conn x\n\tleftid=\uE000secret:s0\uE001\n";
    expect(revealSecrets(maskSecrets(hostile, book), book)).toBe(hostile);
  });

  it("the longest value wins where one is the start of another", () => {
    const book = bookOf(["hunter2", "hunter22"]);
    expect(maskSecrets("hunter22 hunter2", book)).toBe("\uE000secret:s1\uE001 \uE000secret:s0\uE001");
  });

  it("a value that is a regular expression masks itself alone", () => {
    const book = bookOf(["a.*[b](c)$|^"]);
    expect(maskSecrets("a.*[b](c)$|^ axxb", book)).toBe("\uE000secret:s0\uE001 axxb");
  });

  it("one value has one token; two values of one name have two", () => {
    const book = newSecretBook();
    const first = book.keep("psk", "value one");
    expect(book.keep("other", "value one")).toBe(first);
    expect(book.keep("psk", "value two")).not.toBe(first);
    expect(secretsIn(book.keep("psk", "value two"))).toEqual(["psk#2"]);
  });

  it("are shown to people by name", () => {
    const book = newSecretBook();
    expect(hideTokens(`leftid=${book.keep("env:PSK", "correct horse")};`)).toBe("leftid=(secret env:PSK);");
  });

  it("a name cannot forge a token", () => {
    const book = newSecretBook();
    const token = book.keep("a\uE001b\uE000secret:c", "correct horse");
    expect(hideTokens(token)).toBe("(secret a?b?secret:c)");
    expect(revealSecrets(token, book)).toBe("correct horse");
  });

  it("notices tokens that a filter has cut, changed or encoded", () => {
    const book = newSecretBook();
    const token = book.keep("psk", "correct horse");
    expect(hasBrokenToken(`x${token}y${token}`, book)).toBe(false);
    for (const broken of [
      token.slice(1),
      token.slice(0, -1),
      token.toUpperCase(),
      encodeURIComponent(token),
      JSON.stringify(token).replace("\uE000", "\\ue000"),
      "\uE000secret:other\uE001",
    ])
      expect(hasBrokenToken(broken, book), broken).toBe(true);
  });

  it.each([
    ["vpn_psk", true],
    ["ansible_become_password", true],
    ["ANSIBLE_PASSWORD", true],
    ["client_secret", true],
    ["ansible_ssh_pass", true],
    ["password_file", false],
    ["psk", false],
    ["secrets", false],
  ])("%s is a secret by its name: %s", (name, secret) => {
    expect(isSecretName(name)).toBe(secret);
  });
});
