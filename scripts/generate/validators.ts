import { _, Ajv2020 } from "ajv/dist/2020.js";
import standalone from "ajv/dist/standalone/index.js";
import type { NamedSchema, Schema } from "./playbook.ts";

const head = `// Generated from schemas/ by \`npm run generate\`; do not edit.
// Compiled here and not at start: ajv's compiler costs 150 ms of a run that has 450 ms.
// @ts-nocheck
import { characters, formats } from "../text/schema-formats.ts";
import type { Validator } from "../text/schema.ts";
`;

/** A map of validators that the program carries under one name. */
export interface ValidatorMap {
  readonly constant: string;
  readonly sentence: string;
  readonly schemas: readonly NamedSchema[];
}

/** A TypeScript module of compiled validators, without the prose of the schemas. */
export function validatorModule(maps: readonly ValidatorMap[]): string {
  const ajv = new Ajv2020({
    code: { source: true, esm: true, formats: _`formats` },
    allErrors: true,
    verbose: true,
    useDefaults: true,
    validateSchema: false,
    strictTypes: false,
    strictRequired: false,
    messages: false,
    keywords: ["errorMessage", "patternErrorMessage", "x-named-by"],
  });
  for (const format of ["cidr", "address"]) ajv.addFormat(format, { validate: () => true });
  const exports: Record<string, string> = {};
  for (const { constant, schemas } of maps)
    for (const { name, schema } of schemas) {
      ajv.addSchema(checks(schema), `${constant}_${name}`);
      exports[`${constant}_${name}`] = `${constant}_${name}`;
    }
  const code = standalone
    .default(ajv, exports)
    .replace('"use strict";', "")
    .replaceAll('require("ajv/dist/runtime/ucs2length").default', "characters")
    .replaceAll(/export const (\w+) = (validate\d+);/g, "const $1 = $2;");
  if (code.includes("require(")) throw new Error("the compiled validators need a part of ajv at run time");
  const constants = maps.map(({ constant, sentence, schemas }) => {
    const members = schemas.map(({ name }) => `  ${name}: ${constant}_${name},`);
    return `/** ${sentence} */\nexport const ${constant}: Readonly<Record<string, Validator>> = {\n${members.join("\n")}\n};\n`;
  });
  return `${head}\n${code}\n\n${constants.join("\n")}`;
}

/** A root default says what an empty spec stands for, which is not the validator's business. */
function checks(schema: Schema): Schema {
  const { default: _unused, ...rest } = schema;
  return trim(rest, false) as Schema;
}

const prose = new Set(["$schema", "title", "description", "examples", "tsType"]);

function trim(value: unknown, isProperties: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => trim(item, false));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => isProperties || !prose.has(key))
      .map(([key, inner]) => [key, trim(inner, !isProperties && (key === "properties" || key === "$defs"))]),
  );
}
