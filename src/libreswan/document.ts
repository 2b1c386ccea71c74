/** A file of `ipsec.conf` syntax, kept byte for byte: printing what was parsed gives the text back, whatever it is. */
export interface ConfDocument {
  readonly lines: readonly Line[];
}

/** One line. What is not a section, an include or a key=value line is `other`: comments, blank lines, errors. */
export type Line =
  | { readonly kind: "setting"; readonly parts: SettingParts; readonly end: string }
  | { readonly kind: "section"; readonly text: string; readonly end: string }
  | { readonly kind: "include"; readonly text: string; readonly end: string }
  | { readonly kind: "comment"; readonly text: string; readonly end: string }
  | { readonly kind: "other"; readonly text: string; readonly end: string };

/** A key=value line in the pieces that an edit replaces one by one. */
export interface SettingParts {
  readonly indent: string;
  readonly key: string;
  /** The equals sign with the blanks around it. */
  readonly separator: string;
  /** As written, with its quotes or braces. */
  readonly value: string;
  /** Blanks and a comment after the value. */
  readonly trailer: string;
}

export function parseDocument(text: string): ConfDocument {
  return { lines: (text.match(/[^\n]*\n|[^\n]+$/g) ?? []).map(parseLine) };
}

export function printDocument({ lines }: ConfDocument): string {
  return lines.map(printLine).join("");
}

export function lineText(line: Line): string {
  if (line.kind !== "setting") return line.text;
  const { indent, key, separator, value, trailer } = line.parts;
  return `${indent}${key}${separator}${value}${trailer}`;
}

/** The line end that a new line of the document takes: the one that most of its neighbours have. */
export function lineEnd({ lines }: ConfDocument): string {
  return lines.some(({ end }) => end === "\r\n") && !lines.some(({ end }) => end === "\n") ? "\r\n" : "\n";
}

/**
 * How a value is written: bare where that is safe, else in double quotes. Undefined where nothing can write it: the syntax has no
 * escapes, so a quote or a line end would end the value, and with it the line.
 */
export function writeValue(value: string, isText: boolean): string | undefined {
  if (/["\n\r\0]/.test(value)) return undefined;
  // Up to 4.x a bare number is no text, and braces around a value vanish.
  const isPlain = /^[^\s"{#][^\s"]*$/.test(value) && !(isText && /^(?:\d+|%forever)$/.test(value));
  return isPlain ? value : `"${value}"`;
}

function printLine(line: Line): string {
  return `${lineText(line)}${line.end}`;
}

function parseLine(raw: string): Line {
  const end = /\r?\n$/.exec(raw)?.[0] ?? "";
  const text = raw.slice(0, raw.length - end.length);
  if (/^[ \t]*#/.test(text)) return { kind: "comment", text, end };
  if (/^(?:conn|config)(?![^\s"=])/.test(text)) return { kind: "section", text, end };
  if (/^include(?![^\s"=])/.test(text)) return { kind: "include", text, end };
  const setting = /^([ \t]+)([^"=\s]+)([ \t]*=[ \t]*)(.*)$/s.exec(text);
  if (setting === null) return { kind: "other", text, end };
  const [, indent = "", key = "", separator = "", rest = ""] = setting;
  const value = valueText(rest);
  return { kind: "setting", parts: { indent, key, separator, value, trailer: rest.slice(value.length) }, end };
}

/** The value at the start of a text: of quoted, braced and the two kinds of bare words the longest counts. */
function valueText(rest: string): string {
  const readings = [/^"[^"]*"/, /^\{[^"]*\}/, /^[^" \t]+/, /^[^{} \t]+/].map((pattern) => pattern.exec(rest)?.[0] ?? "");
  return readings.reduce((longest, reading) => (reading.length > longest.length ? reading : longest), "");
}
