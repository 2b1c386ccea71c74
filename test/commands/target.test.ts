import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { runCommandLine } from "../../src/cli.ts";

const folder = mkdtempSync(join(tmpdir(), "target-"));
afterAll(() => rmSync(folder, { recursive: true }));

it("takes a target that no resource has for a slip of the hand, and asks no host", async () => {
  writeFileSync(join(folder, "hosts.yml"), "all: { hosts: { gw1: { ansible_host: 127.0.0.1, ansible_port: 1 } } }\n");
  writeFileSync(join(folder, "playbook.yml"), "- hosts: all\n  resources:\n    - gateway_sysctls: {}\n");
  let error = "";
  const argv = ["plan", join(folder, "playbook.yml"), "-i", join(folder, "hosts.yml"), "--target", "nat_exempion*"];
  const streams = { out: () => undefined, error: (text: string) => void (error += text), signal: new AbortController().signal };
  expect(await runCommandLine(argv, streams)).toBe(64);
  expect(error).toContain("--target nat_exempion* matches no resource");
});
