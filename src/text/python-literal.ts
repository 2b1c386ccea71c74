import type { Json } from "../model/plan.ts";

/** The value of a Python literal (`22`, `True`, `'x'`, `[1, 2]`, `{'a': 1}`); any other text is itself, as in Ansible's INI files. */
export function pythonLiteral(text: string): Json {
  const reader = { text: text.trim(), at: 0 };
  try {
    const value = read(reader);
    blank(reader);
    return reader.at === reader.text.length ? value : text;
  } catch {
    return text;
  }
}

interface Reader {
  readonly text: string;
  at: number;
}

function read(reader: Reader): Json {
  blank(reader);
  const next = reader.text[reader.at];
  if (next === "[") return list(reader, "]");
  if (next === "(") return list(reader, ")");
  if (next === "{") return map(reader);
  if (next === "'" || next === '"') return quoted(reader);
  const word = /[A-Za-z0-9_.+-]+/y;
  word.lastIndex = reader.at;
  const found = word.exec(reader.text)?.[0] ?? "";
  reader.at += found.length;
  if (Object.hasOwn(words, found)) return words[found] ?? null;
  if (/^[+-]?(?:0|[1-9](?:_?\d)*)$/.test(found)) return exact(found.replaceAll("_", ""));
  if (/^[+-]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][+-]?\d+)?$/.test(found)) return Number(found);
  if (/^0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)$/.test(found)) return exact(found);
  throw new SyntaxError(found);
}

/** A password may be a long row of digits: what a number cannot hold exactly stays text. */
function exact(digits: string): number | string {
  return Number.isSafeInteger(Number(digits)) ? Number(digits) : digits;
}

const words: Readonly<Record<string, Json>> = { True: true, False: false, None: null };

function list(reader: Reader, close: string): Json {
  reader.at += 1;
  const items: Json[] = [];
  for (;;) {
    if (take(reader, close)) return items;
    items.push(read(reader));
    if (take(reader, close)) return items;
    if (!take(reader, ",")) throw new SyntaxError("list");
  }
}

function map(reader: Reader): Json {
  reader.at += 1;
  const entries: [string, Json][] = [];
  for (;;) {
    if (take(reader, "}")) return Object.fromEntries(entries);
    const key = read(reader);
    if (!take(reader, ":")) throw new SyntaxError("map");
    entries.push([String(key), read(reader)]);
    if (take(reader, "}")) return Object.fromEntries(entries);
    if (!take(reader, ",")) throw new SyntaxError("map");
  }
}

function quoted(reader: Reader): string {
  const string = /'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/sy;
  string.lastIndex = reader.at;
  const found = string.exec(reader.text);
  if (found === null) throw new SyntaxError("quote");
  reader.at += found[0].length;
  const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };
  return (found[1] ?? found[2] ?? "").replace(
    /\\(.)/gs,
    (whole, letter: string) => escapes[letter] ?? (/['"\\]/.test(letter) ? letter : whole),
  );
}

function take(reader: Reader, character: string): boolean {
  blank(reader);
  if (reader.text[reader.at] !== character) return false;
  reader.at += 1;
  return true;
}

function blank(reader: Reader): void {
  while (/\s/.test(reader.text[reader.at] ?? "")) reader.at += 1;
}
