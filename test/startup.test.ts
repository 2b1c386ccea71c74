import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { run } from "./lab/process.ts";
import { program } from "./scenarios/cli.ts";

// Node says which files it loads; the bundler writes above each part of a file where it comes from.
const HOOK = `import { writeSync } from "node:fs";
export async function resolve(name, context, next) {
  const found = await next(name, context);
  writeSync(2, "\\nloads " + found.url + "\\n");
  return found;
}`;
const dataUrl = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`;
const watcher = dataUrl(`import { register } from "node:module"; register(${JSON.stringify(dataUrl(HOOK))});`);

const folder = mkdtempSync(join(tmpdir(), "ipsec-fix-startup-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The packages whose code the program loads for these arguments. */
async function packagesOf(...args: readonly string[]): Promise<ReadonlySet<string>> {
  const { stderr } = await run([process.execPath, "--import", watcher, program, ...args], {
    env: { ...process.env, HOME: folder },
  });
  const files = [...stderr.matchAll(/^loads (file:\S+)$/gm)].map(([, url = ""]) => fileURLToPath(url));
  expect(files).toContain(program);
  return new Set(files.flatMap((file) => [...packagesIn(file.startsWith(dirname(program)) ? readFileSync(file, "utf8") : file)]));
}

function packagesIn(text: string): readonly string[] {
  return [...text.matchAll(/node_modules\/((?:@[\w.-]+\/)?[\w.-]+)\//g)].map(([, name = ""]) => name);
}

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const inventory = file("hosts.yml", "all: { hosts: { gw: { ansible_host: 127.0.0.1, ansible_port: 1, size: 1400 } } }\n");
const playbook = (name: string, mtu: string): string =>
  file(name, `- hosts: all\n  resources:\n    - libreswan_conn: { name: myvpn, options: { mtu: ${mtu} } }\n`);
const plain = playbook("plain.yml", "1400");

describe("what is loaded", () => {
  it("is no parser and no transport for the help", async () => {
    const packages = await packagesOf("--help");
    expect(packages).toContain("commander");
    for (const name of ["yaml", "ssh2", "ssh-config", "listr2", "diff", "minijinja-js"]) expect(packages).not.toContain(name);
  });

  it("is neither transport nor display nor template engine to validate", async () => {
    const packages = await packagesOf("validate", plain, "-i", inventory);
    expect(packages).toContain("yaml");
    for (const name of ["ssh2", "ssh-config", "listr2", "minijinja-js"]) expect(packages).not.toContain(name);
  });

  it("is no template engine for a plain variable, and is one for a filter", async () => {
    expect(await packagesOf("validate", playbook("variable.yml", '"{{ size }}"'), "-i", inventory)).not.toContain("minijinja-js");
    const filtered = playbook("filter.yml", `"{{ none_such | default(1400) }}"`);
    expect(await packagesOf("validate", filtered, "-i", inventory)).toContain("minijinja-js");
  });

  it("is the transport for a plan, and no display where no terminal watches", async () => {
    const packages = await packagesOf("plan", plain, "-i", inventory, "-F", "none");
    expect(packages).toContain("ssh2");
    for (const name of ["listr2", "minijinja-js"]) expect(packages).not.toContain(name);
    const built = readdirSync(dirname(program)).flatMap((name) => packagesIn(readFileSync(join(dirname(program), name), "utf8")));
    expect(built).toContain("listr2");
  });
});
