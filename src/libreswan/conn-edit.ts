import { readConfig } from "./config.ts";
import { writeValue } from "./document.ts";
import { type Edit, editBetween, type Refusal, rejection, setOptions, type Wanted } from "./edit.ts";
import { alsosOf } from "./occurrence.ts";
import { sectionLines, withLines, withoutLines } from "./place.ts";
import { type ConfTree, covers } from "./tree.ts";
import type { Version } from "./version.ts";

/** Adds a conn at the end of a file, which an include of the tree must reach. */
export function createConn(
  tree: ConfTree,
  conn: { readonly name: string; readonly file: string; readonly options: Wanted },
  version: Version,
): Edit | Refusal {
  const { name, file } = conn;
  const header = writeValue(name, true);
  if (header === undefined || name === "" || name === "%default")
    return { refused: `"${name}" can't name a conn`, help: "choose another name" };
  const before = readConfig(tree, version);
  const rejected = rejection(before);
  if (rejected !== undefined) return rejected;
  const braces = version.major < 5;
  const isReached = file === tree.main || before.includes.some((include) => covers(include.pattern, file, braces));
  if (!isReached) {
    return { refused: `no include of ${tree.main} reaches ${file}`, help: `include it there, or put the conn into ${tree.main}` };
  }
  const lines = (tree.files.get(file) ?? "").split("\n").length;
  const gap = /\S[^\n]*\n?$/.test(tree.files.get(file) ?? "") ? [""] : [];
  const created = withLines(tree, file, lines + 1, [...gap, `conn ${header}`]);
  const filled = setOptions(
    { ...created, files: new Map(created.files).set(file, endedWithNewline(created.files.get(file) ?? "")) },
    name,
    conn.options,
    version,
  );
  return "refused" in filled ? filled : editBetween(tree, filled.tree, version, filled.notes);
}

/** Removes a conn with all its lines; refused while an `also=` names it. */
export function removeConn(tree: ConfTree, name: string, version: Version): Edit | Refusal {
  const config = readConfig(tree, version);
  const rejected = rejection(config);
  if (rejected !== undefined) return rejected;
  const users = config.sections.filter((section) => section.name !== name && alsosOf(section).includes(name));
  const doomed = config.sections.find((section) => section.kind === "conn" && section.name === name);
  if (doomed === undefined) return editBetween(tree, tree, version, []);
  if (users.length > 0) {
    const places = users.map((user) => `conn ${user.name} (${user.file}:${user.line})`);
    return {
      refused: `also= of ${places.join(", ")} names ${name}`,
      help: `take also=${name} out of ${users.map((user) => user.name).join(", ")} first`,
    };
  }
  const elsewhere = [...doomed.assignments, ...doomed.ignored].filter((line) => line.file !== doomed.file);
  const without = elsewhere.reduceRight((rest, line) => withoutLines(rest, line.file, new Set([line.line])), tree);
  const removed = withoutLines(without, doomed.file, sectionLines(without, doomed));
  // Two conns of one name: the next one goes too.
  const rest = removeConn(removed, name, version);
  return "refused" in rest ? rest : editBetween(tree, rest.tree, version, []);
}

function endedWithNewline(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}
