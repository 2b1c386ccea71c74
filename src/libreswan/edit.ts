import { nearest } from "../text/suggest.ts";
import type { Assignment } from "./assignment.ts";
import { type Config, type Conn, connOf, optionOf, readConfig, valuesOf } from "./config.ts";
import { writeValue } from "./document.ts";
import { type Occurrence, occurrencesOf } from "./occurrence.ts";
import { type OptionValue, optionHolds, translateOption } from "./options.ts";
import { withLines, withoutLines, withSetting, withValueAt } from "./place.ts";
import type { SectionRead } from "./syntax.ts";
import type { ConfTree } from "./tree.ts";
import type { Version } from "./version.ts";
import { fieldName, findKey, knownKeys, type SectionKind } from "./vocabulary.ts";

/** A file before and after an edit; null where it does not exist. */
export interface FileEdit {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** What an edit of a configuration comes to: the least that makes it so. No files: it is so already. */
export interface Edit {
  readonly tree: ConfTree;
  readonly files: readonly FileEdit[];
  /** The conns whose effective values, or whether they load, the edit changes. */
  readonly affected: readonly string[];
  readonly notes: readonly string[];
}

export interface Refusal {
  readonly refused: string;
  readonly help: string;
}

/** Values as a playbook wants them; null wants a key not set. */
export type Wanted = Readonly<Record<string, OptionValue | null>>;

/** Makes these the effective values of a conn, wherever its keys really stand. */
export function setOptions(tree: ConfTree, conn: string, wanted: Wanted, version: Version): Edit | Refusal {
  return applyWanted(tree, wanted, { kind: "conn", conn, version });
}

/** Makes these the options of `config setup`, which is created where it is missing. */
export function setSetup(tree: ConfTree, wanted: Wanted, version: Version): Edit | Refusal {
  return applyWanted(tree, wanted, { kind: "setup", version });
}

/** Why Libreswan takes no conn from the files at all. */
export function rejection(config: Config): Refusal | undefined {
  if (config.accepted) return undefined;
  const cause = config.problems.find((problem) => problem.severity === "error");
  const where = cause === undefined ? "" : ` (${cause.file}:${cause.line}: ${cause.message})`;
  return {
    refused: `Libreswan ${config.version.text} does not accept the configuration as it is${where}`,
    help: "mend that line first",
  };
}

interface Target {
  readonly kind: SectionKind;
  readonly conn?: string;
  readonly version: Version;
}

/** Takes small steps until what is wanted holds, so that an edit made twice is the edit made once. */
function applyWanted(tree: ConfTree, wanted: Wanted, target: Target): Edit | Refusal {
  const { version } = target;
  const start = readConfig(tree, version);
  const rejected = rejection(start);
  if (rejected !== undefined) return rejected;
  const notes: string[] = [];
  let current = tree;
  for (const [key, value] of Object.entries(wanted)) {
    const written =
      value === null
        ? { options: [{ key, value }], notes: [] }
        : wantedLines(key, value, { start: readConfig(current, version), target });
    if ("refused" in written) return written;
    const before = current;
    for (const option of written.options) {
      const next = withOption(current, option, target);
      if ("refused" in next) return next;
      current = next;
    }
    if (current !== before) notes.push(...written.notes);
  }
  return editBetween(tree, current, version, notes);
}

interface WantedLine {
  readonly key: string;
  readonly value: string | null;
}

/** The lines that say a wanted value in this version; none to change where the key has the value as it was asked for. */
function wantedLines(
  key: string,
  value: OptionValue,
  { start, target }: { readonly start: Config; readonly target: Target },
): { readonly options: readonly WantedLine[]; readonly notes: readonly string[] } | Refusal {
  if (key.toLowerCase() === "also")
    return { refused: "also= names sections and is no value to set", help: "set the options themselves" };
  const translated = translateOption(key, value, target.version, target.kind);
  if ("refused" in translated) {
    const isUnknown = findKey(key, target.kind, target.version) === undefined;
    const meant = isUnknown ? nearest(key, knownKeys(target.kind, target.version)) : undefined;
    return meant === undefined ? translated : { ...translated, help: `did you mean "${meant}"? ${translated.help}` };
  }
  const plain = { key: key.toLowerCase(), value: typeof value === "boolean" ? (value ? "yes" : "no") : String(value).trim() };
  const lookup = lookupIn(start, target);
  const isSo =
    lookup(plain.key) !== undefined &&
    findKey(plain.key, target.kind, target.version)?.definition.kind !== "obsolete" &&
    optionHolds(plain, lookup, target.version, target.kind);
  return isSo ? { options: [plain], notes: [] } : translated;
}

const MOST_STEPS = 100;

function withOption(tree: ConfTree, option: WantedLine, target: Target): ConfTree | Refusal {
  let current = tree;
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const config = readConfig(current, target.version);
    const rejected = rejection(config);
    if (rejected !== undefined) {
      return { refused: `${option.key}=${option.value ?? ""} can't be written: ${rejected.refused}`, help: rejected.help };
    }
    const next = nextStep({ tree: current, config, option, target });
    if (next === undefined) return current;
    if ("refused" in next) return next;
    current = next;
  }
  return {
    refused: `${option.key}=${option.value ?? ""} does not take effect in ${target.conn ?? "config setup"}`,
    help: "edit the file by hand",
  };
}

