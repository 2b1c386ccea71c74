import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  type ParsedNode,
  parseDocument,
  type ScalarTag,
  visit,
  type YAMLError,
} from "yaml";
import type { Json } from "../model/plan.ts";
import type { Problem, Result } from "../model/problem.ts";
import { type Place, placeIn } from "./place.ts";

/** Where in a document: keys and indexes from its root. */
export type Path = readonly (string | number)[];

/** `strict` is YAML 1.2 for playbooks; `ansible` reads what Ansible's YAML 1.1 reader reads, as it reads it. */
export type Dialect = "strict" | "ansible";

/** A YAML document with the places of its parts. */
export interface YamlText {
  readonly file: string;
  readonly text: string;
  readonly value: Json;
  /** Where the value at the path stands, or the nearest part around it that has a place. */
  readonly valueAt: (path: Path) => Place;
  /** Where the key of the path's last step stands. */
  readonly keyAt: (path: Path) => Place;
  /** The characters of a plain scalar as written (`0600`, `1e3`); undefined for anything else. */
  readonly sourceOf: (path: Path) => string | undefined;
}

/** Reads one YAML document. A file without content has the value null. */
export function parseYaml(file: string, text: string, dialect: Dialect): Result<YamlText> {
  const lines = new LineCounter();
  const place = (start: number, end: number): Place => placeIn({ file, text }, lines.linePos(start), end - start);
  try {
    const document = parseDocument(text, { ...options[dialect], lineCounter: lines });
    const problems = [...syntaxProblems(document, dialect, place), ...trapsIn(document, dialect, place)];
    if (problems.some(({ severity }) => severity === "error")) return { ok: false, problems };
    const value = (document.toJS({ maxAliasCount: 100 }) ?? null) as Json;
    return { ok: true, value: { file, text, value, ...placesOf(document, place) }, problems };
  } catch (error) {
    return { ok: false, problems: [{ severity: "error", message: refusal(error), ...place(0, 1) }] };
  }
}

/** Tags that Ansible writes: the text of a vaulted value stays what it is, and is refused where it is used. */
const ansibleTags: readonly ScalarTag[] = ["!vault", "!unsafe", "!vault-encrypted"].map((tag) => ({
  tag,
  resolve: (value: string) => value,
}));

/** Types of YAML 1.1 that have no JSON value; their scalars stay text. */
const notJson = new Set(["tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:binary", "tag:yaml.org,2002:set"]);

/** Plain scalars that Ansible's reader leaves text, although YAML 1.1 has a type for them: `y`, `n`, `08`, `1e3`. */
function asPythonReads(tag: ScalarTag): ScalarTag {
  const test = pythonTests.find(({ takes }) => tag.test?.test(takes));
  const resolve: ScalarTag["resolve"] = (text, onError, settings) => {
    const value = tag.resolve(text, onError, settings);
    // A password may be a long row of digits: what a number cannot hold exactly stays text.
    return tag.tag.endsWith(":int") && !Number.isSafeInteger(value) ? text : value;
  };
  return test === undefined ? tag : { ...tag, test: test.pattern, resolve };
}

const pythonTests = [
  { takes: "yes", pattern: /^(?:[Yy]es|YES|[Tt]rue|TRUE|[Oo]n|ON)$/ },
  { takes: "no", pattern: /^(?:[Nn]o|NO|[Ff]alse|FALSE|[Oo]ff|OFF)$/ },
  { takes: "19", pattern: /^[-+]?(?:0|[1-9][0-9_]*)$/ },
  { takes: "1.5e+3", pattern: /^[-+]?[0-9][0-9_]*\.[0-9_]*[eE][-+][0-9]+$/ },
];

const shared = { prettyErrors: false, logLevel: "error", strict: true, uniqueKeys: true } as const;

const options = {
  strict: { ...shared, version: "1.2" },
  ansible: {
    ...shared,
    version: "1.1",
    merge: true,
    customTags: (tags: readonly (string | { tag: string })[]) => [
      ...(tags as ScalarTag[])
        .filter(({ tag }) => !notJson.has(tag) && !tag.endsWith(":omap") && !tag.endsWith(":pairs"))
        .map(asPythonReads),
      ...ansibleTags,
    ],
  },
} as const;

