import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { grammar, runCommandLine } from "../src/cli.ts";
import { splitWords } from "../src/io/ssh-arguments.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const pages = ["README.md", ...markdownBelow("docs")];
const scratch = mkdtempSync(join(tmpdir(), "ipsec-fix-docs-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function markdownBelow(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => `${folder}/${file}`)
    .sort();
}

interface Block {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

/** The fenced code blocks of a page, those that are indented below a list item as well. */
function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: { indent: number; language: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of readFileSync(join(root, page), "utf8").split("\n").entries()) {
    const fence = /^( *)```(\w*)$/.exec(line);
    if (open === undefined && fence)
      open = { indent: fence[1]?.length ?? 0, language: fence[2] ?? "", line: index + 1, lines: [] };
    else if (open !== undefined && fence) {
      blocks.push({ page, line: open.line, language: open.language, text: `${open.lines.join("\n")}\n` });
      open = undefined;
    } else open?.lines.push(line.slice(open.indent));
  }
  if (open !== undefined) throw new Error(`${page}:${open.line}: the code block has no end`);
  return blocks;
}

/** The text of a page without its code. */
function proseOf(page: string): string {
  return readFileSync(join(root, page), "utf8")
    .replaceAll(/^ *```[\s\S]*?^ *```$/gm, "")
    .replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]()]/g, " "));
}

/** The anchor that a heading gets on the usual forges. */
function anchorsOf(page: string): ReadonlySet<string> {
  const headings = readFileSync(page, "utf8")
    .replaceAll(/^ *```[\s\S]*?^ *```$/gm, "")
    .matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, text = ""]) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

describe("links", () => {
  it.each(pages)("of %s lead somewhere", (page) => {
    const broken = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [path = "", anchor] = target.split("#");
        const file = path === "" ? join(root, page) : resolve(root, dirname(page), path);
        if (!existsSync(file)) return true;
        return anchor !== undefined && !anchorsOf(file).has(anchor);
      });
    expect(broken).toEqual([]);
  });

  it("of docs/README.md name every page", () => {
    const index = readFileSync(join(root, "docs/README.md"), "utf8");
    const missing = pages.filter(
      (page) => page.startsWith("docs/") && page !== "docs/README.md" && !index.includes(`](${relative("docs", page)})`),
    );
    expect(missing).toEqual([]);
  });
});

describe("the README", () => {
  it.each(["npm ci && npm run demo", "npm ci && npm test"])("names `%s`", (command) => {
    expect(readFileSync(join(root, "README.md"), "utf8")).toContain(command);
  });
});

/** Every call of the program in a code block, up to the next operator of the shell. */
function callsIn({ language, text }: Block): readonly (readonly string[])[] {
  if (!["", "sh", "console"].includes(language)) return [];
  const lines = text.replaceAll("\\\n", " ").split("\n");
  return lines.flatMap((line) => {
    const call = /^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:npx )?ipsec-fix ([^#|;&>]*)/.exec(line.trim());
    return call?.[1] === undefined ? [] : [splitWords(call[1])];
  });
}

/** What the grammar has against a call; undefined where it would run. */
function objection(words: readonly string[]): string | undefined {
  const said: string[] = [];
  const streams = { out: () => {}, error: (text: string) => void said.push(text), signal: new AbortController().signal };
  const program = grammar(streams, () => {});
  const [verb = "", ...rest] = words;
  if (["--help", "--version", "help"].includes(verb)) return undefined;
  const command = program.commands.find((candidate) => candidate.name() === verb);
  if (command === undefined) return `there is no command ${verb}`;
  try {
    const { operands, unknown } = command.parseOptions([...rest]);
    if (unknown.length > 0) return `${verb} does not know ${unknown[0]}`;
    const required = command.registeredArguments.filter((argument) => argument.required).length;
    const enough = operands.length >= required && operands.length <= command.registeredArguments.length;
    return enough ? undefined : `${verb} takes ${required} to ${command.registeredArguments.length} operands`;
  } catch {
    return said.join("");
  }
}

describe("commands", () => {
  it.each(pages)("of %s are in the grammar", (page) => {
    const wrong = blocksOf(page)
      .filter(({ page: at }) => at !== "docs/reference/cli.md")
      .flatMap((block) => callsIn(block).map((words) => ({ at: `${page}:${block.line}`, words, why: objection(words) })))
      .filter(({ why }) => why !== undefined);
    expect(wrong).toEqual([]);
  });

  it("would be found out if they were not", () => {
    const calls = callsIn({
      page: "",
      line: 1,
      language: "sh",
      text: "$ ipsec-fix plan a.yml --no-such\nipsec-fix aply b.yml\n",
    });
    expect(calls.map(objection)).toEqual(["plan does not know --no-such", "there is no command aply"]);
  });
});

const probes = readdirSync(join(root, "schemas/probes")).map((file) => file.replace(".schema.json", ""));

function plays(list: string, parts: readonly string[]): string {
  return parts.map((part) => `- hosts: gateways\n  ${list}:\n${part.replaceAll(/^(?=.)/gm, "    ")}`).join("");
}

/** A snippet as a project that can be checked: a playbook, some resources, an inventory, or variables of one. */
function projectOf(text: string, folder: string): readonly string[] {
  const value: unknown = parse(text, { logLevel: "error" });
  const write = (path: string, content: string): string => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
    return join(folder, path);
  };
  const empty = "- hosts: all\n  resources: []\n";
  if (Array.isArray(value)) {
    const keys = new Set((value as readonly object[]).flatMap((item) => Object.keys(item)));
    const list = probes.some((probe) => keys.has(probe)) ? "verify" : "resources";
    // Resources of one address are alternatives in a page, and an error in a play.
    const parts = list === "verify" ? [text] : text.split(/^(?=- )/m).filter((part) => part.startsWith("- "));
    const ping = /during: (.*)/.exec(text)?.[1];
    if (ping !== undefined && !text.includes(`name: ${ping}`))
      parts.unshift(`- name: ${ping}\n  ping: { source: 192.0.2.1, destination: 192.0.2.2 }\n`);
    const play = keys.has("hosts") ? text : plays(list, list === "verify" ? [parts.join("")] : parts);
    return [write("playbook.yml", play), "--inventory", join(root, "inventory")];
  }
  if (typeof value === "object" && value !== null && "all" in value)
    return [write("playbook.yml", empty), "--inventory", write("inventory/hosts.yml", text)];
  write("inventory/group_vars/all.yml", text);
  return [write("playbook.yml", empty), "--inventory", dirname(write("inventory/hosts.yml", "all: { hosts: { gw: } }\n"))];
}

async function validation(text: string): Promise<string> {
  const folder = mkdtempSync(join(scratch, "project-"));
  let said = "";
  const add = (more: string): void => {
    said += more;
  };
  const argv = ["validate", ...projectOf(text, folder)];
  const code = await runCommandLine(argv, { out: add, error: add, signal: new AbortController().signal });
  return code === 0 ? "" : said;
}

describe("YAML", () => {
  const snippets = pages.flatMap(blocksOf).filter(({ language }) => language === "yaml");
  it.each(snippets.map((block) => [`${block.page}:${block.line}`, block] as const))("at %s is valid", async (_at, block) => {
    expect(await validation(block.text)).toBe("");
  });

  it("would be found out if it were not", async () => {
    expect(await validation("- nat_exemption: { con: site-to-site }\n")).toContain('did you mean "conn"');
    expect(await validation("all: { hosts: { gw: { ansible_port: none } } }\n")).toContain("is no port");
  });
});
