import type { Json } from "../model/plan.ts";
import { didYouMean, nearest } from "./suggest.ts";
import type { Path } from "./yaml.ts";

/** A schema compiled by ajv (`npm run generate`); it fills defaults into the value that it checks. */
export interface Validator {
  (value: unknown): boolean;
  readonly errors?: readonly ErrorObject[] | null;
}

interface Schema {
  readonly [keyword: string]: unknown;
}

/** An error as ajv reports it with `verbose`. */
interface ErrorObject {
  readonly keyword: string;
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: { readonly [name: string]: unknown };
  readonly schema?: unknown;
  readonly parentSchema?: Schema;
  readonly data?: unknown;
  /** Set inside of `propertyNames`, whose own error says it all. */
  readonly propertyName?: string;
}

/** One mistake against a schema: where, and whether the place is the key or its value. */
export interface Mistake {
  readonly path: Path;
  readonly on: "key" | "value";
  readonly message: string;
  readonly help?: string;
  /** Whether it concerns a key that is missing or unknown, which no template can mend. */
  readonly structural: boolean;
}

/** The value with defaults filled in, and every mistake once. */
export interface Checked {
  readonly value: Json;
  readonly mistakes: readonly Mistake[];
}

/** Checks a value; `noun` names the whole of it in messages, such as `nat_exemption`. */
export function checkSchema(validator: Validator, value: Json, noun: string): Checked {
  const copy = structuredClone(value) as Json;
  const mistakes = validator(copy) ? [] : mistakesOf(validator.errors ?? [], noun);
  return { value: copy, mistakes };
}

/** One mistake for each place and cause: a rule in its own words instead of its parts, no echo of what a misspelt key explains. */
function mistakesOf(errors: readonly ErrorObject[], noun: string): readonly Mistake[] {
  const found = new Map<string, Mistake>();
  const meant = new Set(
    errors.flatMap(({ keyword, params, parentSchema }) =>
      keyword === "additionalProperties" ? guesses(params, parentSchema) : [],
    ),
  );
  for (const error of errors) {
    if (error.propertyName !== undefined || isToldByOther(error, errors)) continue;
    if (meant.size > 0 && (isRule(error) || (error.keyword === "required" && meant.has(String(error.params["missingProperty"])))))
      continue;
    const mistake = mistakeOf(error, noun);
    const key = JSON.stringify([mistake.path, isRule(error) ? "rule" : mistake.structural ? mistake.message : ""]);
    if (!found.has(key)) found.set(key, mistake);
  }
  return [...found.values()];
}

function guesses(params: ErrorObject["params"], parent: ErrorObject["parentSchema"]): readonly string[] {
  const guess = nearest(String(params["additionalProperty"]), Object.keys((parent?.["properties"] ?? {}) as object));
  return guess === undefined ? [] : [guess];
}

const CHOICES = ["oneOf", "anyOf", "not", "if"];

/** A choice says what is wrong in its own words, and its branches are silent, unless one of them looked into the value's parts. */
function isToldByOther(error: ErrorObject, errors: readonly ErrorObject[]): boolean {
  if (isChoice(error) && !errors.some((rule) => isRule(rule) && isChoice(rule) && isBranchOf(error, rule)))
    return errors.some(
      (other) => isBranchOf(other, error) && other.instancePath.length > error.instancePath.length && !isRule(error),
    );
  return errors.some(
    (choice) =>
      isChoice(choice) &&
      isBranchOf(error, choice) &&
      (isRule(choice) || error.instancePath.length <= choice.instancePath.length),
  );
}

function isChoice({ keyword }: ErrorObject): boolean {
  return CHOICES.includes(keyword);
}

function isBranchOf(error: ErrorObject, choice: ErrorObject): boolean {
  const stem = choice.schemaPath.slice(0, choice.schemaPath.lastIndexOf("/") + 1);
  return error !== choice && error.schemaPath.startsWith(stem) && error.schemaPath.length > choice.schemaPath.length;
}

/** Rules between properties stand under `allOf` and have their own words. */
function isRule({ schemaPath }: ErrorObject): boolean {
  return schemaPath.startsWith("#/allOf/");
}

