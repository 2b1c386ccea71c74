import { stringify } from "yaml";
import type { NamedSchema, Schema } from "./playbook.ts";

/** The pages of docs/reference, one for the kinds and one for the probes. */
export function referencePages(kinds: readonly NamedSchema[], probes: readonly NamedSchema[]): readonly [string, string][] {
  return [
    [
      "docs/reference/kinds.md",
      page("Kinds of resources", "Any resource also takes `name`, `tags`, `when` and `ignore_drift`.", kinds),
    ],
    ["docs/reference/probes.md", page("Probes", "What `verify:` may list. Any of them also takes `name` and `when`.", probes)],
  ];
}

function page(title: string, intro: string, members: readonly NamedSchema[]): string {
  const contents = members.map(({ name, schema }) => `- [\`${name}\`](#${name}): ${String(schema["title"])}`);
  const head = `<!-- Generated from schemas/ by npm run generate; do not edit. -->\n# ${title}\n\n${intro}\n\n${contents.join("\n")}\n`;
  return `${[head, ...members.map(section)].join("\n")}`;
}

function section({ name, schema }: NamedSchema): string {
  const properties = Object.entries((schema["properties"] ?? {}) as Record<string, Schema>);
  const required = new Set((schema["required"] as readonly string[] | undefined) ?? []);
  const rows = properties.map(([key, value]) => {
    const fallback = required.has(key) ? "required" : value["default"] === undefined ? "" : code(value["default"]);
    return `| \`${key}\` | ${cell(valuesOf(value))} | ${cell(fallback)} | ${cell(String(value["description"] ?? ""))} |`;
  });
  const table =
    rows.length === 0
      ? "Takes no parameters.\n"
      : `| parameter | value | default | meaning |\n|---|---|---|---|\n${rows.join("\n")}\n`;
  const examples = ((schema["examples"] ?? []) as readonly unknown[]).map((spec) => stringify({ [name]: spec }).trimEnd());
  const block = examples.length === 0 ? "" : `\n\`\`\`yaml\n${examples.map(listItem).join("\n")}\n\`\`\`\n`;
  return `## ${name}\n\n${String(schema["description"] ?? "")}\n\n${table}${conditions(schema)}${block}`;
}

function conditions(schema: Schema): string {
  const messages = ((schema["allOf"] ?? []) as readonly Schema[])
    .map((rule) => rule["errorMessage"])
    .filter((text) => text !== undefined);
  return messages.length === 0 ? "" : `\nRules: ${messages.map(String).join("; ")}.\n`;
}

function valuesOf(schema: Schema): string {
  const choice = (schema["oneOf"] ?? schema["anyOf"]) as readonly Schema[] | undefined;
  if (choice !== undefined) return choice.map(valuesOf).join(" or ");
  if (schema["const"] !== undefined) return code(schema["const"]);
  if (Array.isArray(schema["enum"])) return schema["enum"].map(code).join(", ");
  if (schema["type"] === "array") return `list of ${valuesOf((schema["items"] ?? {}) as Schema)}`;
  if (schema["format"] === "cidr") return "address or network";
  if (schema["format"] === "address") return "address";
  if (schema["type"] === "integer") return range(schema);
  if (schema["type"] === "object") return "option: value";
  return { boolean: "`true`, `false`", string: "text" }[String(schema["type"])] ?? "value";
}

function range(schema: Schema): string {
  const { minimum, maximum } = schema;
  if (minimum === undefined) return "number";
  return maximum === undefined ? `number from ${String(minimum)}` : `number from ${String(minimum)} to ${String(maximum)}`;
}

function code(value: unknown): string {
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function listItem(yaml: string): string {
  return `- ${yaml.replaceAll("\n", "\n  ")}`;
}
