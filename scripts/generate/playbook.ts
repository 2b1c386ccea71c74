/** A JSON Schema as plain data; only objects, the boolean schemas are not used here. */
export interface Schema {
  readonly [keyword: string]: unknown;
}

/** A schema file with the word that names it in a playbook. */
export interface NamedSchema {
  readonly name: string;
  readonly schema: Schema;
}

/** The playbook schema with its lists of kinds and probes filled in: one file, so that an editor needs no second one. */
export function playbookSchema(envelope: Schema, kinds: readonly NamedSchema[], probes: readonly NamedSchema[]): Schema {
  const own = envelope["$defs"] as Record<string, Schema>;
  const definition = (name: string): Schema => own[name] ?? {};
  return {
    ...envelope,
    $defs: {
      play: definition("play"),
      resource: withMembers(definition("resource"), kinds, ""),
      check: withMembers(definition("check"), probes, "probe_"),
      ...Object.fromEntries(kinds.map(({ name, schema }) => [name, forEditors(schema)])),
      ...Object.fromEntries(probes.map(({ name, schema }) => [`probe_${name}`, forEditors(schema)])),
    },
  };
}

/** The members of a resource or check that stand in the hand-written part, without the kinds. */
export function commonProperties(definition: Schema): Readonly<Record<string, Schema>> {
  const properties = definition["properties"] as Record<string, Schema>;
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value["$ref"] === undefined));
}

function withMembers(definition: Schema, members: readonly NamedSchema[], prefix: string): Schema {
  const { oneOf: _, ...rest } = definition;
  return {
    ...rest,
    properties: {
      ...commonProperties(definition),
      ...Object.fromEntries(members.map(({ name }) => [name, { $ref: `#/$defs/${prefix}${name}` }])),
    },
    oneOf: members.map(({ name }) => ({ required: [name] })),
  };
}

/** A kind's schema holds rendered values; in a playbook a template may stand for any of them, and nothing for an empty spec. */
function forEditors(schema: Schema): Schema {
  const { $schema: _, required, ...rest } = schema;
  const properties = schema["properties"] as Record<string, Schema>;
  return {
    ...rest,
    type: required === undefined ? ["object", "null"] : "object",
    ...(required === undefined ? {} : { required }),
    properties: Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, orTemplate(value)])),
  };
}

function orTemplate(schema: Schema): Schema {
  const { title, description, default: fallback, examples, errorMessage: _, ...checks } = schema;
  const items = checks["items"] as Schema | undefined;
  const inner = items === undefined ? checks : { ...checks, items: orTemplate(items) };
  const about = { title, description, default: fallback, examples };
  return {
    ...Object.fromEntries(Object.entries(about).filter(([, value]) => value !== undefined)),
    anyOf: [inner, { type: "string", pattern: "\\{[{%]" }],
  };
}
