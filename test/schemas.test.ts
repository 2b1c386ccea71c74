import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generated, isCurrent } from "../scripts/generate.ts";
import { validate } from "../src/commands/validate.ts";
import { kinds } from "../src/kinds/index.ts";
import { kindOutlines } from "../src/model/outlines.generated.ts";
import { type LanguageServer, startLanguageServer } from "./language-server.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const playbooks = readdirSync(join(root, "playbooks")).filter((name) => name.endsWith(".yml"));
const inventory = join(root, "inventory");

describe("what is generated from schemas/", () => {
  it("is up to date: run `npm run generate`", async () => {
    const stale = [...(await generated())].filter(([path, text]) => !isCurrent(join(root, path), text)).map(([path]) => path);
    expect(stale).toEqual([]);
  });

  it("has a schema for each kind of the registry, and no other", () => {
    expect(Object.keys(kindOutlines).sort()).toEqual(kinds.map(({ name }) => name).sort());
  });

  it("explains every parameter", () => {
    const silent = readdirSync(join(root, "schemas/kinds")).flatMap((file) => {
      const { properties } = JSON.parse(readFileSync(join(root, "schemas/kinds", file), "utf8")) as {
        properties: Record<string, { title?: string; description?: string }>;
      };
      return Object.entries(properties).flatMap(([name, { title, description }]) =>
        title && description ? [] : [`${file}: ${name}`],
      );
    });
    expect(silent).toEqual([]);
  });
});

describe("the example playbooks", () => {
  it.each(playbooks)("%s is valid with the example inventory", async (name) => {
    const said: string[] = [];
    const exit = await validate(
      { playbook: join(root, "playbooks", name), inventory: [inventory], extraVars: [], json: true },
      (text) => said.push(text),
    );
    expect(JSON.parse(said.join(""))).toEqual({ valid: true, problems: [] });
    expect(exit).toBe(0);
  });
});

describe("in an editor", () => {
  let editor: LanguageServer;
  beforeAll(async () => {
    editor = await startLanguageServer();
  });
  afterAll(() => editor.stop());

  const examples = [...playbooks.map((name) => `playbooks/${name}`), "inventory/hosts.yml"];
  it.each(examples)("%s is clean", async (name) => {
    const path = join(root, name);
    expect(await editor.diagnose(path, readFileSync(path, "utf8"))).toEqual([]);
  });

  it("a mistake is underlined where it stands", async () => {
    const text = `# yaml-language-server: $schema=../schemas/playbook.schema.json
- hosts: gateways
  resources:
    - nat_exemption: { con: myvpn, conn: myvpn }
    - tcp_mss_clamp: { mss: pmtuu }
    - ipsec_service: { enabled: yes }
    - tunnel: { conn: "{{ conn }}", state: "{{ wanted }}" }
    - ipsec_service:
    - frobnicate: {}
`;
    const found = await editor.diagnose(join(root, "playbooks/wrong.yml"), text);
    expect([...new Set(found.map(({ range }) => range.start.line + 1))].sort()).toEqual([4, 5, 6, 9]);
  });

  it("completion offers the kinds, and hovering explains a parameter", async () => {
    const path = join(root, "playbooks/new.yml");
    const text =
      "# yaml-language-server: $schema=../schemas/playbook.schema.json\n- hosts: gateways\n  resources:\n    - nat_exemption:\n        verdict: return\n    - \n";
    await editor.diagnose(path, text);
    const textDocument = { uri: pathToFileURL(path).href };
    const completion = (await editor.request("textDocument/completion", {
      textDocument,
      position: { line: 5, character: 6 },
    })) as { items: { label: string }[] };
    expect(completion.items.map(({ label }) => label)).toEqual(expect.arrayContaining(Object.keys(kindOutlines)));
    const hover = await editor.request("textDocument/hover", { textDocument, position: { line: 4, character: 10 } });
    expect(JSON.stringify(hover)).toContain("How the exempting rule ends");
  });
});
