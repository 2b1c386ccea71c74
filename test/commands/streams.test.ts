import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const program = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ipsec-fix-streams-"));
  writeFileSync(join(folder, "hosts.yml"), "all:\n  hosts:\n    here:\n      ansible_connection: local\n");
  // More text than a pipe holds.
  writeFileSync(join(folder, "bad.yml"), `- hosts: all\n  resources:\n${"    - tunel: {}\n".repeat(3000)}`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the exit code", () => {
  it.each([
    ["of a reader that stops early", "validate bad.yml -i hosts.yml | head -c 1 >/dev/null; exit $PIPESTATUS", 65],
    ["of a result that is lost", "facts -i hosts.yml --no-become >/dev/full", 1],
    ["of progress that is lost", "facts -i hosts.yml --no-become 2>/dev/full >/dev/null", 0],
    ["of progress that nobody reads", "facts -i hosts.yml --no-become 2> >(true) >/dev/null", 0],
  ])("%s", (_, command, code) => {
    const ended = spawnSync("bash", ["-c", `'${process.execPath}' '${program}' ${command}`], { cwd: folder, encoding: "utf8" });
    expect(ended.status, ended.stderr).toBe(code);
  });
});
