import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LogFile } from "../../src/io/log-file.ts";
import { writeResult } from "../../src/io/result-files.ts";
import { cli } from "./run.ts";

let folder: string;
let playbook: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ipsec-fix-files-"));
  playbook = join(folder, "playbook.yml");
  writeFileSync(playbook, "- hosts: localhost\n  resources:\n    - name: one\n      tags: [wan]\n      xfrm_health: {}\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("files that a person asks for", () => {
  it.each([
    ["--out", "/nowhere/plan.txt"],
    ["--report", "markdown=/nowhere/plan.md"],
    ["--log-file", "/nowhere/log"],
    ["--out", "/tmp"],
  ])("%s %s is refused before any host is asked", async (option, value) => {
    const { code, out, error } = await cli("plan", playbook, option, value);
    expect({ code, out }).toEqual({ code: 64, out: "" });
    expect(error).toMatch(/^ipsec-fix: cannot write \/(nowhere|tmp)/);
    expect(error.trim().split("\n")).toHaveLength(1);
  });

  it.each([
    ["-k", "ansible_password"],
    ["-K", "ansible_become_password"],
  ])("a question (%s) that nobody can answer is refused", async (flag, name) => {
    const { code, error } = await cli("plan", playbook, flag);
    expect(code).toBe(64);
    expect(error).toContain(`instead of ${flag} set ${name}`);
  });

  it("says what could not be written in the end", async () => {
    expect(await writeResult("/dev/full", "text")).toMatch(/^cannot write \/dev\/full: /);
    const log = new LogFile("/dev/full");
    log.append("one");
    log.append("other");
    expect(await log.close()).toMatch(/^cannot write \/dev\/full: /);
  });

  it("takes facts as text or plain data, and in several files", async () => {
    const inventory = join(folder, "hosts.yml");
    writeFileSync(inventory, "all:\n  hosts:\n    here:\n      ansible_connection: local\n");
    const log = join(folder, "log");
    const files = { json: join(folder, "facts.json"), jsonl: join(folder, "facts.jsonl") };
    const reports = Object.entries(files).flatMap(([format, file]) => ["--report", `${format}=${file}`]);
    const { code, out } = await cli("facts", "-i", inventory, "--no-become", "--log-file", log, ...reports);
    expect(code).toBe(0);
    expect(out).toMatch(/^here \(here\)\n {2}hostname: /);
    const [document] = JSON.parse(readFileSync(files.json, "utf8")) as readonly [{ host: string; facts: object }];
    expect(document.host).toBe("here");
    expect(JSON.parse(readFileSync(files.jsonl, "utf8"))).toEqual(document);
    const events = readFileSync(log, "utf8").trim().split("\n");
    expect(events.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(["connecting", "reading", "read"]);
    for (const format of ["markdown", "junit", "html"]) expect((await cli("facts", "--format", format)).code).toBe(64);
  });

  it.each([
    [["--tags", "lan"], '--tags "lan" leaves nothing of the playbook'],
    [["--skip-tags", "wan"], '--skip-tags "wan" leaves nothing of the playbook'],
    [["--target", "tunnel*"], '--target "tunnel*" leaves nothing of the playbook'],
  ])("%j that leaves nothing is a mistake", async (flags, message) => {
    const { code, error } = await cli("plan", playbook, ...flags);
    expect({ code, error: error.trim() }).toEqual({ code: 64, error: message });
  });
});
