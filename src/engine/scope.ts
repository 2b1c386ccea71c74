import type { Json } from "../model/plan.ts";
import type { Problem } from "../model/problem.ts";
import type { Lookup } from "../model/project-texts.ts";
import { hasTemplate, type Piece, plainPieces } from "../text/braces.ts";
import { errorAt, narrowed, type Place } from "../text/place.ts";
import { hasBrokenToken, isSecretName, revealSecrets, type SecretBook, SHORTEST_SECRET, secretsIn } from "../text/secret.ts";
import { didYouMean } from "../text/suggest.ts";
import type { Rendered, Scope as TemplateScope } from "../text/template.ts";
import type { Path } from "../text/yaml.ts";
import type { Variable, Variables } from "./inventory.ts";

/** The template engine, loaded only when a text of the project has a template. */
export type Templates = typeof import("../text/template.ts");

/** What rendering for one host needs. */
export interface ScopeParts {
  readonly host: string;
  readonly variables: Variables;
  /** Names that the project itself defines: `inventory_hostname`, `groups`, `hostvars`. */
  readonly magic: (name: string) => Json | undefined;
  readonly templates: Templates | undefined;
  readonly lookup: Lookup;
  readonly secrets: SecretBook;
}

/** Everything that templates of one host see, rendered when it is asked for and kept. */
export interface HostScope {
  /** The value of a variable; undefined when there is none or it cannot be rendered. */
  readonly variable: (name: string) => Json | undefined;
  /** A value with every template in it rendered; problems point at the place that `placeOf` gives for a path. */
  readonly render: (
    value: Json,
    placeOf: (path: Path) => Place,
  ) => { readonly value: Json; readonly problems: readonly Problem[] };
  /** The value of an expression, with more names on top. */
  readonly evaluate: (expression: string, more: { readonly [name: string]: Json }) => Rendered;
  /** Why a name has no value although it is defined. */
  readonly whyNot: (name: string) => string | undefined;
}

const FUNCTIONS = ["env", "file", "command", "lookup"];

/** The scope of one host. */
export function newScope(parts: ScopeParts): HostScope {
  const engine = (): Templates => {
    if (parts.templates === undefined) throw new Error("a template needs the engine, and loading has not seen it");
    return parts.templates;
  };
  const known = new Map<string, Json | undefined>();
  const failures = new Map<string, string>();
  const open = new Set<string>();
  const variable = (name: string): Json | undefined => {
    if (known.has(name)) return known.get(name);
    if (open.has(name)) {
      failures.set(name, `the variable "${name}" is defined by itself`);
      return undefined;
    }
    open.add(name);
    const value = computed(name);
    open.delete(name);
    known.set(name, value);
    return value;
  };
  const computed = (name: string): Json | undefined => {
    const found = parts.variables.get(name);
    if (found === undefined) return parts.magic(name);
    const rendered = mapStrings(found.value, (text, path) => renderText(text, path));
    if (rendered.failure !== undefined) {
      failures.set(name, `${rendered.failure} (in the variable "${name}"${placeText(found, rendered.path)})`);
      return undefined;
    }
    const guarded = withSecrets(name, found, rendered.value, parts);
    if ("value" in guarded) return guarded.value;
    failures.set(name, guarded.failure);
    return undefined;
  };
  const scope = (more: { readonly [name: string]: Json }): TemplateScope => ({
    variable: (name) => (Object.hasOwn(more, name) ? more[name] : variable(name)),
    names: () => [...parts.variables.keys()],
    call: (name, args) => callFunction(name, args, parts),
    functions: FUNCTIONS,
  });
  const renderText = (text: string, _path: Path): TextOutcome => {
    if (text.startsWith("$ANSIBLE_VAULT;"))
      return { failure: "this value is encrypted with ansible-vault, which ipsec-fix does not open" };
    if (!hasTemplate(text)) return checked(text, parts.secrets);
    const pieces = plainPieces(text);
    const rendered = pieces === undefined ? engine().renderTemplate(text, scope({})) : joined(pieces, variable);
    return rendered.ok ? checked(rendered.value, parts.secrets) : explained(rendered, parts, failures);
  };
  return {
    variable,
    whyNot: (name) => failures.get(name),
    evaluate: (expression, more) => {
      const result = engine().evaluateExpression(expression, scope(more));
      return result.ok
        ? result
        : { ok: false, failure: { ...result.failure, message: explained(result, parts, failures).failure } };
    },
    render: (value, placeOf) => {
      const problems: Problem[] = [];
      const rendered = mapAll(value, [], (text, path) => {
        const outcome = renderText(text, path);
        if ("value" in outcome) return outcome.value;
        const place = placeOf(path);
        problems.push(errorAt(narrowed(place, outcome.culprit), outcome.failure));
        return text;
      });
      return { value: rendered, problems };
    },
  };
}

/** Plain variables need no engine, and most templates are such. One that stands alone, but for blanks, keeps its type. */
function joined(pieces: readonly Piece[], variable: (name: string) => Json | undefined): Rendered {
  const words = pieces.filter((piece) => typeof piece !== "string" || piece.trim() !== "");
  const [only] = words;
  if (words.length === 1 && typeof only === "object") return atPath(only, variable);
  let text = "";
  for (const piece of pieces) {
    if (typeof piece === "string") text += piece;
    else {
      const part = atPath(piece, variable);
      if (!part.ok) return part;
      if (typeof part.value === "object" && part.value !== null) {
        const name = piece.join(".");
        return { ok: false, failure: { message: `"${name}" is no text, and stands inside of one`, culprit: name } };
      }
      text += part.value === null ? "none" : String(part.value);
    }
  }
  return { ok: true, value: text };
}

