import { commonProperties, type NamedSchema, type Schema } from "./playbook.ts";
import type { ValidatorMap } from "./validators.ts";

/** The validators that loading a playbook needs: envelopes, and each kind and probe by its own schema. */
export function loadingValidators(
  playbook: Schema,
  kinds: readonly NamedSchema[],
  probes: readonly NamedSchema[],
): readonly ValidatorMap[] {
  const definitions = playbook["$defs"] as Record<string, Schema>;
  return [
    {
      constant: "envelopes",
      sentence: "What a play takes without its items, and what any resource or check takes beside its kind or probe.",
      schemas: [
        { name: "play", schema: withoutItems(definitions["play"] ?? {}) },
        { name: "resource", schema: envelope(definitions["resource"] ?? {}) },
        { name: "check", schema: envelope(definitions["check"] ?? {}) },
      ],
    },
    { constant: "kindValidators", sentence: "The schema of each kind's spec, for rendered values.", schemas: kinds },
    { constant: "probeValidators", sentence: "The schema of each probe of `verify:`, for rendered values.", schemas: probes },
  ];
}

/** What loading must know of kinds and probes beside their validators. */
export function outlines(playbook: Schema, kinds: readonly NamedSchema[], probes: readonly NamedSchema[]): string {
  const definitions = playbook["$defs"] as Record<string, Schema>;
  const keys = (name: string): string => JSON.stringify(Object.keys(commonProperties(definitions[name] ?? {})));
  return `// Generated from schemas/ by \`npm run generate\`; do not edit.
import type { Json } from "./plan.ts";

/** What names an item that has no name, what an empty spec stands for, and what it may hold. */
export interface Outline {
  readonly namedBy: readonly (readonly string[])[];
  readonly whenEmpty?: Json;
  /** Its parameters. */
  readonly keys: readonly string[];
}

/** Every kind of resource. */
export const kindOutlines: Readonly<Record<string, Outline>> = ${outlineOf(kinds)};

/** Every probe of \`verify:\`. */
export const probeOutlines: Readonly<Record<string, Outline>> = ${outlineOf(probes)};

/** What any resource takes beside its kind. */
export const resourceKeys: readonly string[] = ${keys("resource")};

/** What any check takes beside its probe. */
export const checkKeys: readonly string[] = ${keys("check")};
`;
}

function outlineOf(members: readonly NamedSchema[]): string {
  const outline = ({ schema }: NamedSchema) => ({
    namedBy: schema["x-named-by"] ?? [],
    ...(schema["default"] === undefined ? {} : { whenEmpty: schema["default"] }),
    keys: Object.keys(schema["properties"] ?? {}),
  });
  return JSON.stringify(Object.fromEntries(members.map((member) => [member.name, outline(member)])), undefined, 2);
}

function withoutItems(schema: Schema): Schema {
  const properties = schema["properties"] as Record<string, Schema>;
  return { ...schema, properties: { ...properties, resources: { type: "array" }, verify: { type: "array" } } };
}

function envelope(schema: Schema): Schema {
  const { oneOf: _, minProperties: __, ...rest } = schema;
  return { ...rest, properties: commonProperties(schema) };
}
