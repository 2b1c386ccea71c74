import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadProject } from "../../src/engine/load.ts";
import type { Lookup } from "../../src/model/project-texts.ts";
import { problemsText } from "../../src/text/squiggle.ts";

const folder = new URL("cases/", import.meta.url);

const inventory = `all:
  children:
    gateways:
      hosts:
        gw1: { lan_ip: 10.0.1.1, site: { local: 10.0.1.0/24 } }
        gw2: { lan_ip: 10.0.2.1, site: { local: 10.0.2.0/24 } }
    branches:
`;

const lookup: Lookup = (kind, argument) => {
  if (kind === "command") return { failure: "command() would run a program on this machine: allow it with --allow-commands" };
  if (argument === "lost") return { failure: `the environment has no variable "${argument}"` };
  return { secret: argument === "short" ? "abc" : "correct horse" };
};

/** What a person sees for a playbook, and the exit code. */
async function seen(text: string): Promise<string> {
  const loaded = await loadProject({
    playbook: { file: "playbook.yml", text },
    inventory: [{ file: "inventory/hosts.yml", text: inventory, form: "yaml" }],
    vars: [],
    extraVars: [],
    limit: undefined,
    choice: { tags: [], skipTags: [], target: [] },
    lookup,
  });
  return `${problemsText(loaded.problems)}\nexit ${loaded.ok ? 0 : loaded.exit}\n`;
}

describe("the exact text of every problem", () => {
  const cases = readdirSync(folder).filter((name) => name.endsWith(".yml"));
  it.each(cases)("%s", async (name) => {
    const text = readFileSync(new URL(name, folder), "utf8");
    await expect(await seen(text)).toMatchFileSnapshot(`cases/${name.replace(/\.yml$/, ".txt")}`);
  });
});
