import type { Assignment } from "./assignment.ts";
import { endProblems } from "./end-check.ts";
import { type ConfProblem, type IncludeRead, readSyntax, type SectionRead } from "./syntax.ts";
import { type ConfTree, includedFiles } from "./tree.ts";
import type { Version } from "./version.ts";
import { fieldName, findKey, type Grammar, grammarOf, type SectionKind } from "./vocabulary.ts";

/** Where an effective value comes from. */
export type Via = "conn" | `also:${string}` | "%default";

/** The value that a key has in a conn after `also=`, `%default` and repetitions. */
export interface Effective {
  readonly value: string;
  readonly file: string;
  readonly line: number;
  readonly via: Via;
  /** Equal for two names of one key. */
  readonly field: string;
  /** The section that holds it. */
  readonly section: SectionRead;
}

export interface Conn {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** Whether Libreswan can load it; a conn that it drops stays in the files without any effect. */
  readonly loaded: boolean;
  /** Why not. */
  readonly reason?: string;
  /** Fields that are set twice in a way that drops the conn. */
  readonly conflicts: ReadonlySet<string>;
  readonly options: ReadonlyMap<string, Effective>;
  readonly section: SectionRead;
}

/** What a configuration means to one version of Libreswan. */
export interface Config {
  readonly version: Version;
  /** The main file. */
  readonly main: string;
  /** What the version's own check says of the files as a whole. */
  readonly accepted: boolean;
  readonly exit: 0 | 1 | 3;
  readonly problems: readonly ConfProblem[];
  /** In file order; empty where the files are not accepted. Two of one name may be there: the first is the one that loads. */
  readonly conns: readonly Conn[];
  readonly setup: ReadonlyMap<string, Effective>;
  readonly sections: readonly SectionRead[];
  readonly includes: readonly IncludeRead[];
}

// Every state of a gateway's files in a plan, for gateways of some versions that are configured alike.
const MOST_READINGS = 32;

const readings: { readonly tree: ConfTree; readonly config: Config }[] = [];

/** Reads a tree of files as this version does; one that was read before, on whatever gateway, is not read again. */
export function readConfig(tree: ConfTree, version: Version): Config {
  const known = readings.find((reading) => isReadingOf(reading, tree, version));
  if (known !== undefined) return known.config;
  const config = readTree(tree, version);
  readings.unshift({ tree, config });
  readings.splice(MOST_READINGS);
  return config;
}

/** Whether a reading saw the same version, the same texts, and the same files behind each include. */
function isReadingOf({ tree, config }: (typeof readings)[number], wanted: ConfTree, version: Version): boolean {
  if (config.version.text !== version.text || tree.main !== wanted.main || tree.directory !== wanted.directory) return false;
  if (tree.files === wanted.files) return true;
  const isSame = (path: string): boolean => tree.files.get(path) === wanted.files.get(path);
  const braces = isEarly(grammarOf(version));
  return (
    isSame(tree.main) &&
    config.includes.every(({ files }) => files.every(isSame)) &&
    config.includes.every(({ pattern, files }) => {
      const found = includedFiles(pattern, wanted, braces);
      return found.length === files.length && found.every((path, index) => path === files[index]);
    })
  );
}

function readTree(tree: ConfTree, version: Version): Config {
  const { exit, problems, sections, includes } = readSyntax(tree, version);
  const accepted = exit === 0;
  const read = { version, main: tree.main, accepted, exit, sections, includes };
  if (!accepted) return { ...read, problems, conns: [], setup: new Map() };
  const grammar = grammarOf(version);
  const found: ConfProblem[] = [...problems, ...carriageReturns(tree, includes)];
  const report = (section: SectionRead, message: string, severity: "error" | "warning"): void => {
    found.push({ file: section.file, line: section.line, severity, message });
  };
  const defaults = readDefaults(sections, grammar, report);
  const conns = sections
    .filter((section) => section.kind === "conn" && section.name !== "%default")
    .map((section) => readConn(section, { sections, defaults, grammar, report }));
  return { ...read, problems: found, conns, setup: readSetup(sections) };
}

