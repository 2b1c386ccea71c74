import type { Problem } from "../model/problem.ts";
import { concealSecrets } from "./secret.ts";

/** Widest excerpt that is shown; a longer source line is cut around the mark. */
const WIDTH = 110;

/**
 * A problem as a person reads it: `file:line:col: message`, then the source line with the place underlined, then what to do.
 * Text from files is shown without control characters, so that it cannot move a terminal's cursor.
 */
export function problemText(problem: Problem): string {
  const { at, excerpt, help, severity } = problem;
  const place = at === undefined ? "" : `${visible(at.file)}:${at.line}:${at.column}: `;
  const head = `${place}${severity === "warning" ? "warning: " : ""}${visible(problem.message)}`;
  const marked = at === undefined || excerpt === undefined || excerpt.trim() === "" ? [] : markedLine(problem);
  return [head, ...marked, ...(help === undefined ? [] : [`  help: ${visible(help)}`])].join("\n");
}

/** Several problems, one under the other. */
export function problemsText(problems: readonly Problem[]): string {
  return problems.map(problemText).join("\n");
}

function markedLine({ at, excerpt = "" }: Problem): readonly string[] {
  if (at === undefined) return [];
  const characters = [...visible(concealSecrets(excerpt))];
  const start = at.column - 1;
  const end = Math.max(start + 1, (at.endColumn ?? 0) - 1);
  const from = characters.length <= WIDTH ? 0 : Math.max(0, Math.min(start - 20, characters.length - WIDTH));
  const shown = characters.slice(from, from + WIDTH);
  const gutter = String(at.line).padStart(5);
  const pad = widthOf(shown.slice(0, start - from));
  const mark = Math.max(1, widthOf(shown.slice(start - from, end - from)));
  return [
    `${gutter} | ${from > 0 ? "…" : ""}${shown.join("")}${from + WIDTH < characters.length ? "…" : ""}`,
    `${" ".repeat(gutter.length)} | ${" ".repeat(pad + (from > 0 ? 1 : 0))}${"~".repeat(mark)}`,
  ];
}

/** One character for one: tabs and other control characters become a blank or a dot. */
function visible(text: string): string {
  return text
    .replaceAll("\t", " ")
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, "·")
    .replaceAll("\n", " ");
}

/** Columns on a terminal: East Asian wide characters and most emoji take two. */
function widthOf(characters: readonly string[]): number {
  const wide =
    /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
  return characters.reduce((sum, character) => sum + (wide.test(character) ? 2 : /\p{M}/u.test(character) ? 0 : 1), 0);
}
