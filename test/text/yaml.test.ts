import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { problemText } from "../../src/text/squiggle.ts";
import { nearest } from "../../src/text/suggest.ts";
import { parseYaml, type YamlText } from "../../src/text/yaml.ts";

function read(text: string, dialect: "strict" | "ansible" = "strict"): YamlText {
  const parsed = parseYaml("f.yml", text, dialect);
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join("; "));
  return parsed.value;
}

describe("places in YAML", () => {
  const text = "top:\n  - one: 1\n    two: [a, {b: 'c d'}]\n  - &x {k: v}\nalias: *x\nempty:\nblock: |\n  lines\n  more\n";
  it.each<[readonly (string | number)[], "key" | "value", string]>([
    [["top"], "key", "1:1-4"],
    [["top", 0, "one"], "key", "2:5-8"],
    [["top", 0, "one"], "value", "2:10-11"],
    [["top", 0, "two", 1, "b"], "value", "3:18-23"],
    [["alias", "k"], "value", "4:12-13"],
    [["empty"], "value", "6:1-6"],
    [["block"], "value", "7:8-9"],
    [["top", 7, "nothing"], "value", "2:3-11"],
  ])("%j %s", (path, which, place) => {
    const yaml = read(text);
    const { at, excerpt } = which === "key" ? yaml.keyAt(path) : yaml.valueAt(path);
    expect(`${at.line}:${at.column}-${at.endColumn}`).toBe(place);
    expect(excerpt).toBe(text.split("\n")[at.line - 1]);
  });

  it("counts characters, not code units, and ends lines at CRLF", () => {
    const { at, excerpt } = read("- 😀: [é, x]\r\n- b\r\n").valueAt([0, "😀", 1]);
    expect([at.line, at.column, at.endColumn, excerpt]).toEqual([1, 10, 11, "- 😀: [é, x]"]);
  });

  it("every part of generated data is where its text is", () => {
    const word = fc.string({ unit: fc.constantFrom(..."abcdé".split("")), minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(
        fc.dictionary(word, fc.dictionary(word, word, { minKeys: 1 }), { minKeys: 1, noNullPrototype: true }),
        (data) => {
          const lines = Object.entries(data).map(
            ([key, inner]) =>
              `${key}:\n${Object.entries(inner)
                .map(([name, value]) => `  ${name}: ${value}\n`)
                .join("")}`,
          );
          const yaml = read(lines.join(""));
          for (const [key, inner] of Object.entries(data))
            for (const [name, value] of Object.entries(inner)) {
              const { at, excerpt } = yaml.valueAt([key, name]);
              expect([...excerpt].slice(at.column - 1, (at.endColumn ?? 0) - 1).join("")).toBe(value);
              const found = yaml.keyAt([key, name]);
              expect([...found.excerpt].slice(found.at.column - 1, (found.at.endColumn ?? 0) - 1).join("")).toBe(name);
            }
        },
      ),
    );
  });

  it("never throws, and points into the text", () => {
    const part = fc.constantFrom(
      "- ",
      "a",
      ": ",
      "\n",
      "  ",
      "[",
      "]",
      "{",
      "}",
      "'",
      '"',
      "&x ",
      "*x",
      "<<",
      "|",
      "\t",
      "#",
      "!!set",
      "---",
      "%",
      "@",
      "é",
      "\u0000",
      "? ",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 15 }), fc.constantFrom("strict", "ansible"), (parts, dialect) => {
        const text = parts.join("");
        for (const problem of parseYaml("f.yml", text, dialect).problems) {
          expect(problem.at?.line).toBeLessThanOrEqual(text.split("\n").length);
          expect(problemText(problem)).not.toBe("");
        }
      }),
    );
  });

  it("refuses what is nested too deeply, and aliases that unfold without end", () => {
    expect(parseYaml("f.yml", "[".repeat(20_000), "strict").ok).toBe(false);
    expect(parseYaml("f.yml", "a: &a [*a, *a]\n", "strict").ok).toBe(false);
  });
});

describe("what YAML means", () => {
  it("is 1.2 in playbooks and 1.1 in inventories", () => {
    const text = "yes: no\nmode: 0644\non: off\n";
    expect(read(text).value).toEqual({ yes: "no", mode: 644, on: "off" });
    expect(read(text, "ansible").value).toEqual({ true: false, mode: 420 });
  });

  it("leaves text what Ansible's reader leaves text", () => {
    const text = "y: n\nN: Y\na: 1e3\nb: 08\nc: 12345678901234567890\nd: 1.5e+3\ne: on\nf: 017\n";
    const value = { y: "n", N: "Y", a: "1e3", b: "08", c: "12345678901234567890", d: 1500, e: true, f: 15 };
    expect(read(text, "ansible").value).toEqual(value);
  });

  it("keeps dates text, and has no other types than JSON", () => {
    const text = "a: 2026-01-01\nb: !!binary aGVsbG8=\nc: !!set {x, y}\nd: !!omap [x: 1]\ne: !vault abc\nf: !other abc\n";
    expect(read(text, "ansible").value).toMatchObject({ a: "2026-01-01", e: "abc", f: "abc" });
    expect(JSON.parse(JSON.stringify(read(text, "ansible").value))).toEqual(read(text, "ansible").value);
  });

  it("keeps the characters of plain numbers", () => {
    expect(read("a: 0x10\nb: '5'\nc: 1e3\n").sourceOf(["a"])).toBe("0x10");
    expect(read("a: 0x10\nb: '5'\n").sourceOf(["b"])).toBeUndefined();
  });

  it("has keys such as __proto__ that are keys and nothing else", () => {
    const { value } = read("__proto__: {polluted: true}\n");
    expect(Object.keys(value as object)).toEqual(["__proto__"]);
    expect(({} as { polluted?: true }).polluted).toBeUndefined();
  });
});

describe("suggestions", () => {
  it.each<[string, readonly string[], string | undefined]>([
    ["nic-offlaod", ["nic-offload", "mtu"], "nic-offload"],
    ["hsots", ["hosts", "vars"], "hosts"],
    ["Conn", ["conn", "conns"], "conn"],
    ["nat-exemption", ["nat_exemption"], "nat_exemption"],
    ["pign", ["ping", "tcp"], "ping"],
    ["mtu", ["mss"], undefined],
    ["x", ["mss"], undefined],
    ["", ["mss"], undefined],
  ])("%s of %j: %s", (word, known, meant) => {
    expect(nearest(word, known)).toBe(meant);
  });
});

describe("a problem as text", () => {
  it("shows no control characters of the file", () => {
    const problem = {
      severity: "error",
      message: "bad \u001b[31mvalue\u0007",
      at: { file: "a\u001b.yml", line: 1, column: 3, endColumn: 6 },
      excerpt: "\ta\u001bbc\u202e\u0085",
    } as const;
    expect(problemText(problem)).toBe("a·.yml:1:3: bad ·[31mvalue·\n    1 |  a·bc··\n      |   ~~~");
  });

  it("says a problem without a place in one line", () => {
    expect(problemText({ severity: "warning", message: "m", help: "h" })).toBe("warning: m\n  help: h");
  });
});
