import { compile, type JSONSchema } from "json-schema-to-typescript";
import type { NamedSchema, Schema } from "./playbook.ts";

const banner = `// Generated from schemas/ by \`npm run generate\`; do not edit.
// A spec of these types has passed its schema: defaults are filled in, so only what has none is optional.
`;

/** One exported interface for each kind and probe, and the map of the probes by name. */
export async function specTypes(kinds: readonly NamedSchema[], probes: readonly NamedSchema[]): Promise<string> {
  const parts = [banner];
  for (const { name, schema } of kinds) parts.push(await typeOf(schema, typeName(name)));
  for (const { name, schema } of probes) parts.push(await typeOf(schema, `${typeName(name)}Probe`));
  const members = probes.map(({ name }) => `  readonly ${name}: ${typeName(name)}Probe;`);
  parts.push(`/** What each probe of \`verify:\` takes. */\nexport interface ProbeByName {\n${members.join("\n")}\n}\n`);
  return `${parts.join("\n").trimEnd()}\n`;
}

/** `nat_exemption` → `NatExemption`. */
export function typeName(name: string): string {
  return name
    .split("_")
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");
}

async function typeOf(schema: Schema, name: string): Promise<string> {
  return compile(plain(schema, true) as JSONSchema, name, {
    bannerComment: "",
    additionalProperties: false,
    ignoreMinAndMaxItems: true,
    style: { printWidth: 130 },
  });
}

/** Without titles (they would become type names), conditions between properties, and examples; what has a default is required. */
function plain(schema: Schema, isRoot: boolean): Schema {
  const { title: _, allOf: __, examples: ___, "x-named-by": ____, default: fallback, ...rest } = schema;
  const result: Record<string, unknown> = { ...rest };
  const properties = schema["properties"] as Record<string, Schema> | undefined;
  if (properties !== undefined) {
    result["properties"] = Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, plain(value, false)]));
    const required = (schema["required"] as readonly string[] | undefined) ?? [];
    const defaulted = Object.keys(properties).filter((key) => properties[key]?.["default"] !== undefined);
    result["required"] = [...new Set([...required, ...defaulted])];
  }
  if (isRoot || fallback === undefined) return result;
  return { ...result, description: `${String(rest["description"])} (default: ${JSON.stringify(fallback)})` };
}
