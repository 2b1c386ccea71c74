import { connKeywords, setupKeywords } from "./keyword-table.ts";
import { isAtLeast, type Version } from "./version.ts";

/** The two sections of `ipsec.conf` that hold keys. */
export type Section = "conn" | "setup";

/** How Libreswan reads the value of a key. */
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
  | "also"
  | "string";

/** One key of `ipsec.conf`, as one Libreswan version knows it. */
export interface Keyword {
  /** The key as written in the table: lower case, without its side. */
  readonly name: string;
  /** The key whose value it sets: itself, or the name that it is another name of. */
  readonly field: string;
  readonly type: KeywordType;
  readonly side: "left" | "right" | undefined;
  /** Accepted with a warning, and without any effect. */
  readonly isObsolete: boolean;
}

/** What is known of a key that the version does not have: the versions that do, and the key that it was another name of. */
export interface KeywordGap {
  readonly as?: string;
  readonly since?: string;
  readonly until?: string;
}

interface Row {
  readonly name: string;
  readonly type: KeywordType;
  readonly sided: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly obsolete?: string;
  readonly as?: string;
}

const tables: Readonly<Record<Section, ReadonlyMap<string, Row>>> = {
  conn: readTable(connKeywords),
  setup: readTable(setupKeywords),
};

/** The keyword as this version knows it; undefined where Libreswan would refuse the whole file. Keys ignore case. */
export function keyword(section: Section, key: string, version: Version): Keyword | undefined {
  const { side, row } = find(section, key, version);
  if (row === undefined) return undefined;
  if (row.since !== undefined && !isAtLeast(version, row.since)) return undefined;
  if (row.until !== undefined && isAtLeast(version, row.until)) return undefined;
  return {
    name: row.name,
    field: row.as ?? row.name,
    type: row.type,
    side,
    isObsolete: row.obsolete !== undefined && isAtLeast(version, row.obsolete),
  };
}

/** Which versions have a key that this one lacks; undefined when none has it. */
export function keywordGap(section: Section, key: string, version: Version): KeywordGap | undefined {
  const { row } = find(section, key, version);
  if (row === undefined) return undefined;
  return {
    ...(row.as === undefined ? {} : { as: row.as }),
    ...(row.since === undefined ? {} : { since: row.since }),
    ...(row.until === undefined ? {} : { until: row.until }),
  };
}

/** Every key that the version accepts and honours, sided ones with both sides: what a misspelt key is compared with. */
export function keywordNames(section: Section, version: Version): readonly string[] {
  return [...tables[section].values()]
    .flatMap((row) => (row.sided ? sides(row.name) : [row.name]))
    .filter((name) => keyword(section, name, version)?.isObsolete === false);
}

function find(section: Section, key: string, version: Version) {
  const name = key.toLowerCase();
  const table = tables[section];
  const plain = table.get(name);
  if (plain !== undefined && !plain.sided) return { side: undefined, row: plain };
  const sided = /^(left|right)(-?)(.*)$/.exec(name);
  // A dash between side and key is read from 5.0 on.
  if (sided === null || sided[3] === "host" || (sided[2] === "-" && !isAtLeast(version, "5.0")))
    return { side: undefined, row: undefined };
  const row = table.get(sided[3] === "" ? "host" : (sided[3] ?? ""));
  const side = sided[1] === "left" ? ("left" as const) : ("right" as const);
  return { side, row: row?.sided ? row : undefined };
}

function sides(name: string): readonly string[] {
  return name === "host" ? ["left", "right"] : [`left${name}`, `right${name}`];
}

function readTable(text: string): ReadonlyMap<string, Row> {
  const rows = text.trim().split("\n").map(readRow);
  return new Map(rows.map((row) => [row.name, row]));
}

function readRow(line: string): Row {
  const [name = "", type = "string", ...rest] = line.split(" ");
  const facts = Object.fromEntries(rest.filter((word) => word.includes("=")).map((word) => word.split("=")));
  return { name, type: type as KeywordType, sided: rest.includes("sided"), ...facts };
}