type At = (start: number, end: number) => Place;

/** The first mistake alone, because those after it mostly follow from it; duplicate keys stand for themselves. */
function syntaxProblems(document: Document.Parsed, dialect: Dialect, place: At): readonly Problem[] {
  const first = document.errors.find(({ code }) => code !== "DUPLICATE_KEY");
  if (first !== undefined) return [syntaxProblem(first, document, place)];
  const tags = dialect === "strict" ? document.warnings.filter(({ code }) => code === "TAG_RESOLVE_FAILED") : [];
  return [
    ...repeatedKeys(document).map(
      (key): Problem => ({
        severity: dialect === "strict" ? "error" : "warning",
        message: dialect === "strict" ? "this key stands here twice" : "this key stands here twice: the last one counts",
        ...place(...rangeOf(key)),
      }),
    ),
    ...tags.map(
      (warning): Problem => ({
        severity: "error",
        message: "a playbook has no YAML tags",
        ...place(warning.pos[0], warning.pos[1]),
      }),
    ),
  ];
}

/** The parser's own error for these points behind the first one. */
function repeatedKeys(document: Document.Parsed): readonly Node[] {
  if (document.errors.length === 0) return [];
  const repeated: Node[] = [];
  visit(document, {
    Map: (_, map) => {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (seen.has(String(key.value))) repeated.push(key);
        seen.add(String(key.value));
      }
    },
  });
  return repeated;
}

