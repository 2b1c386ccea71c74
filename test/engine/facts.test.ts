import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { factsScript, parseFacts } from "../../src/engine/facts.ts";
import type { Facts, Probe } from "../../src/model/fact.ts";
import { quote } from "../../src/text/shell.ts";

const mark = "00112233445566778899aabbccddeeff";
const folder = mkdtempSync(join(tmpdir(), "facts-"));
afterAll(() => rmSync(folder, { recursive: true }));

function gather(shell: readonly string[], probes: readonly Probe[]): Facts {
  const [command = "", ...args] = shell;
  const output = execFileSync(command, [...args, "-s"], { input: factsScript(probes, mark) });
  const facts = parseFacts(output, probes, mark);
  if (facts === undefined) throw new Error("the output was not whole");
  return facts;
}

describe.each([["dash"], ["busybox", "sh"], ["bash"]])("the facts script under %s %s", (...shell) => {
  const command = shell.filter((word) => word !== undefined);

  it("keeps exit status, output without a final newline, and tells a missing program", () => {
    const facts = gather(command, [
      { key: "plain", command: "printf 'no newline'" },
      { key: "fails", command: "echo some; exit 3" },
      { key: "missing", command: "no-such-program-here" },
    ]);
    expect(facts.readings.get("plain")).toEqual({ exit: 0, text: "no newline" });
    expect(facts.readings.get("fails")).toEqual({ exit: 3, text: "some\n" });
    expect(facts.readings.get("missing")).toEqual({ exit: undefined, text: "" });
  });

  it("brings files back byte for byte, whatever their name and content", () => {
    const names = ["plain", "with space", "quo'te", "new\nline", "dollar $(touch x)", "-dash", "gl*b", "ümlaut"];
    const contents = ["text\n", "no end", "", "\0\x01\n\n", "a\r\nb\r\n", `\n${mark}\n`, "été\n"];
    const probes = names.map((name, index) => {
      const path = join(folder, name);
      writeFileSync(path, contents[index % contents.length] ?? "");
      return { key: `f${index}`, command: `echo before; file ${quote(path)}; echo after` };
    });
    const latin = join(folder, "latin1");
    writeFileSync(latin, Buffer.from([0x63, 0xe9, 0xff, 0x0a]));
    chmodSync(latin, 0o640);
    const facts = gather(command, [...probes, { key: "latin", command: `file ${quote(latin)}` }]);
    names.forEach((name, index) => {
      expect(facts.files.get(join(folder, name))?.content).toBe(contents[index % contents.length]);
      expect(facts.readings.get(`f${index}`)?.text).toBe("before\nafter\n");
    });
    const file = facts.files.get(latin);
    expect(file?.encoding).toBe("latin1");
    expect(Buffer.from(file?.content ?? "", "latin1")).toEqual(Buffer.from([0x63, 0xe9, 0xff, 0x0a]));
    expect(file?.mode.slice(0, 10)).toBe("-rw-r-----");
  });
});

describe("parseFacts", () => {
  const probes = [{ key: "one", command: "echo 1" }];
  const whole = execFileSync("dash", ["-s"], { input: factsScript(probes, mark) });

  it("ignores what a login shell prints around the frames", () => {
    const noisy = Buffer.concat([Buffer.from("Welcome!\n"), whole, Buffer.from("bye\n")]);
    expect(parseFacts(noisy, probes, mark)?.readings.get("one")?.text).toBe("1\n");
  });

  it("never takes a part for the whole", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (length) => {
        expect(parseFacts(whole.subarray(0, length), probes, mark)).toBeUndefined();
      }),
    );
  });

  it("takes garbage for nothing", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(parseFacts(bytes, probes, mark)).toBeUndefined();
      }),
    );
  });
});
