import { commonProperties, type NamedSchema, type Schema } from "./playbook.ts";

interface Sources {
  readonly playbook: Schema;
  readonly kinds: readonly NamedSchema[];
  readonly probes: readonly NamedSchema[];
  readonly plan: Schema;
}

/** The schemas as a TypeScript module, without the prose: pure code reads no files, and a start parses no JSON. */
export function embeddedSchemas({ playbook, kinds, probes, plan }: Sources): string {
  const definitions = playbook["$defs"] as Record<string, Schema>;
  const named = (members: readonly NamedSchema[]) => Object.fromEntries(members.map(({ name, schema }) => [name, lean(schema)]));
  const parts: readonly (readonly [string, string, unknown])[] = [
    [
      "playSchema",
      "One play of a playbook; its resources and checks have their own schemas.",
      lean(play(definitions["play"] ?? {})),
    ],
    ["resourceSchema", "What any resource takes beside its kind.", lean(envelope(definitions["resource"] ?? {}))],
    ["checkSchema", "What any check takes beside its probe.", lean(envelope(definitions["check"] ?? {}))],
    ["kindSchemas", "The schema of each kind's spec, for rendered values.", named(kinds)],
    ["probeSchemas", "The schema of each probe of `verify:`, for rendered values.", named(probes)],
    ["planSchema", "A saved plan.", lean(plan)],
  ];
  const lines = parts.map(
    ([name, sentence, value]) =>
      `/** ${sentence} */\nexport const ${name}${typeOf(name)} = ${JSON.stringify(value, undefined, 1)};\n`,
  );
  return `// Generated from schemas/ by \`npm run generate\`; do not edit.\n\n${schemaType}\n${lines.join("\n")}`;
}

const schemaType = `/** A JSON Schema as plain data. */
export interface Schema {
  readonly [keyword: string]: unknown;
}
`;

function typeOf(name: string): string {
  return name.endsWith("Schemas") ? ": Readonly<Record<string, Schema>>" : ": Schema";
}

function play(schema: Schema): Schema {
  const properties = schema["properties"] as Record<string, Schema>;
  return { ...schema, properties: { ...properties, resources: { type: "array" }, verify: { type: "array" } } };
}

function envelope(schema: Schema): Schema {
  const { oneOf: _, minProperties: __, ...rest } = schema;
  return { ...rest, properties: commonProperties(schema) };
}

function lean(value: unknown, isProperties = false): Schema {
  return trim(value, isProperties) as Schema;
}

function trim(value: unknown, isProperties: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => trim(item, false));
  if (typeof value !== "object" || value === null) return value;
  const prose = new Set(["$schema", "title", "description", "examples", "tsType"]);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => isProperties || !prose.has(key))
      .map(([key, inner]) => [key, trim(inner, !isProperties && (key === "properties" || key === "$defs"))]),
  );
}
