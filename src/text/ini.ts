import type { Json } from "../model/plan.ts";
import type { Problem } from "../model/problem.ts";
import { errorAt, type Place, placeIn } from "./place.ts";
import { pythonLiteral } from "./python-literal.ts";

/** A line of an INI inventory: a host with its inline variables, a child group, or one variable of a group. */
export interface IniEntry {
  readonly name: string;
  readonly place: Place;
  readonly variables: readonly IniVariable[];
}

export interface IniVariable {
  readonly name: string;
  readonly value: Json;
  readonly place: Place;
}

/** `[gateways]`, `[gateways:children]` or `[gateways:vars]` with its lines; hosts before any header are `ungrouped`. */
export interface IniSection {
  readonly group: string;
  readonly kind: "hosts" | "children" | "vars";
  readonly place: Place;
  readonly entries: readonly IniEntry[];
}

/** Reads Ansible's INI inventory format as Ansible does: inline variables in shell words, values as Python literals where they are. */
export function parseIniInventory(
  file: string,
  text: string,
): { readonly sections: readonly IniSection[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const sections: (IniSection & { entries: IniEntry[] })[] = [];
  const open = (group: string, kind: IniSection["kind"], place: Place): void => {
    sections.push({ group, kind, place, entries: [] });
  };
  text.split("\n").forEach((raw, index) => {
    const line = raw.replace(/\r$/, "");
    const content = line.trim();
    if (content === "" || content.startsWith("#") || content.startsWith(";")) return;
    const place = placeIn({ file, text }, { line: index + 1, col: line.indexOf(content) + 1 }, content.length);
    if (content.startsWith("[") && /^\[[^\]]*\]\s*(?:[#;].*)?$/.test(content)) {
      const header = /^\[([^\]:]+)(?::(\w+))?\]/.exec(content);
      const kind = header?.[2] ?? "hosts";
      if (header?.[1] === undefined || !isKind(kind))
        problems.push(errorAt(place, `${content} is no section: [group], [group:children] or [group:vars]`));
      else open(header[1].trim(), kind, place);
      return;
    }
    if (sections.length === 0) open("ungrouped", "hosts", place);
    const section = sections.at(-1);
    const entry = section?.kind === "vars" ? groupVariable(content, place) : memberLine(content, place);
    if (entry === undefined) problems.push(errorAt(place, "a line of :vars is name=value"));
    else if ("problem" in entry) problems.push(errorAt(place, entry.problem));
    else section?.entries.push(entry);
  });
  return { sections, problems };
}

function isKind(word: string): word is IniSection["kind"] {
  return word === "hosts" || word === "children" || word === "vars";
}

function groupVariable(content: string, place: Place): IniEntry | undefined {
  const found = /^([^=\s]+)\s*=\s*(.*)$/s.exec(content);
  if (found?.[1] === undefined) return undefined;
  const variable = { name: found[1], value: pythonLiteral(found[2] ?? ""), place };
  return { name: found[1], place, variables: [variable] };
}

function memberLine(content: string, place: Place): IniEntry | { readonly problem: string } {
  const words = shellWords(content);
  if ("problem" in words) return words;
  const [name = "", ...rest] = words.words;
  const wrong = rest.find((word) => !word.includes("="));
  if (wrong !== undefined) return { problem: `"${wrong}" is no name=value: a host and its variables stand on one line` };
  const variables = rest.map((word) => {
    const cut = word.indexOf("=");
    return { name: word.slice(0, cut), value: pythonLiteral(word.slice(cut + 1)), place };
  });
  return { name, place, variables };
}

/** Words as Python's shlex splits them, which Ansible uses: an unquoted `#` starts a comment, also inside of a word. */
function shellWords(line: string): { readonly words: readonly string[] } | { readonly problem: string } {
  const words: string[] = [];
  const token = /\s+|#.*$|((?:[^\s'"\\#]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+)/gsy;
  while (token.lastIndex < line.length) {
    const found = token.exec(line);
    if (found === null) return { problem: "a quote is not closed" };
    if (found[1] !== undefined) words.push(unquoted(found[1]));
  }
  return { words };
}

function unquoted(word: string): string {
  return word.replace(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs, (_, single?: string, double?: string, escaped?: string) =>
    single !== undefined ? single : double !== undefined ? double.replace(/\\(["\\])/g, "$1") : (escaped ?? ""),
  );
}
