import type { Version } from "./version.ts";
import { findKey, type Grammar, grammarOf, type KnownKey } from "./vocabulary.ts";

export type TokenKind =
  | "version"
  | "config"
  | "setup"
  | "conn"
  | "include"
  | "equal"
  | "indent"
  | "line-end"
  | "string"
  | "integer"
  | "boolean"
  | "key"
  | "remark"
  | "end";

/** One word of a configuration, and where it stands. */
export interface Token {
  readonly kind: TokenKind;
  /** The value without its quotes or braces; for a key the word as written. */
  readonly text: string;
  readonly key?: KnownKey;
  readonly file: string;
  readonly line: number;
}

/** A file that is being read. `patched` says that Libreswan supplies the newline that its end may lack. */
interface Source {
  readonly path: string;
  readonly text: string;
  readonly following: readonly string[];
  position: number;
  line: number;
  patched: boolean;
}

export interface Scanner {
  readonly next: () => Token;
  /** Continues with these files, in this order, and then where the scanner is now; false when nested too deep. */
  readonly include: (paths: readonly string[]) => boolean;
  readonly place: () => { readonly file: string; readonly line: number };
}

type State = "start" | "key" | "value" | "bool-key" | "bool-value" | "remark-key" | "remark-value";

/** An action gives a token kind, or nothing for text that is skipped, and may change the state. */
interface Rule {
  readonly pattern: RegExp;
  readonly atLineStart?: boolean;
  readonly kind?: TokenKind | "word";
  readonly state?: State;
  readonly value?: (text: string) => string;
}

const MAX_DEPTH = 10;

/**
 * Reads a configuration as Libreswan's own scanner does, odd cases included: of the rules of a state the longest match wins,
 * then the first; what no rule matches is dropped. An included file interrupts the including one between two lines.
 */
export function scanner(
  main: { readonly path: string; readonly text: string },
  read: (path: string) => string | undefined,
  version: Version,
): Scanner {
  const grammar = grammarOf(version);
  const rules = rulesOf(grammar);
  const stack: Source[] = [open(main.path, main.text, [], true)];
  let state: State = "start";

  const top = (): Source => stack.at(-1) ?? open(main.path, "", [], false);

  const include = (paths: readonly string[]): boolean => {
    if (stack.length >= MAX_DEPTH) return false;
    const [first, ...following] = paths;
    const text = first === undefined ? undefined : read(first);
    // From 5.3 on the first file of an include gets no newline when it lacks one.
    if (first !== undefined && text !== undefined)
      stack.push(open(first, text, following, grammar !== "5.3" && grammar !== "5.4"));
    return true;
  };

  const endOfSource = (source: Source): Token | undefined => {
    if (source.patched) {
      source.patched = false;
      return { kind: "line-end", text: "", file: source.path, line: source.line };
    }
    const [first, ...following] = source.following;
    const text = first === undefined ? undefined : read(first);
    if (stack.length === 1) return { kind: "end", text: "", file: source.path, line: source.line };
    stack.pop();
    if (first !== undefined && text !== undefined) stack.push(open(first, text, following, true));
    return undefined;
  };

  const next = (): Token => {
    for (;;) {
      const source = top();
      if (source.position >= source.text.length) {
        const token = endOfSource(source);
        if (token !== undefined) return token;
        continue;
      }
      const { rule, text } = longest(rules[state], source);
      source.position += text.length;
      const line = source.line;
      if (text.endsWith("\n")) source.line += 1;
      if (rule?.state !== undefined) state = rule.state;
      if (rule?.kind === undefined) continue;
      const place = { file: source.path, line };
      if (rule.kind !== "word") return { kind: rule.kind, text: rule.value?.(text) ?? text, ...place };
      const word = readWord(text, grammar, version);
      state = word.state;
      return { ...word.token, ...place };
    }
  };

  return { next, include, place: () => ({ file: top().path, line: top().line }) };
}

function open(path: string, text: string, following: readonly string[], patched: boolean): Source {
  return { path, text, following, position: 0, line: 1, patched };
}

function longest(rules: readonly Rule[], source: Source): { readonly rule: Rule | undefined; readonly text: string } {
  const atLineStart = source.position === 0 || source.text[source.position - 1] === "\n";
  let best: Rule | undefined;
  let text = "";
  for (const rule of rules) {
    if (rule.atLineStart === true && !atLineStart) continue;
    rule.pattern.lastIndex = source.position;
    const found = rule.pattern.exec(source.text)?.[0] ?? "";
    if (found.length > text.length) [best, text] = [rule, found];
  }
  return best === undefined ? { rule: undefined, text: source.text[source.position] ?? "" } : { rule: best, text };
}

