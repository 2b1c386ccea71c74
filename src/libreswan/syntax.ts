import { type Assignment, type KeyLine, readLine } from "./assignment.ts";
import { scanner, type Token } from "./scanner.ts";
import { type ConfTree, includedFiles } from "./tree.ts";
import type { Version } from "./version.ts";
import { findKey, grammarOf, type SectionKind } from "./vocabulary.ts";

export interface ConfProblem {
  readonly file: string;
  /** 1-based; 0 where a problem has no line. */
  readonly line: number;
  readonly severity: "error" | "warning";
  readonly message: string;
}

export interface SectionRead {
  readonly kind: SectionKind;
  /** The conn's name; `setup` for config setup. */
  readonly name: string;
  /** With the CR of a CR LF line end, which Libreswan takes for a part of the name. */
  readonly nameAsRead: string;
  readonly file: string;
  readonly line: number;
  readonly assignments: readonly Assignment[];
  /** From 5.0 on: repetitions of a key within the conn, which have no effect. */
  readonly ignored: readonly Assignment[];
}

export interface IncludeRead {
  readonly file: string;
  readonly line: number;
  readonly pattern: string;
  /** The files that it reached. */
  readonly files: readonly string[];
}

/** A configuration as Libreswan's parser leaves it. */
export interface Syntax {
  /** Exit status of the configuration check, as far as reading decides it. */
  readonly exit: 0 | 1 | 3;
  readonly problems: readonly ConfProblem[];
  readonly sections: readonly SectionRead[];
  readonly includes: readonly IncludeRead[];
}

interface OpenSection extends SectionRead {
  readonly assignments: Assignment[];
  readonly ignored: Assignment[];
  /** Up to 4.x only the first `config setup` that holds a key counts. */
  readonly isDiscarded: boolean;
}

