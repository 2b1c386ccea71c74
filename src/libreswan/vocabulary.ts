import { remembered } from "../text/remembered.ts";
import type { Version } from "./version.ts";
import { connTable, setupTable, wordSets } from "./vocabulary-table.ts";

export type SectionKind = "conn" | "setup";

export type ValueKind =
  | "text"
  | "append"
  | "also"
  | "name"
  | "names"
  | "loose"
  | "flags"
  | "bool"
  | "number"
  | "time"
  | "ms"
  | "percent"
  | "binary"
  | "bytes"
  | "obsolete"
  | "unsupported"
  | "reserved";

/** A key as one version of Libreswan knows it. */
export interface Definition {
  /** Lower case, without left or right. */
  readonly name: string;
  /** The name under which its value is kept: two names of one field are the same key. */
  readonly field: string;
  readonly kind: ValueKind;
  /** For names: each accepted word (lower case) and the first of the words that mean the same. */
  readonly words?: ReadonlyMap<string, string>;
  readonly sided: boolean;
}

/** A key found in a version's tables. */
export interface KnownKey {
  readonly definition: Definition;
  readonly sections: readonly SectionKind[];
  readonly side: "left" | "right" | undefined;
  /** Written without the left or right that it takes; Libreswan up to 5.3 then means right. */
  readonly sideless: boolean;
}

interface Vocabulary {
  readonly conn: ReadonlyMap<string, Definition>;
  readonly setup: ReadonlyMap<string, Definition>;
}

/** The ways in which configuration files are read: each version belongs to the newest that is not newer than itself. */
export type Grammar = "3" | "4" | "5.0" | "5.3" | "5.4";

const milestones = ["3.25", "3.32", "4.5", "4.10", "4.15", "5.0", "5.2", "5.3", "5.4"] as const;
type Milestone = (typeof milestones)[number];
const numbered = milestones.map((milestone) => {
  const [major = 0, minor = 0] = milestone.split(".").map(Number);
  return { milestone, major, minor };
});

const vocabularies = new Map<Milestone, Vocabulary>();

export function grammarOf(version: Version): Grammar {
  if (version.major <= 3) return "3";
  if (version.major === 4) return "4";
  if (version.major > 5 || version.minor >= 4) return "5.4";
  return version.minor === 3 ? "5.3" : "5.0";
}

/** Finds a key as Libreswan does: case does not matter, and before 5.3 both sections share one table. */
export function findKey(word: string, section: SectionKind | undefined, version: Version): KnownKey | undefined {
  const key = word.toLowerCase();
  const vocabulary = vocabularyOf(version);
  const grammar = grammarOf(version);
  const separate = grammar === "5.3" || grammar === "5.4";
  const inSetup = separate && section !== "setup" ? undefined : vocabulary.setup.get(key);
  const inConn = separate && section === "setup" ? undefined : vocabulary.conn.get(key);
  if (inSetup !== undefined) {
    return {
      definition: inSetup,
      sections: inConn === undefined || inConn.sided ? ["setup"] : ["setup", "conn"],
      side: undefined,
      sideless: false,
    };
  }
  if (inConn !== undefined)
    return { definition: inConn, sections: ["conn"], side: inConn.sided ? "right" : undefined, sideless: inConn.sided };
  if (separate && section === "setup") return undefined;
  const sided = /^(left|right)(.*)$/s.exec(key);
  if (sided === null) return undefined;
  const rest = sided[2] ?? "";
  const dashed = grammar !== "3" && grammar !== "4" && rest.startsWith("-") ? rest.slice(1) : rest;
  const definition = vocabulary.conn.get(rest) ?? vocabulary.conn.get(dashed);
  if (definition?.sided !== true) return undefined;
  return { definition, sections: ["conn"], side: sided[1] === "left" ? "left" : "right", sideless: false };
}

/** The key as a person writes it: `leftsubnet`, `right`, `mtu`. */
export function keyName(found: KnownKey): string {
  return `${found.side ?? ""}${found.definition.name}`;
}

/** The field of a key, with its side: what decides whether two keys set the same value. */
export function fieldName(found: KnownKey): string {
  return `${found.side ?? ""}${found.definition.field}`;
}

/** Every key that a version takes in a section, sided ones with both sides, without other names of the same key. */
export function knownKeys(section: SectionKind, version: Version): readonly string[] {
  const own = [...vocabularyOf(version)[section].values()].filter(({ name, field }) => name === field);
  return own.flatMap((definition) =>
    definition.sided ? [`left${definition.name}`, `right${definition.name}`] : [definition.name],
  );
}

function vocabularyOf(version: Version): Vocabulary {
  const milestone = milestoneOf(version);
  const known = vocabularies.get(milestone);
  if (known !== undefined) return known;
  const read = { conn: readTable(connTable, milestone), setup: readTable(setupTable, milestone) };
  vocabularies.set(milestone, read);
  return read;
}

function milestoneOf(version: Version): Milestone {
  const series = Math.min(5, Math.max(3, version.major));
  const isReached = (minor: number): boolean => version.major > 5 || minor <= version.minor;
  const reached = numbered.findLast(({ major, minor }) => major === series && isReached(minor));
  return (reached ?? numbered.find(({ major }) => major === series))?.milestone ?? "3.25";
}

function readTable(table: string, milestone: Milestone): ReadonlyMap<string, Definition> {
  const last = milestones.indexOf(milestone);
  const definitions = new Map<string, Definition>();
  for (const line of table.trim().split("\n")) {
    const [head = "", ...runs] = line.split(" ");
    const sided = head.startsWith("*");
    const name = sided ? head.slice(1) : head;
    const run = runs.findLast((candidate) => milestones.findIndex((known) => candidate.startsWith(`${known}:`)) <= last);
    const [, kind, set, alias] = /^[\d.]+:([a-z]+)(?:\((.*)\))?(?:>(.*))?$/.exec(run ?? "") ?? [];
    if (kind === undefined) continue;
    const words = set === undefined ? undefined : wordsOf(set);
    definitions.set(name, {
      name,
      field: alias ?? name,
      kind: kind as ValueKind,
      sided,
      ...(words === undefined ? {} : { words }),
    });
  }
  return definitions;
}

const wordsOf = remembered(256, (set): ReadonlyMap<string, string> | undefined => {
  const line = wordSets.split("\n").find((candidate) => candidate.startsWith(`${set}:`));
  const groups = line
    ?.slice(set.length + 1)
    .trim()
    .split(" ")
    .map((group) => group.split("=").map((word) => (word === '""' ? "" : word)));
  return groups && new Map(groups.flatMap((group) => group.map((word) => [word, group[0] ?? word] as const)));
});
