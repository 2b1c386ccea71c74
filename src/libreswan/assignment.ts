import { readValue } from "./reading.ts";
import type { Token } from "./scanner.ts";
import type { Version } from "./version.ts";
import { fieldName, grammarOf, type KnownKey, keyName, type SectionKind } from "./vocabulary.ts";

/** A key that Libreswan has taken from a section. */
export interface Assignment {
  /** The key with its side, in lower case: `leftsubnet`. */
  readonly name: string;
  /** What the key sets: equal for two names of one key. */
  readonly field: string;
  readonly key: KnownKey;
  /** Undefined where a bare number stands for a text (up to 4.x): set, to nothing. */
  readonly value: string | undefined;
  /** Equal for values that Libreswan holds equal. */
  readonly sameAs: string;
  readonly file: string;
  readonly line: number;
}

/** What one line of a section comes to. */
export interface LineReading {
  readonly warnings: readonly string[];
  /** Absent where the line has no effect. */
  readonly assignment?: Assignment;
  /** The whole reading ends with this exit status. */
  readonly failure?: { readonly exit: 1 | 3; readonly message: string };
  /** The key belongs into the other section; up to 4.x that fails, once everything is read. */
  readonly misplaced?: string;
}

/** A line of a section: a key that the version knows, and the value token, or none where the line ends after the equals sign. */
export interface KeyLine {
  readonly word: Token;
  readonly key: KnownKey;
  readonly value: Token | undefined;
  readonly section: { readonly kind: SectionKind; readonly name: string };
}

/** Reads a `key=value` line as this version does. */
export function readLine(line: KeyLine, version: Version): LineReading {
  const refused = keyRefusal(line, version);
  if (refused !== undefined) return refused;
  const { word, key, section, value: token } = line;
  const value = withoutCarriageReturn(line, version);
  const reading = readValue(key.definition, value, version);
  const grammar = grammarOf(version);
  const name = keyName(key);
  const warnings = key.sideless ? [`'${word.text}=' is read as '${name}='`] : [];
  if ("failed" in reading) return failure(reading.failed, reading.message);
  // Up to 4.x a value that means nothing is dropped before anybody asks where it stands.
  const isDropped = !reading.taken && key.definition.kind !== "obsolete" && (grammar === "3" || grammar === "4");
  if (!key.sections.includes(section.kind) && !isDropped) {
    const message = `keyword '${name}' is not valid in ${section.kind === "setup" ? "'config setup'" : "a conn"}`;
    return grammar !== "5.0" && section.kind === "setup"
      ? { warnings, misplaced: message }
      : { warnings: [...warnings, `${message} and is ignored`] };
  }
  if (!reading.taken) {
    // From 5.3 on a setup value that cannot be read is an error, unless the key is only obsolete or not built in.
    const isStrict = (grammar === "5.3" || grammar === "5.4") && section.kind === "setup";
    const isMoot = key.definition.kind === "obsolete" || key.definition.kind === "unsupported";
    return isStrict && !isMoot ? failure(3, reading.warning) : { warnings: [...warnings, reading.warning] };
  }
  return {
    warnings: reading.warning === undefined ? warnings : [...warnings, reading.warning],
    assignment: {
      name,
      field: fieldName(key),
      key,
      value: reading.value,
      // Up to 4.x a text keeps the CR of a CR LF line end, which spoils it although it is shown without.
      sameAs: value !== token && version.major < 5 && key.definition.kind !== "number" ? `${reading.sameAs}\r` : reading.sameAs,
      file: word.file,
      line: word.line,
    },
  };
}

/** Keys that fail or are void whatever their value. */
function keyRefusal({ word, key, value, section }: KeyLine, version: Version): LineReading | undefined {
  const grammar = grammarOf(version);
  if (key.sideless && grammar === "5.4") {
    return failure(3, `keyword '${word.text}' requires a 'left' or 'right' prefix`);
  }
  const isDefault = section.kind === "conn" && section.name === "%default";
  if (key.definition.field === "also" && isDefault && grammar !== "3" && grammar !== "4") {
    return grammar === "5.0"
      ? { warnings: [`invalid 'conn %default' keyword ignored: also=${value?.text ?? ""}`] }
      : failure(grammar === "5.4" ? 3 : 1, "unrecognized 'conn %default' keyword 'also'");
  }
  if (value?.kind === "boolean" && key.definition.kind !== "bool") return failure(3, `syntax error at '${value.text}'`);
  return undefined;
}

/** In a file with CR LF line ends the CR is part of a bare value. Words and flags are spoilt by it; the rest is read without. */
function withoutCarriageReturn({ key, value }: KeyLine, version: Version): Token | undefined {
  const isSpoilt = ["name", "names", "flags", "bool"].includes(key.definition.kind);
  if (value === undefined || !value.text.endsWith("\r") || isSpoilt) return value;
  const text = value.text.slice(0, -1);
  const isNumber = version.major < 5 && key.definition.kind === "number" && /^\d+$/.test(text);
  return { ...value, text, kind: isNumber ? "integer" : value.kind };
}

function failure(exit: 1 | 3, message: string): LineReading {
  return { warnings: [], failure: { exit, message } };
}