function carriageReturns(tree: ConfTree, includes: readonly IncludeRead[]): readonly ConfProblem[] {
  const reached = new Set([tree.main, ...includes.flatMap(({ files }) => files)]);
  return [...reached].flatMap((file) => {
    const at = (tree.files.get(file) ?? "").indexOf("\r\n");
    if (at < 0) return [];
    const line = (tree.files.get(file) ?? "").slice(0, at).split("\n").length;
    const message = "lines end in CR LF, and Libreswan takes the CR for a part of each value; convert the file to LF";
    return [{ file, line, severity: "warning" as const, message }];
  });
}

/** The effective value of a key, by any of its names. */
export function optionOf(
  options: ReadonlyMap<string, Effective>,
  key: string,
  { version, section }: { readonly version: Version; readonly section: SectionKind },
): Effective | undefined {
  const known = findKey(key, section, version);
  const field = known === undefined ? key : fieldName(known);
  return [...options.values()].find((option) => option.field === field);
}

/** The effective values of a conn as a function from key to value, for whatever asks by key. */
export function valuesOf(conn: Conn, version: Version): (key: string) => string | undefined {
  return (key) => optionOf(conn.options, key, { version, section: "conn" })?.value;
}

/** The conn that Libreswan loads by this name: the first. */
export function connOf(config: Config, name: string): Conn | undefined {
  return config.conns.find((conn) => conn.name === name);
}

type Report = (section: SectionRead, message: string, severity: "error" | "warning") => void;

/** A value while the sections of a conn are put together. */
interface Held {
  readonly assignment: Assignment;
  readonly value: string;
  readonly isDefault: boolean;
  readonly via: Via;
  readonly section: SectionRead;
}

interface Defaults {
  readonly held: ReadonlyMap<string, Held>;
  /** Sections that `%default` names in also=: up to 4.x they count for every conn. */
  readonly alsos: readonly string[];
}

interface Context {
  readonly sections: readonly SectionRead[];
  readonly defaults: Defaults;
  readonly grammar: Grammar;
  readonly report: Report;
}

function readDefaults(sections: readonly SectionRead[], grammar: Grammar, report: Report): Defaults {
  const held = new Map<string, Held>();
  const alsos: string[] = [];
  for (const section of sections.filter((candidate) => candidate.kind === "conn" && candidate.name === "%default")) {
    for (const assignment of section.assignments) {
      if (assignment.field === "also") alsos.push(...words(assignment.value));
      else put(held, { assignment, value: assignment.value ?? "", isDefault: true, via: "%default", section });
    }
    if (section.assignments.some((assignment) => assignment.value === undefined)) {
      report(section, "a bare number is no text value here; further %default sections are not read", "error");
      break;
    }
    if (section.assignments.some((assignment) => assignment.field === "also")) {
      report(section, "also= is not valid in section '%default'", "error");
      break;
    }
  }
  return { held, alsos: isEarly(grammar) ? alsos : [] };
}

/** A conn while it is put together. */
interface Pass {
  readonly held: Map<string, Held>;
  /** Why the conn is dropped. */
  readonly reasons: string[];
  readonly conflicts: Set<string>;
  readonly visited: Set<SectionRead>;
  readonly context: Context;
}

function readConn(section: SectionRead, context: Context): Conn {
  const pass: Pass = { held: new Map(context.defaults.held), reasons: [], conflicts: new Set(), visited: new Set(), context };
  if (isEarly(context.grammar)) addInPasses(section, pass);
  else addInPlace(section, "conn", pass);
  const { held, reasons, conflicts } = pass;
  if (reasons.length === 0) reasons.push(...endProblems(held, context.grammar));
  const reason = reasons[0];
  for (const message of reasons) context.report(section, `conn '${section.name}' is not loaded: ${message}`, "error");
  const { name, file, line } = section;
  const loaded = reason === undefined;
  return { name, file, line, loaded, ...(loaded ? {} : { reason }), conflicts, options: optionsOf(held), section };
}

/** Up to 4.x: the conn's own keys, then the sections of also=, breadth first, each once. */
function addInPasses(section: SectionRead, pass: Pass): void {
  pass.visited.add(section);
  const queue = [...pass.context.defaults.alsos, ...addKeys(section, "conn", pass)];
  if (pass.reasons.length > 0) return;
  for (let index = 0; index < queue.length; index += 1) {
    if (queue.length >= ALSO_LIMIT) {
      pass.reasons.push(`too many also= sections; the limit is ${ALSO_LIMIT}`);
      return;
    }
    const target = alsoTarget(queue[index] ?? "", pass);
    if (target === undefined || pass.visited.has(target)) continue;
    pass.visited.add(target);
    queue.push(...addKeys(target, `also:${target.name}`, pass));
  }
}

