import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { cli } from "./run.ts";

describe("the command line", () => {
  it.each([
    [["--help"], 0],
    [["--version"], 0],
    [["plan", "--help"], 0],
    [["help", "apply"], 0],
    [[], 64],
    [["aply"], 64],
    [["plan"], 64],
    [["plan", "a.yml", "--no-such"], 64],
    [["plan", "a.yml", "--forks", "0"], 64],
    [["plan", "a.yml", "--format", "xml"], 64],
    [["plan", "a.yml", "--report", "markdown"], 64],
    [["apply", "a.yml", "--serial", "0"], 64],
    [["apply", "a.yml", "--serial", "0%"], 64],
    [["apply", "a.yml", "--serial", "101%"], 64],
    [["apply", "a.yml", "--serial", "some"], 64],
    [["apply", "a.yml", "--serial", "1,,2"], 64],
    [["apply", "/nowhere/a.yml", "--serial", "1,50%"], 65],
    [["completion", "tcsh"], 64],
    [["validate", "/nowhere/playbook.yml"], 65],
    [["plan", "/nowhere/playbook.yml"], 65],
  ])("%j ends with %i", async (argv, code) => {
    expect((await cli(...argv)).code).toBe(code);
  });

  it("suggests what was meant", async () => {
    expect((await cli("aply", "x.yml")).error).toContain("Did you mean apply?");
    expect((await cli("plan", "x.yml", "--limt", "a")).error).toContain("--limit");
  });
});

describe("completion", () => {
  it("is bash that completes commands, options and formats", async () => {
    const { out, code } = await cli("completion", "bash");
    expect(code).toBe(0);
    const complete = (...words: readonly string[]): readonly string[] =>
      execFileSync("bash", [
        "-c",
        `${out}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ipsec_fix; printf '%s\\n' "\${COMPREPLY[@]}"`,
        "bash",
        ...words,
      ])
        .toString()
        .trim()
        .split("\n");
    expect(complete("ipsec-fix", "dri")).toEqual(["drift"]);
    expect(complete("ipsec-fix", "drift", "--max")).toEqual(["--max-changes"]);
    expect(complete("ipsec-fix", "plan", "--format", "ju")).toEqual(["junit"]);
    expect(complete("ipsec-fix", "facts", "--format", "j")).toEqual(["json", "jsonl"]);
  });

  it("offers every command to zsh and fish", async () => {
    for (const shell of ["zsh", "fish"]) {
      const { out } = await cli("completion", shell);
      for (const command of ["validate", "facts", "conf", "plan", "apply", "drift", "verify", "schedule", "init", "completion"])
        expect(out).toContain(command);
      expect(out).toContain("max-changes");
    }
  });
});
