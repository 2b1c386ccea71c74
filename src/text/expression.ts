/** Words of the expression language that name no variable. */
export const reserved: ReadonlySet<string> = new Set(
  "and or not is in if else true false none True False None default d range namespace dict debug".split(" "),
);

/** Paths that an expression uses without asking whether they are defined, in their order. */
export function unguardedPaths(expression: string): readonly string[] {
  const bare = expression.replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/gs, "''");
  const asked = /([A-Za-z_][\w.]*)\s*(?:\|\s*(?:default|d)\b|\bis\s+(?:not\s+)?(?:defined|undefined)\b)/g;
  const guards = [...bare.matchAll(asked)].map(([, path = ""]) => path);
  const plain = bare
    .replaceAll(/\|\s*\w+/g, " ")
    .replaceAll(/\bis\s+(?:not\s+)?\w+/g, ", ")
    .replaceAll(/\b\w+\s*=(?!=)/g, " ");
  const paths = [...plain.matchAll(/(?<![\w.\])'])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?!\w|\.)/g)].map((found) =>
    withoutCall(found[0], plain, found.index),
  );
  return paths.filter(
    (path) => path !== "" && !reserved.has(path) && !guards.some((guard) => path === guard || path.startsWith(`${guard}.`)),
  );
}

/** `name.split(".")`: the path is what the method is called on; of a function nothing is left. */
function withoutCall(path: string, text: string, at: number): string {
  const isCall = /^\s*\(/.test(text.slice(at + path.length));
  return isCall ? path.split(".").slice(0, -1).join(".") : path;
}
