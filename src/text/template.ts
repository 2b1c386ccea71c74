import minijinja from "minijinja-js";
import type { Json } from "../model/plan.ts";
import { namesIn } from "./braces.ts";
import { reserved, unguardedPaths } from "./expression.ts";
import { versionHolds } from "./version-test.ts";

/** What a template can see: variables by name, and functions such as `env()`. */
export interface Scope {
  readonly variable: (name: string) => Json | undefined;
  readonly names: () => readonly string[];
  /** A function that cannot answer returns a failure; it must not throw, which would end the template engine. */
  readonly call: (name: string, args: readonly unknown[]) => Json | { readonly failure: string };
  readonly functions: readonly string[];
}

/** Why a template has no value, and which part of its text is to blame. */
export interface TemplateFailure {
  readonly message: string;
  /** The words of the template that the message is about. */
  readonly culprit?: string;
  /** The name that has no value. */
  readonly undefinedName?: string;
}

export type Rendered = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly failure: TemplateFailure };

/** Renders a text. A text that is one template and nothing else keeps the type of its value. */
export function renderTemplate(text: string, scope: Scope): Rendered {
  const expression = soleExpression(text);
  if (expression !== undefined) return evaluateExpression(expression, scope);
  return attempt(text, scope, (environment, context) => environment.renderStr(text, context));
}

/** The value of an expression as it stands between braces; also of a `when`. */
export function evaluateExpression(expression: string, scope: Scope): Rendered {
  return attempt(expression, scope, (environment, context) => {
    const missing = unguardedName(expression, scope);
    if (missing !== undefined) throw new UndefinedValue(missing);
    const value: unknown = environment.evalExpr(expression, context);
    if (value !== undefined) return plain(value);
    if (environment.evalExpr(`(${expression}) is none`, context) === true) return null;
    throw new UndefinedValue();
  });
}

/** Its message is the name, or empty where the engine found out. */
class UndefinedValue extends Error {}

type Environment = InstanceType<typeof minijinja.Environment>;

interface Engine {
  readonly environment: Environment;
  /** Functions defined so far; they answer through `current`. */
  readonly functions: Set<string>;
}

/** Ends a runaway template after about a tenth of a second. */
const FUEL = 1_000_000;

let engine: Engine | undefined;
let current: { readonly scope: Scope; failure: string | undefined } | undefined;

function attempt(text: string, scope: Scope, run: (environment: Environment, context: Record<string, Json>) => Json): Rendered {
  const { environment } = prepare(scope);
  const context = contextFor(text, scope);
  const outer = current;
  const state: { readonly scope: Scope; failure: string | undefined } = { scope, failure: undefined };
  current = state;
  try {
    const value = run(environment, context);
    return state.failure === undefined ? { ok: true, value } : { ok: false, failure: { message: state.failure } };
  } catch (error) {
    if (state.failure !== undefined) return { ok: false, failure: { message: state.failure } };
    return { ok: false, failure: explain(text, error, scope, () => markedPart(environment, () => run(environment, context))) };
  } finally {
    current = outer;
  }
}

/** Only what the text may name: a scope is large and its variables are rendered when they are asked for. */
function contextFor(text: string, scope: Scope): Record<string, Json> {
  const context: Record<string, Json> = {};
  for (const name of namesIn(text)) {
    const value = scope.variable(name);
    if (value !== undefined) context[name] = value;
  }
  return context;
}

function prepare(scope: Scope): Engine {
  engine ??= newEngine();
  for (const name of scope.functions) {
    if (engine.functions.has(name)) continue;
    engine.functions.add(name);
    engine.environment.addGlobal(name, (...args: readonly unknown[]) => answer(name, args));
  }
  return engine;
}

function newEngine(): Engine {
  const environment = new minijinja.Environment();
  environment.undefinedBehavior = "strict";
  environment.keepTrailingNewline = true;
  environment.fuel = FUEL;
  environment.enablePyCompat();
  environment.addTest("version", (...args: readonly unknown[]) => {
    const verdict = versionHolds(args[0], args[1], args[2]);
    if (typeof verdict === "boolean") return verdict;
    if (current !== undefined) current.failure ??= verdict.failure;
    return false;
  });
  return { environment, functions: new Set() };
}

