import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseDocument, printDocument, writeValue } from "../../src/libreswan/document.ts";
import { corpusFiles, vectors } from "./corpus.ts";

const roundTrip = (text: string): string => printDocument(parseDocument(text));

/** Pieces of which configurations are made, good and bad, so that random texts look like files. */
const fragment = fc.oneof(
  fc.constantFrom(
    "conn a",
    "conn %default",
    "config setup",
    "include /etc/ipsec.d/*.conf",
    "\t",
    " ",
    "\n",
    "\r\n",
    "\r",
    "=",
    "#",
    '"',
    "{",
    "}",
    "\\",
    "\u00e9",
    "\0",
    "mtu",
    "leftsubnet",
    "10.0.0.0/8",
  ),
  fc.string({ unit: "binary", maxLength: 8 }),
);

describe("a document", () => {
  test("prints what was parsed, whatever it is", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => roundTrip(text) === text));
  });

  test("prints what was parsed, for texts that look like configurations", () => {
    fc.assert(
      fc.property(fc.array(fragment), (fragments) => {
        const text = fragments.join("");
        expect(roundTrip(text)).toBe(text);
      }),
    );
  });

  test("prints random bytes as they are", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = Buffer.from(bytes).toString("latin1");
        expect(Buffer.from(roundTrip(text), "latin1")).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test.skipIf(corpusFiles().length === 0)("prints every real file as it is", () => {
    for (const { content } of corpusFiles()) expect(roundTrip(content)).toBe(content);
    for (const { text } of vectors()) expect(roundTrip(text)).toBe(text);
  });
});

describe("a value is written", () => {
  test.each([
    ["1400", false, "1400"],
    ["aes-sha1;modp2048", true, "aes-sha1;modp2048"],
    ["@a b", true, '"@a b"'],
    ["17", true, '"17"'],
    ["", true, '""'],
    ["{a}", true, '"{a}"'],
    ["#x", true, '"#x"'],
    ["CN=a, O=b", true, '"CN=a, O=b"'],
  ])("%j as %s", (value, isText, written) => {
    expect(writeValue(value, isText)).toBe(written);
  });

  test.each(['a"b', "a\nconn b", "a\rb", "a\0b"])("not at all: %j", (value) => {
    expect(writeValue(value, true)).toBeUndefined();
  });
});