/** What a word outside of a value is: up to 4.x the kind of the key decides how its value is scanned. */
function readWord(
  text: string,
  grammar: Grammar,
  version: Version,
): { readonly token: Pick<Token, "kind" | "text" | "key">; readonly state: State } {
  if (grammar !== "3" && grammar !== "4") return { token: { kind: "key", text }, state: "key" };
  const key = findKey(text, undefined, version);
  const after: State = grammar === "3" ? "start" : "key";
  if (key?.definition.kind === "bool") {
    return { token: { kind: "key", text, key }, state: grammar === "3" ? "bool-value" : "bool-key" };
  }
  if (key !== undefined) return { token: { kind: "key", text, key }, state: after };
  if (/^x[-_]/i.test(text)) return { token: { kind: "remark", text }, state: "remark-key" };
  return { token: { kind: "string", text }, state: after };
}

function rulesOf(grammar: Grammar): Readonly<Record<State, readonly Rule[]>> {
  if (grammar === "3") return rules3;
  if (grammar === "4") return rules4;
  return grammar === "5.0" ? { ...rules5, value: [forever5, ...rules5.value] } : rules5;
}

const inner = (text: string): string => text.slice(1, -1);
const none = (): string => "";

const lineStart: readonly Rule[] = [
  { pattern: /[\t ]*#[^\n]*\n/y, atLineStart: true },
  { pattern: /[\t ]*\n/y, atLineStart: true },
  { pattern: /[\t ]+/y, atLineStart: true, kind: "indent" },
  { pattern: /[\t ]+/y },
];
const integer: Rule = { pattern: /[0-9]+/y, kind: "integer", state: "start" };
const lineEnd: Rule = { pattern: /\n/y, kind: "line-end", value: none, state: "start" };
const blank: Rule = { pattern: /[\t ]/y };
const equal: Rule = { pattern: /=/y, kind: "equal", state: "value" };
const plainWord: Rule = { pattern: /[^"= \t\n]+/y, kind: "word" };
const comment: Rule = { pattern: /#[^\n]*/y };
const sectionWords: readonly Rule[] = [
  { pattern: /config/y, kind: "config" },
  { pattern: /setup/y, kind: "setup" },
  { pattern: /conn/y, kind: "conn", state: "value" },
];
const strings: readonly Rule[] = [
  { pattern: /"[^"\n]*"/y, kind: "string", value: inner, state: "start" },
  { pattern: /\{[^"\n]*\}/y, kind: "string", value: inner, state: "start" },
  { pattern: /[^" \t\n]+/y, kind: "string", state: "start" },
  { pattern: /[^{} \t\n]+/y, kind: "string", state: "start" },
];
const forever4: Rule = { pattern: /%forever/y, kind: "integer", value: () => "0", state: "start" };
const forever5: Rule = { pattern: /%forever/y, kind: "string", value: () => "0", state: "start" };
const booleans: readonly Rule[] = [
  { pattern: /y(?:es)?|true|on/y, kind: "boolean", value: () => "yes", state: "start" },
  { pattern: /no?|false|off/y, kind: "boolean", value: () => "no", state: "start" },
];
const restOfLine: Rule = { pattern: /[^\n]+/y, kind: "string", state: "start" };

const start4: readonly Rule[] = [
  ...lineStart,
  integer,
  lineEnd,
  equal,
  { pattern: /version/y, kind: "version" },
  ...sectionWords,
  { pattern: /include/y, kind: "include" },
  plainWord,
  comment,
];

/** In 3.x a value may be looked for across line ends, because no rule of that state matches one. */
const rules3: Readonly<Record<State, readonly Rule[]>> = {
  start: start4,
  key: [],
  value: [integer, forever4, ...strings],
  "bool-key": [],
  "bool-value": [{ pattern: /[\t ]+/y }, ...booleans, { pattern: /=/y, kind: "equal" }, lineEnd],
  "remark-key": [{ pattern: /=/y, kind: "equal", state: "remark-value" }],
  "remark-value": [restOfLine],
};

const rules4: Readonly<Record<State, readonly Rule[]>> = {
  start: start4,
  key: [blank, lineEnd, equal],
  value: [integer, forever4, blank, lineEnd, ...strings],
  "bool-key": [blank, lineEnd, { pattern: /=/y, kind: "equal", state: "bool-value" }],
  "bool-value": [{ pattern: /[\t ]+/y }, blank, lineEnd, ...booleans],
  "remark-key": [blank, lineEnd, { pattern: /=/y, kind: "equal", state: "remark-value" }],
  "remark-value": [restOfLine],
};

const rules5: Readonly<Record<State, readonly Rule[]>> = {
  start: [
    ...lineStart,
    lineEnd,
    equal,
    { pattern: /version/y, kind: "version", state: "value" },
    ...sectionWords,
    { pattern: /include/y, kind: "include", state: "value" },
    { pattern: /[Xx][_-][^"= \t\n]+/y, kind: "remark", state: "remark-key" },
    plainWord,
    comment,
  ],
  key: [blank, lineEnd, equal],
  value: [blank, lineEnd, ...strings],
  "bool-key": [],
  "bool-value": [],
  "remark-key": [blank, lineEnd, { pattern: /=/y, kind: "equal", state: "remark-value" }],
  "remark-value": [{ pattern: /\n/y, kind: "line-end", value: none, state: "start" }, restOfLine],
};
