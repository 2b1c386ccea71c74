import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readInventory } from "../../src/engine/inventory.ts";
import { hostsOf } from "../../src/engine/pattern.ts";
import { effectiveVariables } from "../../src/engine/variables.ts";
import { readProjectFiles } from "../../src/io/project-files.ts";

const folder = new URL("cases/", import.meta.url).pathname;

/** What `ansible-inventory --list` (ansible-core 2.14) said of each case, kept beside it. */
interface Recording {
  readonly _meta: { readonly hostvars: Readonly<Record<string, unknown>> };
  readonly [group: string]: unknown;
}

function read(path: string) {
  const files = readProjectFiles({
    playbook: "/nowhere/playbook.yml",
    inventory: [path],
    extraVars: [],
    limit: undefined,
    environment: {},
  });
  return readInventory(files.inventory, files.vars);
}

describe("an inventory means to us what it means to Ansible", () => {
  it.each([
    ["ini", "ini/hosts"],
    ["yaml", "yaml/hosts.yml"],
    ["folder", "folder"],
    ["precedence", "precedence"],
  ])("%s", (name, path) => {
    const recording = JSON.parse(readFileSync(`${folder}${name}.ansible.json`, "utf8")) as Recording;
    const inventory = read(`${folder}${path}`);
    expect(inventory.problems.filter(({ severity }) => severity === "error")).toEqual([]);
    const variables = [...inventory.hosts.values()].map((host) => {
      const own = [...effectiveVariables(host, inventory, [])].map(([key, { value }]) => [key, value]);
      return [host.name, Object.fromEntries(own)] as const;
    });
    expect(Object.fromEntries(variables.filter(([, own]) => Object.keys(own).length > 0))).toEqual(recording._meta.hostvars);
    for (const [group, body] of Object.entries(recording)) {
      if (group === "_meta" || group === "all") continue;
      const { hosts = [], children = [] } = body as { hosts?: string[]; children?: string[] };
      expect([...(inventory.groups.get(group)?.hosts ?? [])].sort(), group).toEqual([...hosts].sort());
      expect([...(inventory.groups.get(group)?.children ?? [])].sort(), group).toEqual([...children].sort());
    }
  });

  it("keeps hosts in the order of the sources", () => {
    expect(hostsOf("gateways", read(`${folder}folder`))).toEqual(["gw1", "gw2", "gw3"]);
  });
});