const ALSO_LIMIT = 32;

/** Adds the keys of a section; returns the sections that its also= lines name. */
function addKeys(section: SectionRead, via: Via, pass: Pass): readonly string[] {
  const alsos: string[] = [];
  for (const assignment of section.assignments) {
    if (assignment.field === "also") alsos.push(...words(assignment.value));
    else add(assignment, section, via, pass);
  }
  return alsos;
}

/** From 5.0 on: a section of also= takes effect where it is named. */
function addInPlace(section: SectionRead, via: Via, pass: Pass): void {
  if (pass.visited.has(section)) return;
  pass.visited.add(section);
  for (const assignment of section.assignments) {
    const target = assignment.field === "also" ? alsoTarget(assignment.value ?? "", pass) : undefined;
    if (target !== undefined) addInPlace(target, `also:${target.name}`, pass);
    if (assignment.field !== "also") add(assignment, section, via, pass);
  }
}

function alsoTarget(name: string, { context, reasons }: Pass): SectionRead | undefined {
  const target = context.sections.find(
    (candidate) => candidate.kind === "conn" && (isEarly(context.grammar) ? candidate.nameAsRead : candidate.name) === name,
  );
  if (target === undefined) reasons.push(`cannot find conn '${name}' that also= names`);
  return target;
}

function add(assignment: Assignment, section: SectionRead, via: Via, { held, reasons, conflicts, context }: Pass): void {
  const earlier = held.get(assignment.field);
  if (assignment.key.definition.kind === "append") {
    const value = [earlier?.value, assignment.value].filter((part) => part !== undefined).join(" ");
    put(held, { assignment, value, isDefault: false, via, section });
    return;
  }
  if (earlier !== undefined && !earlier.isDefault) {
    const where = `${earlier.assignment.file}:${earlier.assignment.line} and ${assignment.file}:${assignment.line}`;
    const message = `duplicate key '${assignment.name}' (${where})`;
    if (!isHarmless(earlier.assignment, assignment, context.grammar)) {
      reasons.push(message);
      conflicts.add(assignment.field);
      return;
    }
    context.report(section, message, "warning");
  }
  if (assignment.value === undefined) reasons.push(`'${assignment.name}' takes a text; a bare number must be quoted`);
  else put(held, { assignment, value: assignment.value, isDefault: false, via, section });
}

/** A repeated key does no harm where Libreswan sees that the value is the same; before 5.3 it does not compare texts. */
function isHarmless(earlier: Assignment, later: Assignment, grammar: Grammar): boolean {
  const { kind } = later.key.definition;
  if (kind === "loose") return grammar !== "5.0" && earlier.sameAs === later.sameAs && later.sameAs.startsWith("other ");
  if (kind === "text") return (grammar === "5.3" || grammar === "5.4") && earlier.sameAs === later.sameAs;
  return earlier.sameAs === later.sameAs;
}

/** A later value takes the place of the earlier, and its name. */
function put(held: Map<string, Held>, value: Held): void {
  held.delete(value.assignment.field);
  held.set(value.assignment.field, value);
}

function readSetup(sections: readonly SectionRead[]): ReadonlyMap<string, Effective> {
  const held = new Map<string, Held>();
  for (const section of sections.filter((candidate) => candidate.kind === "setup")) {
    for (const assignment of section.assignments) {
      put(held, { assignment, value: assignment.value ?? "", isDefault: false, via: "conn", section });
    }
  }
  return optionsOf(held);
}

function optionsOf(held: ReadonlyMap<string, Held>): ReadonlyMap<string, Effective> {
  return new Map(
    [...held.values()].map(({ assignment, value, via, section }) => [
      assignment.name,
      { value, file: assignment.file, line: assignment.line, via, field: assignment.field, section },
    ]),
  );
}

function isEarly(grammar: Grammar): boolean {
  return grammar === "3" || grammar === "4";
}

function words(value: string | undefined): readonly string[] {
  return (value ?? "").split(/\s/).filter((word) => word !== "");
}
