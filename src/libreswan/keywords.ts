import { alternatives } from "./enums.ts";
import { isAtLeast, type Version, versionOf } from "./version.ts";
import { type Definition, findKey, knownKeys, type SectionKind } from "./vocabulary.ts";

/** The two sections of `ipsec.conf` that hold keys. */
export type Section = SectionKind;

/** What the value of a key is, whichever way a version's parser reads it. */
export type KeywordType =
  | "bool"
  | "enum"
  | "number"
  | "time"
  | "percent"
  | "bytes"
  | "debug"
  | "proposals"
  | "host"
  | "subnet"
  | "subnets"
  | "string";

/** One key of `ipsec.conf`, as one Libreswan version knows it. */
export interface Keyword {
  /** In lower case, without its side. */
  readonly name: string;
  /** The key whose value it sets: itself, or the name that it is another name of. */
  readonly field: string;
  readonly type: KeywordType;
  readonly side: "left" | "right" | undefined;
  /** Accepted with a warning, and without any effect. */
  readonly isObsolete: boolean;
}

/** What is known of a key that the version does not honour: the versions that do, and the key that it was another name of. */
export interface KeywordGap {
  readonly as?: string;
  readonly since?: string;
  readonly until?: string;
}

/** The keyword as this version knows it; undefined where Libreswan would refuse the whole file. Keys ignore case. */
export function keyword(section: Section, key: string, version: Version): Keyword | undefined {
  const found = definitionOf(section, key, version);
  if (found === undefined) return undefined;
  const { name, field, kind } = found.definition;
  return { name, field, type: typeOf(section, key, version), side: found.side, isObsolete: WITHOUT_EFFECT.has(kind) };
}

/** Whether the version has the key, honoured or not. */
export function hasKeyword(section: Section, key: string, version: Version): boolean {
  return definitionOf(section, key, version) !== undefined;
}

/** Which versions have a key that this one lacks; undefined when none has it. */
export function keywordGap(section: Section, key: string, version: Version): KeywordGap | undefined {
  const honoured = VERSIONS.filter((candidate) => {
    const kind = definitionOf(section, key, candidate)?.definition.kind;
    return kind !== undefined && !WITHOUT_EFFECT.has(kind);
  });
  const [first, last] = [honoured[0], honoured.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const definition = definitionOf(section, key, last)?.definition;
  const after = VERSIONS[VERSIONS.indexOf(last) + 1];
  const isAlias = definition !== undefined && definition.field !== definition.name;
  return {
    ...(isAlias ? { as: definition.field } : {}),
    ...(isAtLeast(version, first.text) ? {} : { since: firstOf(VERSIONS[VERSIONS.indexOf(first) - 1], first) }),
    ...(after !== undefined && isAtLeast(version, last.text) ? { until: firstOf(last, after) } : {}),
  };
}

/** Every key that the version accepts and honours, sided ones with both sides: what a misspelt key is compared with. */
export function keywordNames(section: Section, version: Version): readonly string[] {
  return knownKeys(section, version).filter((name) => keyword(section, name, version)?.isObsolete === false);
}

const WITHOUT_EFFECT: ReadonlySet<string> = new Set(["obsolete", "unsupported", "reserved"]);

/** Versions that differ in their keys, oldest first. */
const VERSIONS = ["3.25", "3.32", "4.5", "4.10", "4.15", "5.0", "5.2", "5.3", "5.4"].flatMap((text) => versionOf(text) ?? []);

/** A change between two majors came with the first release of the later one. */
function firstOf(before: Version | undefined, after: Version): string {
  return before !== undefined && before.major !== after.major ? `${after.major}.0` : after.text;
}

function definitionOf(section: Section, key: string, version: Version) {
  const found = findKey(key, section, version);
  return found === undefined || found.sideless || !found.sections.includes(section) ? undefined : found;
}

const TYPES: Readonly<Record<string, KeywordType>> = {
  ike: "proposals",
  esp: "proposals",
  ah: "proposals",
  phase2alg: "proposals",
  subnet: "subnet",
  vti: "subnet",
  "interface-ip": "subnet",
  subnets: "subnets",
  "": "host",
};

/** Newer parsers take most values as text and leave the judgement to pluto: how an older one read the key says what it is. */
function typeOf(section: Section, key: string, version: Version): KeywordType {
  const own = definitionOf(section, key, version)?.definition;
  const fixed = TYPES[own?.name ?? key];
  if (fixed !== undefined && section === "conn") return fixed;
  if (alternatives(own?.field ?? key, version) !== undefined) return "enum";
  // One version at a time: the table of each one has to be read first.
  for (const candidate of [version, ...NEWEST_FIRST]) {
    const definition = definitionOf(section, key, candidate)?.definition;
    if (definition !== undefined && definition.kind !== "text" && !WITHOUT_EFFECT.has(definition.kind))
      return typeOfKind(definition);
  }
  return "string";
}

const NEWEST_FIRST = [...VERSIONS].reverse();

function typeOfKind({ kind, words }: Definition): KeywordType {
  switch (kind) {
    case "name":
      return isYesOrNo(words) ? "bool" : "enum";
    case "bool":
    case "number":
    case "time":
    case "percent":
    case "bytes":
      return kind;
    case "ms":
      return "time";
    case "binary":
      return "number";
    case "flags":
      return "debug";
    default:
      return "string";
  }
}

function isYesOrNo(words: Definition["words"]): boolean {
  return new Set(words?.values()).size === 2 && words?.get("yes") !== undefined && words.get("no") !== undefined;
}
