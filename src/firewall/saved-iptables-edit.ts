import type { FirewallBatch, FirewallEdit, RuleRef } from "../model/step.ts";

/** A saved file with the edits in it, or why they cannot be made. */
export type SavedEdit = { readonly text: string } | { readonly problem: string };

/** Edits a file of iptables-save's format: only lines of our own come and go, every other byte stays. */
export function editIptablesSave(text: string, batches: readonly FirewallBatch[]): SavedEdit {
  let lines = splitLines(text);
  for (const batch of batches) {
    const edited = editTable(lines, batch);
    if ("problem" in edited) return edited;
    lines = edited.lines;
  }
  return { text: lines.join("") };
}

/** Lines with their ends: iptables-restore knows nothing longer, not even inside quotes. */
function splitLines(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+/g) ?? [];
}

function isRule(line: string): boolean {
  return /^(\[\d+:\d+\] )?-/.test(line);
}

function editTable(
  lines: readonly string[],
  batch: FirewallBatch,
): { readonly lines: readonly string[] } | { readonly problem: string } {
  const starts = lines.flatMap((line, index) => (line.trimEnd() === `*${batch.table}` ? [index] : []));
  if (starts.length > 1) return { problem: `holds the table ${batch.table} twice` };
  const [start] = starts;
  if (start === undefined) return { lines: withNewTable(lines, batch) };
  const length = lines.slice(start).findIndex((line) => line.trimEnd() === "COMMIT");
  if (length < 0) return { problem: `never commits its table ${batch.table}` };
  const section = lines.slice(start, start + length);
  if (section.some((line) => isRule(line) && !/^(\[\d+:\d+\] )?(-A|--append|-N|--new-chain) /.test(line)))
    return { problem: `has commands other than -A in its table ${batch.table}` };
  return { lines: [...lines.slice(0, start), ...editSection(section, batch.edits), ...lines.slice(start + length)] };
}

/** What stands before and instead of each line of a section once the edits are in it. */
function editSection(section: readonly string[], edits: readonly FirewallEdit[]): readonly string[] {
  const before = new Map<number, string[]>();
  const gone = new Set<number>();
  for (const edit of edits) {
    if (edit.edit !== "insert" && edit.edit !== "delete") continue;
    const rules = section.flatMap((line, index) => (chainOf(line) === edit.chain ? [index] : []));
    const named = (reference: RuleRef): readonly number[] => find(section, rules, reference);
    if (edit.edit === "delete") for (const index of named(edit.rule)) gone.add(index);
    else {
      const last = rules.at(-1);
      const index = (edit.before && named(edit.before)[0]) ?? (last === undefined ? section.length : last + 1);
      const neighbour = section[rules[0] ?? -1] ?? "";
      before.set(index, [...(before.get(index) ?? []), newLine(edit.chain, edit.rule, neighbour || (section[0] ?? ""))]);
    }
  }
  const edited = section.flatMap((line, index) => [...(before.get(index) ?? []), ...(gone.has(index) ? [] : [line])]);
  return [...edited, ...(before.get(section.length) ?? [])];
}

function chainOf(line: string): string | undefined {
  return /^(?:\[\d+:\d+\] )?(?:-A|--append) (\S+)/.exec(line)?.[1];
}

function find(section: readonly string[], rules: readonly number[], reference: RuleRef): readonly number[] {
  if ("position" in reference) return rules.slice(reference.position - 1, reference.position);
  if ("handle" in reference) return [];
  return rules.filter((index) =>
    new RegExp(`--comment "?${escapeRegExp(reference.comment)}"?(\\s|$)`).test(section[index] ?? ""),
  );
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** A rule in the manner of its neighbours: with counters where they have some, with their line end. */
function newLine(chain: string, rule: string, neighbour: string): string {
  const counters = neighbour.startsWith("[") ? "[0:0] " : "";
  return `${counters}-A ${chain} ${rule}${neighbour.endsWith("\r\n") ? "\r\n" : "\n"}`;
}

function withNewTable(lines: readonly string[], batch: FirewallBatch): readonly string[] {
  const inserts = batch.edits.flatMap((edit) => (edit.edit === "insert" ? [newLine(edit.chain, edit.rule, "")] : []));
  if (inserts.length === 0) return lines;
  const last = lines.at(-1);
  const closed = last === undefined || last.endsWith("\n") ? lines : [...lines.slice(0, -1), `${last}\n`];
  const chains = (BUILTIN_CHAINS[batch.table] ?? []).map((chain) => `:${chain} ACCEPT [0:0]\n`);
  return [...closed, `*${batch.table}\n`, ...chains, ...inserts, "COMMIT\n"];
}

const BUILTIN_CHAINS: { readonly [table: string]: readonly string[] } = {
  filter: ["INPUT", "FORWARD", "OUTPUT"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  raw: ["PREROUTING", "OUTPUT"],
};
