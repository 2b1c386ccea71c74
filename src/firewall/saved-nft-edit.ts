import type { FileFact } from "../model/fact.ts";
import type { FirewallBatch, FirewallEdit, RuleRef } from "../model/step.ts";
import type { SavedNft } from "./saved-nft.ts";
import type { NftPlace, SavedNftChain, SavedNftRule } from "./saved-nft-document.ts";

/** A piece of a file's text that is replaced; an empty one (`start` = `end`) is an insertion. */
interface Splice {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Edits a saved nftables script where its chains stand, in whichever file that is; a chain that no file declares is
 * appended to the main one, with `create` telling how. Returns the new text of each file that changes.
 */
export function editSavedNft(
  files: ReadonlyMap<string, FileFact>,
  saved: SavedNft,
  batches: readonly FirewallBatch[],
): ReadonlyMap<string, string> {
  const splices = batches.flatMap((batch) => batchSplices(files, saved, batch));
  const paths = new Set(splices.map((splice) => splice.path));
  return new Map(
    [...paths].map((path) => [
      path,
      applySplices(
        textOf(files, path),
        splices.filter((splice) => splice.path === path),
      ),
    ]),
  );
}

function textOf(files: ReadonlyMap<string, FileFact>, path: string): string {
  return files.get(path)?.content ?? "";
}

function batchSplices(files: ReadonlyMap<string, FileFact>, saved: SavedNft, batch: FirewallBatch): readonly Splice[] {
  const own = (chain: SavedNftChain): boolean => chain.family === batch.family && chain.table === batch.table;
  if (batch.edits.some((edit) => edit.edit === "drop-chain" && edit.table))
    return removals(
      files,
      saved.chains.filter(own).flatMap(({ blocks }) => blocks),
    );
  const missing = new Map<string, FirewallEdit[]>();
  const splices: Splice[] = [];
  for (const edit of batch.edits) {
    const chain = saved.chains.find((candidate) => own(candidate) && candidate.name === edit.chain);
    if (!chain) missing.set(edit.chain, [...(missing.get(edit.chain) ?? []), edit]);
    else if (edit.edit === "insert") splices.push(insertion(files, batch, chain, edit));
    else if (edit.edit === "delete")
      splices.push(
        ...removals(
          files,
          matching(chain, edit.rule).map(({ place }) => place),
        ),
      );
  }
  return [...splices, ...declarations(files, saved, batch, missing)];
}

function matching(chain: SavedNftChain, reference: RuleRef): readonly SavedNftRule[] {
  if ("handle" in reference) return chain.rules.filter((rule) => rule.handle === reference.handle);
  if ("position" in reference) return chain.rules.slice(reference.position - 1, reference.position);
  return chain.rules.filter((rule) => rule.comment === reference.comment);
}

function insertion(
  files: ReadonlyMap<string, FileFact>,
  batch: FirewallBatch,
  chain: SavedNftChain,
  edit: Extract<FirewallEdit, { readonly edit: "insert" }>,
): Splice {
  const before = edit.before && matching(chain, edit.before)[0];
  if (before) {
    const text = textOf(files, before.place.path);
    // An inserted rule runs before those that its script inserted earlier, so ours has to come later in the text.
    if (before.place.form === "insert") return after(text, before.place, command("insert", batch, edit));
    const line = before.place.form === "block" ? edit.rule : command("add", batch, edit);
    const { path, start } = before.place;
    return { path, start, end: start, text: `${line}\n${indentation(text, start)}` };
  }
  const place = chain.rules.findLast((rule) => rule.place.form !== "insert")?.place ?? chain.head;
  return after(textOf(files, place.path), place, place.form === "block" ? edit.rule : command("add", batch, edit));
}

function command(
  verb: "add" | "insert",
  { family, table }: FirewallBatch,
  edit: { readonly chain: string; readonly rule: string },
): string {
  return `${verb} rule ${family} ${table} ${edit.chain} ${edit.rule}`;
}

/** A line of its own behind a place, and behind the comment that may follow there. */
function after(text: string, place: NftPlace, line: string): Splice {
  const rest = /^[ \t]*;?[ \t]*(#[^\n]*)?\r?(?=\n|$)/.exec(text.slice(place.end));
  const at = place.end + (rest?.[0].length ?? 0);
  const indent = place.form === "block" ? blockIndentation(text, place.end) : "";
  const closing = rest ? "" : `\n${indent}`;
  return { path: place.path, start: at, end: at, text: `\n${indent}${line}${closing}` };
}

function indentation(text: string, at: number): string {
  return /[ \t]*$/.exec(text.slice(0, at))?.[0] ?? "";
}

/** The indent of a chain's rules: that of the line, one deeper where the line itself opens the chain. */
function blockIndentation(text: string, at: number): string {
  const line = text.slice(text.lastIndexOf("\n", at - 1) + 1, at);
  const indent = /^[ \t]*/.exec(line)?.[0] ?? "";
  return /^[ \t]*(chain|table)\b/.test(line) ? `${indent}\t` : indent;
}

function removals(files: ReadonlyMap<string, FileFact>, places: readonly NftPlace[]): readonly Splice[] {
  return places.map((place) => {
    const text = textOf(files, place.path);
    // The blank line before a table goes with it.
    const blank = text.startsWith("table", place.start) && text.slice(0, place.start).endsWith("\n\n") ? 1 : 0;
    const lineStart = text.lastIndexOf("\n", place.start - 1) + 1 - blank;
    const rest = /^[ \t]*;?[ \t]*(#[^\n]*)?(\r?\n|$)/.exec(text.slice(place.end));
    const alone = text.slice(lineStart, place.start).trim() === "" && rest !== null;
    return {
      path: place.path,
      start: alone ? lineStart : place.start,
      end: alone ? place.end + rest[0].length : place.end,
      text: "",
    };
  });
}

/** Chains that the saved files do not have, as a table of their own at the end of the main file. */
function declarations(
  files: ReadonlyMap<string, FileFact>,
  saved: SavedNft,
  batch: FirewallBatch,
  missing: ReadonlyMap<string, readonly FirewallEdit[]>,
): readonly Splice[] {
  const chains = [...missing].flatMap(([name, edits]) => {
    const created = edits.find((edit) => edit.edit === "create-chain");
    const rules = edits.flatMap((edit) => (edit.edit === "insert" ? [`\t\t${edit.rule}\n`] : []));
    if (created?.edit !== "create-chain" || rules.length === 0) return [];
    const hook = `type ${created.type} hook ${created.hook} priority ${created.priority}; policy accept;`;
    return [`\tchain ${name} {\n\t\t${hook}\n${rules.join("")}\t}\n`];
  });
  if (chains.length === 0) return [];
  const text = textOf(files, saved.main);
  const start = text.length;
  const gap = text === "" || text.endsWith("\n") ? "" : "\n";
  return [{ path: saved.main, start, end: start, text: `${gap}\ntable ${batch.family} ${batch.table} {\n${chains.join("")}}\n` }];
}

function applySplices(text: string, splices: readonly Splice[]): string {
  let result = "";
  let at = 0;
  for (const splice of splices.toSorted((one, other) => one.start - other.start)) {
    result += text.slice(at, Math.max(at, splice.start)) + splice.text;
    at = Math.max(at, splice.end);
  }
  return result + text.slice(at);
}
