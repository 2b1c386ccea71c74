import type { Json } from "../model/plan.ts";

/** Whether a text holds a template; asked before the template engine is loaded, which most playbooks never need. */
export function hasTemplate(text: string): boolean {
  return /\{[{%#]/.test(text);
}

/** A piece of a text: words as they are, or the path of a variable such as `site.lan_ip`. */
export type Piece = string | readonly string[];

/** The pieces of a text whose templates are all plain variables; undefined where one is more than that. */
export function plainPieces(text: string): readonly Piece[] | undefined {
  const pieces: Piece[] = [];
  let at = 0;
  for (const found of text.matchAll(VARIABLE)) {
    const path = (found[1] ?? "").split(".");
    if (/^(?:true|false|none)$/i.test(path[0] ?? "")) return undefined;
    pieces.push(text.slice(at, found.index), path);
    at = found.index + found[0].length;
  }
  pieces.push(text.slice(at));
  return pieces.some((piece) => typeof piece === "string" && hasTemplate(piece))
    ? undefined
    : pieces.filter((piece) => piece !== "");
}

/** Whether a text holds a template that only the template engine can render. */
export function needsEngine(text: string): boolean {
  return hasTemplate(text) && plainPieces(text) === undefined;
}

const VARIABLE = /\{\{\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*\}\}/g;

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