interface Situation {
  readonly tree: ConfTree;
  readonly config: Config;
  readonly option: WantedLine;
  readonly target: Target;
}

/** One change that brings the option nearer; undefined when it holds. */
function nextStep(situation: Situation): ConfTree | Refusal | undefined {
  const { tree, config, option, target } = situation;
  const known = findKey(option.key, target.kind, target.version);
  if (known === undefined)
    return option.value === null
      ? undefined
      : { refused: `Libreswan ${target.version.text} has no key "${option.key}"`, help: "leave it out" };
  const section = sectionOf(config, target);
  const occurrences = section === undefined ? [] : occurrencesOf(fieldName(known), section, config);
  if (option.value === null) return withoutLast(tree, occurrences);
  const conn = target.conn === undefined ? undefined : connOf(config, target.conn);
  const isContested = conn?.conflicts.has(fieldName(known)) === true;
  const holds = optionHolds({ key: option.key, value: option.value }, lookupIn(config, target), target.version, target.kind);
  const isSet =
    optionOf(conn?.options ?? config.setup, option.key, { version: target.version, section: target.kind }) !== undefined;
  if (holds && !isContested && (isSet || occurrences.length === 0)) return undefined;
  const value = writeValue(option.value, known.definition.kind === "text");
  if (value === undefined) return { refused: `a value of ipsec.conf can't hold a quote or a line break`, help: "remove it" };
  if (section === undefined)
    return target.kind === "setup"
      ? withNewSetup(tree, config, `${option.key}=${value}`)
      : { refused: `there is no conn ${target.conn ?? ""}`, help: "create it" };
  const isAppended = known.definition.kind === "append";
  const deciding = occurrences.filter(({ origin }) => isAppended || origin !== "default");
  const kept = deciding.find(({ origin }) => origin === "also") ?? (target.kind === "setup" ? deciding.at(-1) : deciding[0]);
  if (kept === undefined) return withSetting(tree, section, option.key, value);
  const surplus = deciding.findLast((occurrence) => occurrence !== kept);
  return surplus === undefined ? replaced(tree, kept, value) : removed(tree, surplus);
}

function replaced(tree: ConfTree, { assignment }: Occurrence, value: string): ConfTree | Refusal {
  const guarded = generated(assignment);
  return guarded ?? withValueAt(tree, assignment, value);
}

function removed(tree: ConfTree, { assignment }: Occurrence): ConfTree | Refusal {
  const guarded = generated(assignment);
  return guarded ?? withoutLines(tree, assignment.file, new Set([assignment.line]));
}

function withoutLast(tree: ConfTree, occurrences: readonly Occurrence[]): ConfTree | Refusal | undefined {
  const last = occurrences.at(-1);
  return last === undefined ? undefined : removed(tree, last);
}

/** Files that a program writes anew at its own time must not be edited. */
function generated({ file, line, name }: Assignment): Refusal | undefined {
  if (!file.startsWith("/etc/crypto-policies/") && !file.startsWith("/usr/")) return undefined;
  return {
    refused: `${name}= stands in ${file}:${line}, which the system generates`,
    help: "set another value in the conn, or let Libreswan not follow the crypto policy (crypto_policy)",
  };
}

function sectionOf(config: Config, target: Target): SectionRead | undefined {
  if (target.conn !== undefined) return connOf(config, target.conn)?.section;
  const setups = config.sections.filter((section) => section.kind === "setup");
  // Up to 4.x the first section that holds a key is the one that counts.
  return setups.find((section) => section.assignments.length > 0) ?? setups[0];
}

function lookupIn(config: Config, target: Target): (key: string) => string | undefined {
  const { version } = target;
  if (target.conn === undefined) return (key) => optionOf(config.setup, key, { version, section: "setup" })?.value;
  const conn = connOf(config, target.conn);
  return conn === undefined ? () => undefined : valuesOf(conn, version);
}

/** `config setup` goes before the first section or include of the main file. */
function withNewSetup(tree: ConfTree, config: Config, setting: string): ConfTree {
  const starts = [...config.sections, ...config.includes].filter(({ file }) => file === tree.main).map(({ line }) => line);
  const texts = ["config setup", `\t${setting}`];
  const text = tree.files.get(tree.main) ?? "";
  const end = text.split("\n").length + 1;
  return starts.length === 0
    ? withLines(tree, tree.main, end, texts)
    : withLines(tree, tree.main, Math.min(...starts), [...texts, ""]);
}

/** The edit that leads from one tree to another. */
export function editBetween(before: ConfTree, after: ConfTree, version: Version, notes: readonly string[]): Edit {
  const files = [...after.files]
    .filter(([path, content]) => before.files.get(path) !== content)
    .map(([path, content]) => ({ path, before: before.files.get(path) ?? null, after: content }));
  return {
    tree: after,
    files,
    affected: files.length === 0 ? [] : affectedConns(readConfig(before, version), readConfig(after, version)),
    notes,
  };
}

/** Conns that mean something else than before. */
export function affectedConns(before: Config, after: Config): readonly string[] {
  const names = new Set([...before.conns, ...after.conns].map((conn) => conn.name));
  return [...names].filter((name) => meaning(connOf(before, name)) !== meaning(connOf(after, name)));
}

function meaning(conn: Conn | undefined): string {
  if (conn === undefined) return "";
  const options = [...conn.options.values()].map(({ field, value }) => `${field}=${value}`);
  return JSON.stringify([conn.loaded, options.sort()]);
}
