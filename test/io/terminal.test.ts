import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { askHidden, askYesNo } from "../../src/io/terminal.ts";

const terminal = fileURLToPath(new URL("../../src/io/terminal.ts", import.meta.url));

/** Runs code on a terminal of its own; types each answer when its question shows. */
async function onTerminal(code: string, dialogue: readonly (readonly [question: string, keys: string])[]): Promise<string> {
  const program = `import { askHidden, askYesNo } from ${JSON.stringify(terminal)}; const say = (x) => console.log("answer:" + JSON.stringify(x)); ${code}`;
  const command = `'${process.execPath}' --import tsx --input-type=module -e '${program.replaceAll("'", `'\\''`)}'`;
  const child = spawn("script", ["-qefc", command, "/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, SHELL: "/bin/sh" },
  });
  const steps = [...dialogue];
  let seen = "";
  let from = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    seen += chunk.toString();
    const step = steps[0];
    const at = step ? seen.indexOf(step[0], from) : -1;
    if (!step || at < 0) return;
    from = at + step[0].length;
    steps.shift();
    // Raw mode is on a moment after the question is written.
    setTimeout(() => child.stdin.write(step[1]), 50);
  });
  await new Promise((resolve) => child.once("close", resolve));
  return seen;
}

describe.skipIf(!existsSync("/usr/bin/script"))("a question", () => {
  test("for a password shows nothing of the answer, and edits it", async () => {
    const seen = await onTerminal(`say(await askHidden("Password: "))`, [["Password: ", "junk\u0015s3cret \u00fcx\u007f!\r"]]);
    expect(seen).toContain(`answer:"s3cret \u00fc!"`);
    expect(seen.replace(/answer:.*/, "")).not.toMatch(/s3cret|junk/);
  });

  test("for a password may be given up", async () => {
    expect(await onTerminal(`say(await askHidden("Password: ") ?? null)`, [["Password: ", "\u0004"]])).toContain("answer:null");
    const code = `process.once("SIGINT", () => say("interrupted")); say(await askHidden("Password: ") ?? null); setTimeout(() => {}, 100);`;
    const seen = await onTerminal(code, [["Password: ", "abc\u0003"]]);
    expect(seen).toContain("answer:null");
    expect(seen).toContain(`answer:"interrupted"`);
    expect(seen.indexOf("interrupted")).toBeLessThan(seen.indexOf("answer:null"));
  });

  test("comes one at a time", async () => {
    const code = `say(await Promise.all([askHidden("One: "), askHidden("Two: "), askYesNo("Sure? [y/N] ")]))`;
    const seen = await onTerminal(code, [
      ["One: ", "1\r"],
      ["Two: ", "2\r"],
      ["Sure? [y/N] ", "yes\r"],
    ]);
    expect(seen).toContain(`answer:["1","2",true]`);
  });

  test.each([
    ["y\r", true],
    ["YES\r", true],
    ["\r", false],
    ["yeah\r", false],
    ["\u0004", false],
  ])("of yes or no takes %j for %s", async (keys, answer) => {
    expect(await onTerminal(`say(await askYesNo("Apply? [y/N] "))`, [["Apply? [y/N] ", keys]])).toContain(`answer:${answer}`);
  });
});

test("nobody is asked where there is no terminal", async () => {
  expect(await askYesNo("Apply? [y/N] ")).toBe(false);
  expect(await askHidden("Password: ")).toBeUndefined();
});