function atPath(path: readonly string[], variable: (name: string) => Json | undefined): Rendered {
  const [root = "", ...steps] = path;
  const inside = (value: Json | undefined, step: string): Json | undefined =>
    typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, step)
      ? (value as { [key: string]: Json })[step]
      : undefined;
  const value = steps.reduce(inside, variable(root));
  const name = path.join(".");
  if (value !== undefined) return { ok: true, value };
  return { ok: false, failure: { message: `undefined variable "${name}"`, culprit: name, undefinedName: name } };
}

type TextOutcome = { readonly value: Json } | { readonly failure: string; readonly culprit?: string };

function explained(
  rendered: Extract<Rendered, { ok: false }>,
  { variables }: ScopeParts,
  failures: ReadonlyMap<string, string>,
): { readonly failure: string; readonly culprit?: string } {
  const { message, culprit, undefinedName } = rendered.failure;
  const root = undefinedName?.split(/[.[]/, 1)[0] ?? "";
  const why = failures.get(root);
  const at = culprit === undefined ? {} : { culprit };
  if (undefinedName === undefined) return { failure: message, ...at };
  if (why !== undefined) return { failure: why, ...at };
  if (root === "facts") return { failure: "facts are known on the host only: use them in when", ...at };
  if (root === "hostvars" || variables.has(root)) return { failure: message, ...at };
  return { failure: `${message}${didYouMean(root, [...variables.keys()])}`, ...at };
}

/** A text whose token a filter has cut or changed would carry a useless or, worse, a readable secret. */
function checked(value: Json, secrets: SecretBook): TextOutcome {
  const broken = mapStrings(value, (text) =>
    hasBrokenToken(text, secrets)
      ? { failure: "a filter cannot work on a secret: hand the secret over as it is" }
      : { value: text },
  );
  return broken.failure === undefined ? { value } : { failure: broken.failure };
}

/** What a lookup finds is secret. */
function callFunction(
  name: string,
  args: readonly unknown[],
  { lookup, secrets }: ScopeParts,
): Json | { readonly failure: string } {
  const ansible: Readonly<Record<string, string>> = { env: "env", file: "file", pipe: "command" };
  const kind = name === "lookup" ? ansible[String(args[0])] : name;
  const argument = name === "lookup" ? args[1] : args[0];
  if (kind !== "env" && kind !== "file" && kind !== "command")
    return { failure: `lookup() knows env, file and pipe, not "${String(args[0])}"` };
  if (typeof argument !== "string" || argument === "") return { failure: `${kind}() needs a text` };
  const found = lookup(kind, argument);
  if ("failure" in found) return found;
  if (found.secret.length < SHORTEST_SECRET)
    return { failure: `${kind}("${argument}") is shorter than ${SHORTEST_SECRET} characters, too short to be kept secret` };
  return secrets.keep(`${kind}:${argument}`, found.secret);
}

/** Values that are secret by their variable's name, or by a name inside of it, become tokens. */
function withSecrets(
  name: string,
  variable: Variable,
  value: Json,
  parts: ScopeParts,
): { readonly value: Json } | { readonly failure: string } {
  const short: string[] = [];
  const owner = JSON.stringify(variable.value) === JSON.stringify(value) ? variable.origin : parts.host;
  const guard = (inner: Json, path: readonly string[], secret: boolean): Json => {
    if (typeof inner === "string" || (typeof inner === "number" && secret)) {
      const text = String(inner);
      if (!secret || isOneToken(text)) return inner;
      const plain = revealSecrets(text, parts.secrets);
      if (plain.length < SHORTEST_SECRET) {
        short.push(path.join("."));
        return inner;
      }
      return parts.secrets.keep(`${owner === "" ? "" : `${owner}:`}${path.join(".")}`, plain);
    }
    if (Array.isArray(inner)) return inner.map((item: Json, index) => guard(item, [...path, String(index)], secret));
    if (typeof inner !== "object" || inner === null) return inner;
    return Object.fromEntries(
      Object.entries(inner).map(([key, item]) => [key, guard(item, [...path, key], secret || isSecretName(key))]),
    );
  };
  const guarded = guard(value, [name], isSecretName(name));
  return short.length === 0
    ? { value: guarded }
    : { failure: `the secret variable "${short[0]}" is shorter than ${SHORTEST_SECRET} characters, too short to be kept secret` };
}

function isOneToken(text: string): boolean {
  return secretsIn(text).length === 1 && /^\uE000[^\uE000\uE001]*\uE001$/.test(text);
}

function placeText(variable: Variable, path: Path): string {
  if (variable.place === undefined) return "";
  const { at } = variable.place(path);
  return `, ${at.file}:${at.line}:${at.column}`;
}

interface Mapped {
  readonly value: Json;
  readonly failure?: string;
  readonly path: Path;
}

/** The value with every string replaced, or the first failure with its path. */
function mapStrings(value: Json, replace: (text: string, path: Path) => TextOutcome): Mapped {
  const failed: { readonly failure: string; readonly path: Path }[] = [];
  const mapped = mapAll(value, [], (text, path) => {
    const outcome = failed.length === 0 ? replace(text, path) : { value: text };
    if ("value" in outcome) return outcome.value;
    failed.push({ failure: outcome.failure, path });
    return text;
  });
  return { value: mapped, path: [], ...failed[0] };
}

function mapAll(value: Json, path: Path, replace: (text: string, path: Path) => Json): Json {
  if (typeof value === "string") return replace(value, path);
  if (Array.isArray(value)) return value.map((item: Json, index) => mapAll(item, [...path, index], replace));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapAll(inner, [...path, key], replace)]));
}
