import { type ConfDocument, type Line, lineEnd, lineText, parseDocument, printDocument } from "./document.ts";
import type { ConfTree } from "./tree.ts";

/** A line of a file of the tree, 1-based. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** The tree with the value of a key=value line replaced; indent, blanks, comment and line end stay. */
export function withValueAt(tree: ConfTree, place: Place, value: string): ConfTree {
  return changed(tree, place.file, (document) => ({
    lines: document.lines.map((line, index) =>
      index === place.line - 1 && line.kind === "setting" ? { ...line, parts: { ...line.parts, value } } : line,
    ),
  }));
}

/** The tree without a line. A file that has no newline at its end keeps having none. */
export function withoutLines(tree: ConfTree, file: string, doomed: ReadonlySet<number>): ConfTree {
  return changed(tree, file, ({ lines }) => {
    const kept = lines.filter((_, index) => !doomed.has(index + 1));
    const last = kept.at(-1);
    // A comment that ends the file needs its newline: without one Libreswan takes it for a key.
    const isBare = lines.at(-1)?.end === "" && last !== undefined && last.kind !== "comment" && doomed.has(lines.length);
    return { lines: isBare ? [...kept.slice(0, -1), { ...last, end: "" }] : kept };
  });
}

/** The tree with a key added at the end of the section that starts at the place, laid out like its neighbours. */
export function withSetting(tree: ConfTree, section: Place, key: string, value: string): ConfTree {
  return changed(tree, section.file, (document) => {
    const { lines } = document;
    const last = lastSetting(lines, section.line - 1);
    const model = lines[last]?.kind === "setting" ? lines[last] : lines.find((line) => line.kind === "setting");
    const indent = model?.kind === "setting" ? model.parts.indent : "\t";
    const separator = model?.kind === "setting" && /^ *= *$/.test(model.parts.separator) ? model.parts.separator : "=";
    return inserted(document, last + 1, [`${indent}${key}${separator}${value}`]);
  });
}

/** The line numbers of a section in its file: its first line to its last key=value line. */
export function sectionLines(tree: ConfTree, section: Place): ReadonlySet<number> {
  const { lines } = documentOf(tree, section.file);
  const last = lastSetting(lines, section.line - 1);
  const extent = lines.slice(section.line - 1, last + 1).map((_, index) => section.line + index);
  const after = lines[last + 1];
  // One of the two blank lines around a section goes with it.
  const before = lines[section.line - 2];
  const isLoose = isBlank(after) && (before === undefined || isBlank(before));
  return new Set(isLoose ? [...extent, last + 2] : extent);
}

/** The tree with lines of text put before a line number, or at the end of the file. */
export function withLines(tree: ConfTree, file: string, at: number, texts: readonly string[]): ConfTree {
  return changed(tree, file, (document) => inserted(document, Math.min(at - 1, document.lines.length), texts));
}

/** The tree with a line replaced by a text. */
export function withLineText(tree: ConfTree, place: Place, text: string): ConfTree {
  return changed(tree, place.file, ({ lines }) => ({
    lines: lines.map((line, index) => (index === place.line - 1 ? { kind: "other", text, end: line.end } : line)),
  }));
}

export function documentOf(tree: ConfTree, file: string): ConfDocument {
  return parseDocument(tree.files.get(file) ?? "");
}

function changed(tree: ConfTree, file: string, change: (document: ConfDocument) => ConfDocument): ConfTree {
  return { ...tree, files: new Map(tree.files).set(file, printDocument(change(documentOf(tree, file)))) };
}

function inserted(document: ConfDocument, index: number, texts: readonly string[]): ConfDocument {
  const end = lineEnd(document);
  const before = document.lines.slice(0, index);
  const after = document.lines.slice(index);
  const added = texts.map((text): Line => ({ kind: "other", text, end }));
  const unended = before.at(-1);
  if (unended === undefined || unended.end !== "") return { lines: [...before, ...added, ...after] };
  const last = added.at(-1);
  const closed = { ...unended, end };
  return {
    lines: [
      ...before.slice(0, -1),
      closed,
      ...added.slice(0, -1),
      ...(last === undefined ? [] : [{ ...last, end: "" }]),
      ...after,
    ],
  };
}

/** The index of the last key=value line of the section that starts at the index; the index itself where there is none. */
function lastSetting(lines: readonly Line[], start: number): number {
  let last = start;
  for (let index = start + 1; index < lines.length; index += 1) {
    const kind = lines[index]?.kind;
    if (kind === "section" || kind === "include") break;
    if (kind === "setting") last = index;
  }
  return last;
}

function isBlank(line: Line | undefined): boolean {
  return line !== undefined && lineText(line).trim() === "";
}