/** Reads the main file and everything that it includes, as this version does. */
export function readSyntax(tree: ConfTree, version: Version): Syntax {
  const grammar = grammarOf(version);
  const problems: ConfProblem[] = [];
  const sections: OpenSection[] = [];
  const includes: IncludeRead[] = [];
  const text = tree.files.get(tree.main);
  if (text === undefined) {
    return {
      exit: 3,
      problems: [{ file: tree.main, line: 0, severity: "error", message: "the file does not exist" }],
      sections,
      includes,
    };
  }
  const source = scanner({ path: tree.main, text }, (path) => tree.files.get(path), version);
  let ahead: Token | undefined;
  let exit = 0 as Syntax["exit"];
  let misplaced: ConfProblem | undefined;

  const peek = (): Token => {
    ahead ??= source.next();
    return ahead;
  };
  const advance = (): Token => {
    const token = peek();
    ahead = undefined;
    return token;
  };
  const warn = (at: Token, message: string): void => {
    problems.push({ file: at.file, line: at.line, severity: "warning", message });
  };
  const fail = (at: Token, status: 1 | 3, message: string): false => {
    problems.push({ file: at.file, line: at.line, severity: "error", message });
    exit = status;
    return false;
  };
  const syntaxError = (at: Token): false => {
    // 5.0 to 5.2 look every word up while scanning, so an unknown one ends the reading before its place in the line matters.
    if (grammar === "5.0" && at.kind === "key" && findKey(at.text, undefined, version) === undefined) {
      return fail(at, 1, `unrecognized keyword '${at.text}'`);
    }
    return fail(
      at,
      3,
      at.kind === "line-end" || at.kind === "end"
        ? "syntax error: something is missing at the end of the line"
        : `syntax error at '${at.text}'`,
    );
  };
  const skipLineEnds = (): void => {
    while (peek().kind === "line-end") advance();
  };
  const expect = (...kinds: readonly Token["kind"][]): Token | undefined => {
    if (kinds.includes(peek().kind)) return advance();
    syntaxError(peek());
    return undefined;
  };

  const readVersion = (): boolean => {
    if (peek().kind !== "version") return true;
    advance();
    if (expect("string", "integer") === undefined || expect("line-end") === undefined) return false;
    skipLineEnds();
    return true;
  };

  const readInclude = (): boolean => {
    const word = advance();
    const path = expect("string");
    if (path === undefined || expect("line-end") === undefined) return false;
    const files = includedFiles(path.text, tree, grammar === "3" || grammar === "4");
    includes.push({ file: word.file, line: word.line, pattern: path.text, files });
    if (!path.text.startsWith("/"))
      warn(
        word,
        `include '${path.text}' is relative to the directory that Libreswan runs in, not to this file; write an absolute path`,
      );
    if (files.length === 0 && !path.text.includes("*")) warn(word, `could not open include filename: '${path.text}'`);
    if (files.length > 0 && !source.include(files)) warn(word, `including '${path.text}' exceeds the depth limit of 10`);
    return true;
  };

  const readSection = (): boolean => {
    const word = advance();
    if (word.kind === "config" && expect("setup") === undefined) return false;
    const name = word.kind === "conn" ? expect("string") : word;
    if (name === undefined || expect("line-end") === undefined) return false;
    const kind = word.kind === "conn" ? "conn" : "setup";
    const early = grammar === "3" || grammar === "4";
    const isDiscarded =
      early && kind === "setup" && sections.some((other) => other.kind === "setup" && other.assignments.length > 0);
    if (isDiscarded) warn(word, "a second 'config setup' section is ignored");
    const section: OpenSection = {
      kind,
      name: kind === "conn" ? name.text.replace(/\r$/, "") : "setup",
      nameAsRead: kind === "conn" ? name.text : "setup",
      file: word.file,
      line: word.line,
      assignments: [],
      ignored: [],
      isDiscarded,
    };
    sections.push(section);
    return readLines(section);
  };

  const readLines = (section: OpenSection): boolean => {
    while (peek().kind === "indent") {
      advance();
      if (peek().kind === "line-end") {
        advance();
        continue;
      }
      if (!readStatement(section) || expect("line-end") === undefined) return false;
    }
    return true;
  };

  const readStatement = (section: OpenSection): boolean => {
    const word = expect("key", "remark");
    if (word === undefined) return false;
    if (word.kind === "remark") return readRemark(word);
    const unknownBeforeValue = grammar === "5.0" && findKey(word.text, undefined, version) === undefined;
    if (unknownBeforeValue) return fail(word, 1, `unrecognized keyword '${word.text}'`);
    if (expect("equal") === undefined) return false;
    const value = peek().kind === "line-end" ? undefined : expect("string", "integer", "boolean");
    if (value === undefined && peek().kind !== "line-end") return false;
    const key = word.key ?? findKey(word.text, section.kind, version);
    if (key === undefined) {
      return fail(
        word,
        grammar === "5.4" ? 3 : 1,
        `unrecognized '${section.kind === "setup" ? "config setup" : "conn"}' keyword '${word.text}'`,
      );
    }
    return take(section, { word, key, value, section });
  };

  const readRemark = (word: Token): boolean => {
    if (grammar !== "3" && grammar !== "4") warn(word, `comment-like key ignored: ${word.text}`);
    else return expect("equal") !== undefined && expect("string") !== undefined;
    if (peek().kind !== "equal") return true;
    advance();
    if (peek().kind === "string") advance();
    return true;
  };

  const take = (section: OpenSection, line: KeyLine): boolean => {
    const reading = readLine(line, version);
    for (const message of reading.warnings) warn(line.word, message);
    if (reading.failure !== undefined) return fail(line.word, reading.failure.exit, reading.failure.message);
    if (section.isDiscarded) return true;
    if (reading.misplaced !== undefined) {
      misplaced ??= { file: line.word.file, line: line.word.line, severity: "error", message: reading.misplaced };
    }
    if (reading.assignment !== undefined) keep(section, line.word, reading.assignment);
    return true;
  };

  const keep = (section: OpenSection, word: Token, assignment: Assignment): void => {
    const early = grammar === "3" || grammar === "4";
    const text = `${assignment.name}=${assignment.value ?? ""}`;
    const isRepeatable = early || assignment.key.definition.kind === "also";
    if (!early && section.kind === "setup" && sections.some((other) => other.kind === "setup" && sets(other, assignment))) {
      warn(word, `overriding earlier 'config setup' keyword with new value: ${text}`);
    }
    if (!isRepeatable && section.kind === "conn" && section.assignments.some((held) => held.name === assignment.name)) {
      warn(word, `ignoring duplicate ${section.name === "%default" ? "conn %default" : "conn"} keyword: ${text}`);
      section.ignored.push(assignment);
    } else section.assignments.push(assignment);
  };

  const readFile = (): boolean => {
    skipLineEnds();
    if (!readVersion()) return false;
    while (peek().kind !== "end") {
      const { kind } = peek();
      const read =
        kind === "include" ? readInclude() : kind === "config" || kind === "conn" ? readSection() : syntaxError(peek());
      if (!read) return false;
      skipLineEnds();
    }
    return true;
  };

  if (!readFile()) {
    // Libreswan reads on after an error, silently, and a bad value further down still decides the exit status.
    const reported = [...problems];
    let status = exit;
    while (status === 3) {
      ahead = undefined;
      if (readFile()) break;
      status = exit;
    }
    return { exit: status, problems: reported, sections, includes };
  }
  if (misplaced !== undefined) return { exit: 3, problems: [...problems, misplaced], sections, includes };
  return { exit, problems, sections, includes };
}

function sets(section: SectionRead, assignment: Assignment): boolean {
  return section.assignments.some((held) => held.field === assignment.field);
}