function mistakeOf(error: ErrorObject, noun: string): Mistake {
  const path = pathOf(error.instancePath);
  const subject = path.length === 0 ? noun : nameOf(path);
  const own = error.parentSchema?.["errorMessage"];
  const at = { path, on: "value" as const, structural: false };
  if (typeof own === "string" && error.keyword !== "additionalProperties" && error.keyword !== "required")
    return isRule(error)
      ? { ...at, on: "key", message: own }
      : { ...at, message: `${own}${notThis(error)}${choiceGuess(error)}` };
  const { params } = error;
  switch (error.keyword) {
    case "additionalProperties":
      return unknownKey(error, path);
    case "required":
      return { ...at, on: "key", structural: true, message: `${subject} needs "${String(params["missingProperty"])}"` };
    case "propertyNames":
      return keyMistake(error, path);
    case "enum":
      return { ...at, message: enumMessage(subject, error) };
    case "const":
      return { ...at, message: `${subject} is ${JSON.stringify(params["allowedValue"])}${notThis(error)}` };
    case "type":
      return { ...at, ...typeMistake(subject, error) };
    case "pattern":
      return { ...at, message: String(error.parentSchema?.["patternErrorMessage"] ?? `${subject} is malformed`) };
    case "format":
      return { ...at, message: `${JSON.stringify(error.data)} is not ${formatNames[String(params["format"])] ?? "valid"}` };
    case "minimum":
    case "maximum":
      return { ...at, message: `${subject} is ${rangeText(error.parentSchema ?? {})}${notThis(error)}` };
    case "uniqueItems":
      return { ...at, path: [...path, Number(params["i"])], message: `${subject} lists this twice` };
    case "minItems":
    case "minProperties":
    case "minLength":
      return { ...at, on: "key", message: `${subject} is empty` };
    case "maxLength":
      return { ...at, message: `${subject} is longer than ${String(params["limit"])} characters` };
    default:
      return { ...at, message: `${subject} is not valid (${error.keyword})` };
  }
}

const formatNames: Readonly<Record<string, string>> = { cidr: "an address or network", address: "an address" };

function choiceGuess({ data, parentSchema }: ErrorObject): string {
  const branches = (parentSchema?.["oneOf"] ?? []) as readonly { readonly enum?: readonly unknown[]; readonly const?: unknown }[];
  const words = branches.flatMap((branch) => branch.enum ?? [branch.const]).filter((word) => typeof word === "string");
  return typeof data === "string" ? didYouMean(data, words) : "";
}

function unknownKey(error: ErrorObject, path: Path): Mistake {
  const key = String(error.params["additionalProperty"]);
  const known = Object.keys((error.parentSchema?.["properties"] ?? {}) as object);
  const guess = didYouMean(key, known);
  const help = guess === "" && known.length > 0 ? { help: `known here: ${known.join(", ")}` } : {};
  return { path: [...path, key], on: "key", structural: true, message: `unknown key "${key}"${guess}`, ...help };
}

function keyMistake(error: ErrorObject, path: Path): Mistake {
  const key = String(error.params["propertyName"]);
  const words = (error.schema as Schema)["patternErrorMessage"] ?? "it is malformed";
  return { path: [...path, key], on: "key", structural: true, message: `"${key}" cannot be a key here: ${String(words)}` };
}

function enumMessage(subject: string, error: ErrorObject): string {
  const allowed = (error.params["allowedValues"] as readonly unknown[]).map(String);
  const guess = typeof error.data === "string" ? didYouMean(error.data, allowed) : "";
  return `${subject} is ${either(allowed)}${notThis(error)}${guess}`;
}

function typeMistake(subject: string, error: ErrorObject): Pick<Mistake, "message"> & Partial<Mistake> {
  const types = [error.params["type"]].flat().map(String);
  const message = `${subject} is ${either(types.map((type) => typeNames[type] ?? type))}${notThis(error)}`;
  if (types.includes("boolean") && typeof error.data === "string") {
    const meant = { yes: "true", on: "true", y: "true", no: "false", off: "false", n: "false" }[error.data.toLowerCase()];
    if (meant !== undefined) return { message, help: `${error.data} is text in YAML 1.2: write ${meant}` };
  }
  if (types.includes("string") && typeof error.data === "number") return { message, help: "put it in quotes" };
  return { message };
}

const typeNames: Readonly<Record<string, string>> = {
  boolean: "true or false",
  integer: "a whole number",
  number: "a number",
  string: "text",
  array: "a list",
  object: "a map of keys and values",
  null: "nothing",
};

function rangeText({ minimum, maximum }: { readonly [key: string]: unknown }): string {
  if (maximum === undefined) return `a number from ${String(minimum)}`;
  return minimum === undefined ? `a number up to ${String(maximum)}` : `a number from ${String(minimum)} to ${String(maximum)}`;
}

function notThis({ data }: ErrorObject): string {
  if (data === null) return ", not empty";
  if (Array.isArray(data)) return ", not a list";
  if (typeof data === "object") return ", not a map";
  return `, not ${typeof data === "string" ? JSON.stringify(data) : String(data)}`;
}

function either(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** `conns` for `conns`, and `conns[1]` for an item of it. */
function nameOf(path: Path): string {
  const last = path.at(-1);
  return typeof last === "number" ? `${nameOf(path.slice(0, -1))}[${last}]` : String(last ?? "it");
}

function pathOf(pointer: string): Path {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((step) => (/^(0|[1-9][0-9]*)$/.test(step) ? Number(step) : step));
}