function syntaxProblem(error: YAMLError, document: Document.Parsed, place: At): Problem {
  const open = error.message.startsWith("Missing closing") ? startOfQuote(document) : undefined;
  const at = place(...(open ?? error.pos));
  const braces = /^\s*(?:- )*(?:[^#"']*: )?(?=\{\{)/.exec(at.excerpt);
  if (braces !== null) {
    const column = [...braces[0]].length + 1;
    return templateNeedsQuotes({ ...at, at: { ...at.at, column, endColumn: column + 2 } });
  }
  return { severity: "error", message: messageOf(error, document), ...at };
}

function messageOf({ code, message }: YAMLError, document: Document.Parsed): string {
  if (message.startsWith("Missing closing")) return "this quote is not closed";
  if (message.startsWith("Flow ")) return "the bracket or brace before this line is not closed";
  if (message.startsWith("A block sequence may not")) return messages.BAD_INDENT ?? code;
  if (code === "BLOCK_AS_IMPLICIT_KEY" && document.errors.some((error) => error.code === "MULTILINE_IMPLICIT_KEY"))
    return "the next line is indented as if it belonged to this value";
  return messages[code] ?? `not YAML: ${lowerFirst(message)}`;
}

/** The parser sees that a quote is open at the end of the file; a reader wants to see where it began. */
function startOfQuote(document: Document.Parsed): [number, number] | undefined {
  const starts: number[] = [];
  visit(document, {
    Scalar: (_, node) => {
      if (node.type?.startsWith("QUOTE")) starts.push(rangeOf(node)[0]);
    },
  });
  const start = Math.max(...starts);
  return starts.length === 0 ? undefined : [start, start + 1];
}

const messages: Partial<Record<YAMLError["code"], string>> = {
  TAB_AS_INDENT: "a tab cannot indent YAML: use spaces",
  BAD_INDENT: "the indentation fits no line above",
  MULTIPLE_DOCS: "one file holds one document: take out the --- here",
  MISSING_CHAR: "not YAML here: a quote, bracket or comma is missing",
  BLOCK_AS_IMPLICIT_KEY: "a second `key:` on one line: quote the value, or put it on a line of its own",
  MULTILINE_IMPLICIT_KEY: "not YAML here: a `:` or a comma is missing on this line",
  UNEXPECTED_TOKEN: "not YAML here",
  BAD_SCALAR_START: "a plain value cannot start like this: quote it",
};

function templateNeedsQuotes(at: Place): Problem {
  return { severity: "error", message: 'a value that starts with {{ needs quotes: "{{ … }}"', ...at };
}

/** What YAML reads otherwise than most people do. */
function trapsIn(document: Document.Parsed, dialect: Dialect, place: At): readonly Problem[] {
  if (document.errors.some(({ code }) => code !== "DUPLICATE_KEY")) return [];
  const problems: Problem[] = [];
  visit(document, {
    Pair: (_, pair) => {
      const problem = keyTrap(pair as Pair<ParsedNode>, dialect, place);
      if (problem === undefined) return undefined;
      problems.push(problem);
      return visit.SKIP;
    },
    Alias: (_, node, path) => {
      const anchored = node.resolve(document);
      const message =
        anchored === undefined ? `no anchor &${node.source} before this alias` : "this alias stands inside of its own anchor";
      if (anchored === undefined || path.includes(anchored))
        problems.push({ severity: "error", message, ...place(...rangeOf(node)) });
    },
    Scalar: (key, node) => {
      if (key === "key" || dialect !== "strict" || node.type !== "PLAIN") return;
      if (typeof node.value === "number" && /^[-+]?0[0-9]/.test(node.source ?? ""))
        problems.push({
          severity: "warning",
          message: `${node.source} is the number ${node.value} in YAML: quote it if it is text`,
          ...place(...rangeOf(node)),
        });
    },
  });
  return problems;
}

function keyTrap({ key }: Pair<ParsedNode>, dialect: Dialect, place: At): Problem | undefined {
  const at = (): Place => place(...rangeOf(key));
  if (isCollection(key)) return templateNeedsQuotes(at());
  if (dialect === "strict" && isScalar(key) && key.value === "<<")
    return { severity: "error", message: "YAML 1.2 has no merge key (<<): write the keys out", ...at() };
  return undefined;
}

function rangeOf(node: Node | null | undefined): [number, number] {
  const [start, end] = node?.range ?? [0, 1];
  return [start, Math.max(start + 1, end)];
}

function placesOf(document: Document.Parsed, place: At): Pick<YamlText, "valueAt" | "keyAt" | "sourceOf"> {
  const find = (path: Path) => walk(document, path);
  const placeOf = (node: Node | undefined): Place => place(...rangeOf(node));
  return {
    valueAt: (path) => {
      const { value, key, nearest } = find(path);
      return placeOf(isEmpty(value) ? (key ?? nearest) : value);
    },
    keyAt: (path) => {
      const { key, value, nearest } = find(path);
      return placeOf(key ?? value ?? nearest);
    },
    sourceOf: (path) => {
      const { value } = find(path);
      return isScalar(value) && value.type === "PLAIN" ? value.source : undefined;
    },
  };
}

interface Found {
  readonly value: Node | undefined;
  readonly key: Node | undefined;
  /** The deepest node on the way; it stands for what a merge or an alias brought in. */
  readonly nearest: Node | undefined;
}

function walk(document: Document.Parsed, path: Path): Found {
  let value: Node | undefined = document.contents ?? undefined;
  let key: Node | undefined;
  let nearest = value;
  for (const step of path) {
    const inside: Node | undefined = isAlias(value) ? value.resolve(document) : value;
    key = undefined;
    if (isMap<Node, Node>(inside)) {
      const pair = inside.items.findLast((item) => isScalar(item.key) && String(item.key.value) === String(step));
      key = pair?.key;
      value = pair?.value ?? undefined;
    } else value = isSeq<Node>(inside) ? inside.items[Number(step)] : undefined;
    nearest = value ?? key ?? nearest;
  }
  return { value, key, nearest };
}

/** An empty value (`key:`) has a range of no characters; its key says better where it is. */
function isEmpty(node: Node | undefined): boolean {
  return node === undefined || (isScalar(node) && node.value === null && node.source === "");
}

function refusal(error: unknown): string {
  if (error instanceof RangeError) return "nested too deeply";
  const text = error instanceof Error ? error.message : String(error);
  return text.includes("alias")
    ? "too many aliases: they would unfold to more data than anybody wrote"
    : `not YAML: ${lowerFirst(text)}`;
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
