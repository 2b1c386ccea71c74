/** Whether a text holds a template; asked before the template engine is loaded, which most playbooks never need. */
export function hasTemplate(text: string): boolean {
  return /\{[{%#]/.test(text);
}

/** Names that a template or expression may look up: identifiers outside of strings that follow no dot. A superset. */
export function namesIn(expression: string): ReadonlySet<string> {
  const bare = expression.replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/gs, "''");
  return new Set([...bare.matchAll(/(?<![\w.])(?:[A-Za-z_]\w*)/g)].map(([name]) => name));
}
