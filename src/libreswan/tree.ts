import { remembered } from "../text/remembered.ts";

/** A configuration as files: the main file and every file that its includes may reach. */
export interface ConfTree {
  readonly main: string;
  /** Content by absolute path. */
  readonly files: ReadonlyMap<string, string>;
  /** Where relative includes start: `/`, the working directory of the service, unless said otherwise. */
  readonly directory?: string;
}

/** The main file where Libreswan looks for it. */
export const MAIN_FILE = "/etc/ipsec.conf";

/**
 * The known files that an include names, in the order in which Libreswan reads them: byte order. Braces are alternatives up to
 * 4.x, and plain characters later.
 */
export function includedFiles(pattern: string, tree: ConfTree, braces: boolean): readonly string[] {
  const alternatives = braces ? expandBraces(pattern) : [pattern];
  return alternatives.flatMap((alternative) => {
    const path = absolutePath(alternative, tree.directory);
    if (!isPattern(path)) return tree.files.has(path) ? [path] : [];
    const expression = globExpression(path);
    return [...tree.files.keys()].filter((candidate) => expression.test(candidate)).sort(byBytes);
  });
}

/** The absolute patterns that an include stands for. */
export function includePatterns(pattern: string, directory?: string): readonly string[] {
  return [pattern, ...expandBraces(pattern)].map((alternative) => absolutePath(alternative, directory));
}

export function isPattern(path: string): boolean {
  return /[*?[\\]/.test(path);
}

/** Whether a path fits an absolute pattern. */
export function fits(path: string, pattern: string): boolean {
  return globExpression(pattern).test(path);
}

/** Whether a file of this path would be read by an include of this pattern. */
export function covers(pattern: string, path: string, braces: boolean): boolean {
  return includedFiles(pattern, { main: path, files: new Map([[path, ""]]) }, braces).length > 0;
}

/** The order of the C locale: by the bytes of the UTF-8 text. */
export function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

function absolutePath(path: string, directory = "/"): string {
  const absolute = path.startsWith("/") ? path : `${directory}/${path}`;
  return absolute.replace(/\/(\.?\/)+/g, "/");
}

/** A shell pattern as glob(3) reads it: no wildcard matches a slash or a leading dot. */
const globExpression = remembered(256, (pattern): RegExp => {
  let source = "";
  let index = 0;
  while (index < pattern.length) {
    const character = pattern[index] ?? "";
    const atStart = index > 0 && pattern[index - 1] === "/";
    const guard = atStart ? "(?!\\.)" : "";
    const bracket = /^\[([!^]?)(\]?[^\]/]*)\]/.exec(pattern.slice(index));
    if (character === "*") source += `${guard}[^/]*`;
    else if (character === "?") source += `${guard}[^/]`;
    else if (character === "\\" && index + 1 < pattern.length) {
      index += 1;
      source += literal(pattern[index] ?? "");
    } else if (bracket !== null) {
      source += `${guard}${bracketExpression(bracket[1] !== "", bracket[2] ?? "")}`;
      index += bracket[0].length - 1;
    } else source += literal(character);
    index += 1;
  }
  return new RegExp(`^${source}$`, "s");
});

function bracketExpression(negated: boolean, body: string): string {
  const members = body.replace(/[\\\]^]/g, "\\$&");
  // A range that runs backwards matches nothing in glob(3), and would not compile here.
  const backwards = [...body.matchAll(/(.)-(.)/gs)].some(([, from = "", to = ""]) => from > to);
  return backwards ? "(?!)" : `(?!/)[${negated ? "^" : ""}${members}]`;
}

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
}

/** `a{b,c}d` as `abd` and `acd`, innermost last; braces that do not close stay as they are. */
function expandBraces(pattern: string): readonly string[] {
  const found = /^(.*?)\{([^{}]*)\}(.*)$/s.exec(pattern);
  if (found === null) return [pattern];
  const [, before = "", body = "", after = ""] = found;
  return body.split(",").flatMap((choice) => expandBraces(`${before}${choice}${after}`));
}
