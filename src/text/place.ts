import type { Problem, SourcePosition } from "../model/problem.ts";

/** The part of a Problem that says where: position and source line. */
export interface Place {
  readonly at: SourcePosition;
  readonly excerpt: string;
}

/** A text that a person wrote, with its name. */
export interface Source {
  readonly file: string;
  readonly text: string;
}

/** The place that starts at a 1-based line and column (in UTF-16 units) and is `length` units long, cut at the line's end. */
export function placeIn(
  { file, text }: Source,
  { line, col }: { readonly line: number; readonly col: number },
  length: number,
): Place {
  const excerpt = lineOf(text, Math.max(1, line));
  const start = Math.min(Math.max(0, col - 1), excerpt.length);
  const end = Math.min(excerpt.length, start + Math.max(1, length));
  const column = characters(excerpt.slice(0, start)) + 1;
  const at = { file, line: Math.max(1, line), column };
  return { at: { ...at, endColumn: column + Math.max(1, characters(excerpt.slice(start, end))) }, excerpt };
}

/** The place of a stretch of a text, by offset in UTF-16 units. */
export function placeAt(source: Source, offset: number, length: number): Place {
  const before = source.text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return placeIn(source, { line: before.split("\n").length, col: offset - lineStart + 1 }, length);
}

/** The part of a place that holds these words, or the place itself where its line does not show them. */
export function narrowed(place: Place, culprit: string | undefined): Place {
  if (culprit === undefined) return place;
  const found = place.excerpt.indexOf(culprit, [...place.excerpt].slice(0, place.at.column - 1).join("").length);
  if (found < 0) return place;
  return within({ ...place, at: { ...place.at, column: 1 } }, [...place.excerpt.slice(0, found)].length, [...culprit].length);
}

function within(place: Place, from: number, length: number): Place {
  const column = place.at.column + from;
  return { ...place, at: { ...place.at, column, endColumn: column + Math.max(1, length) } };
}

/** An error with its place. */
export function errorAt(place: Place, message: string, help?: string): Problem {
  return { severity: "error", message, ...(help === undefined ? {} : { help }), at: place.at, excerpt: place.excerpt };
}

function lineOf(text: string, line: number): string {
  let start = 0;
  for (let number = 1; number < line; number += 1) {
    const next = text.indexOf("\n", start);
    if (next < 0) return "";
    start = next + 1;
  }
  const end = text.indexOf("\n", start);
  return text.slice(start, end < 0 ? undefined : end).replace(/\r$/, "");
}

function characters(text: string): number {
  return [...text].length;
}
