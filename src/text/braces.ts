import type { Json } from "../model/plan.ts";

/** Whether a text holds a template; asked before the template engine is loaded, which most playbooks never need. */
export function hasTemplate(text: string): boolean {
  return /\{[{%#]/.test(text);
}

/** The path of a template that is one variable and nothing else, such as `{{ conn }}` or `{{ site.lan_ip }}`. */
export function soleVariable(text: string): readonly string[] | undefined {
  const path = SOLE.exec(text)?.[1]?.split(".");
  return path === undefined || /^(?:true|false|none)$/i.test(path[0] ?? "") ? undefined : path;
}

/** Whether a text holds a template that only the template engine can render. */
export function needsEngine(text: string): boolean {
  return hasTemplate(text) && soleVariable(text) === undefined;
}

const SOLE = /^\s*\{\{\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*\}\}\s*$/;

/** Whether any text in a value is such a one. */
export function anyText(value: Json, test: (text: string) => boolean): boolean {
  if (typeof value === "string") return test(value);
  return typeof value === "object" && value !== null && Object.values(value).some((inner: Json) => anyText(inner, test));
}

/** Names that a template or expression may look up: identifiers outside of strings that follow no dot. A superset. */
export function namesIn(expression: string): ReadonlySet<string> {
  const bare = expression.replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/gs, "''");
  return new Set([...bare.matchAll(/(?<![\w.])(?:[A-Za-z_]\w*)/g)].map(([name]) => name));
}