function answer(name: string, args: readonly unknown[]): Json {
  if (current === undefined) return "";
  const result = current.scope.call(name, args);
  if (typeof result !== "object" || result === null || !("failure" in result)) return result as Json;
  current.failure ??= String(result.failure);
  return "";
}

function explain(text: string, error: unknown, scope: Scope, marked: () => string | undefined): TemplateFailure {
  const raw = error instanceof Error ? error.message : String(error);
  const first = raw.split("\n", 1)[0] ?? "";
  if (error instanceof UndefinedValue && error.message !== "") return undefinedFailure(text, scope, error.message);
  if (error instanceof UndefinedValue || first.startsWith("undefined value")) return undefinedFailure(text, scope, marked());
  const message = first.replace(/ \(in <(?:string|expression)>:\d+\)$/, "").replace(/^(?:syntax error|invalid operation): /, "");
  const culprit = marked();
  return { message: `the template cannot be read: ${message}`, ...(culprit === undefined ? {} : { culprit }) };
}

/** The engine says that something is undefined but not what: the marked part, or the first name of the text without a value. */
function undefinedFailure(text: string, scope: Scope, marked: string | undefined): TemplateFailure {
  const part = marked === undefined || marked.startsWith(".") ? expressionsIn(text) : marked;
  const paths = [...part.matchAll(/(?<![\w.'"])[A-Za-z_]\w*(?:\.\w+)*/g)].map(([path]) => path);
  const unknown = (path: string): boolean => valueAt(path, scope) === undefined && !reserved.has(path);
  const culprit = paths.find((path) => unknown(path) && !scope.functions.includes(path)) ?? part.trim();
  return { message: `undefined variable "${culprit}"`, culprit, undefinedName: culprit };
}

/** What stands between the braces of a template; an expression by itself is all of it. */
function expressionsIn(text: string): string {
  const inside = [...text.matchAll(/\{[{%](.*?)[}%]\}/gs)].map(([, expression]) => expression ?? "");
  return inside.length === 0 ? text : inside.join("\n");
}

/** The same condition is asked on every host. */
const analysed = new Map<string, readonly string[]>();

/** The engine takes a comparison with an undefined value for false; here it is a mistake, unless the expression asks first. */
function unguardedName(expression: string, scope: Scope): string | undefined {
  const paths = analysed.get(expression) ?? unguardedPaths(expression);
  analysed.set(expression, paths);
  return paths.find((path) => !scope.functions.includes(path) && valueAt(path, scope) === undefined);
}

function valueAt(path: string, scope: Scope): Json | undefined {
  const [root = "", ...steps] = path.split(".");
  return steps.reduce<Json | undefined>(
    (value, step) =>
      typeof value === "object" && value !== null && !Array.isArray(value) ? (value as { [key: string]: Json })[step] : undefined,
    scope.variable(root),
  );
}

/**
 * The engine marks the failing part in a drawing of the template, in debug mode only. The rest of that drawing lists the values
 * of variables and must not be shown.
 */
function markedPart(environment: Environment, run: () => Json): string | undefined {
  environment.debug = true;
  try {
    run();
    return undefined;
  } catch (error) {
    const drawing = error instanceof Error ? error.message : "";
    const found = /^( *\d+ > )(.*)\n( *i )( *)(\^+)(?: .*)?$/m.exec(drawing);
    const [, , line = "", , blank = "", marks = ""] = found ?? [];
    return line.slice(blank.length, blank.length + marks.length).trim() || undefined;
  } finally {
    environment.debug = false;
  }
}

/** `{{ … }}` with nothing around it. */
function soleExpression(text: string): string | undefined {
  const found = /^\s*\{\{-?((?:(?!\{\{|\}\}|\{%|%\}).)*?)-?\}\}\s*$/s.exec(text);
  return found?.[1]?.trim() || undefined;
}

/** The engine's values as JSON: maps become objects, whole numbers plain ones. */
function plain(value: unknown): Json {
  if (value === undefined || value === null) return null;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, inner]) => [String(key), plain(inner)]));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : String(value);
}
