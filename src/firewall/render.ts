import type { FirewallBatch, FirewallEdit, RuleRef } from "../model/step.ts";
import { commandLine, quote } from "../text/shell.ts";
import { editedChains } from "./edits.ts";
import { layoutOf, type Slot } from "./layout.ts";

/** A batch as its tool takes it. */
export interface BatchScript {
  /** The command that reads `input`, such as `iptables-nft-restore --noflush -w 5`. */
  readonly argv: readonly string[];
  /** For a person: where a rule is named by its comment, the handle stands as `$handle`. */
  readonly input: string;
  /** POSIX sh that runs the batch atomically and ends with its status: 75 when another program held the lock all the time. */
  readonly script: string;
}

/** Renders a batch. The write is one transaction of the kernel or of the tool: all edits or none. */
export function batchScript(batch: FirewallBatch): BatchScript {
  if (batch.edits.length === 0) return { argv: [], input: "", script: ":" };
  return batch.backend === "nftables" ? nftScript(batch) : restoreScript(batch);
}

/** POSIX sh that fails, and says why, when an edited chain no longer reads as it did when the plan was made. */
export function expectScript(batch: FirewallBatch): string {
  const guards = (batch.expect ?? []).map(({ chain, rules }) => {
    if (batch.backend === "nftables") {
      const place = `${batch.family} ${identifier(batch.table)} ${identifier(chain)}`;
      return guard(`${listHandles(place)} | sed -n ${quote(HANDLE_LINE)}`, rules.join("\n"), chain);
    }
    const saved = rules.map((rule) => `-A ${chain} ${rule.split("\n")[0]}`.trimEnd()).join("\n");
    return guard(`"$batch_tool-save" -t ${quote(batch.table)} | grep ${quote(`^-A ${chain} `)}`, saved, chain);
  });
  return `(\n${[...toolLines(batch), ...guards, ":"].join("\n")}\n)`;
}

/** POSIX sh that names iptables' program in `batch_tool`: a host may have it under its plain name only. */
function toolLines(batch: FirewallBatch): readonly string[] {
  if (batch.backend === "nftables") return [];
  const tool = batch.family === "ipv6" ? "ip6tables" : "iptables";
  const wanted = `${tool}-${batch.backend === "iptables-legacy" ? "legacy" : "nft"}`;
  return [`batch_tool=${wanted}; command -v "$batch_tool-restore" >/dev/null || batch_tool=${tool}`];
}

/**
 * POSIX sh that tries the batch where it does no harm: nft's own check against the live rules; for iptables, whose --test
 * accepts a target that does not exist, a copy of the table in a network namespace that goes with the command. A host that can
 * make no such copy (no unshare, a match that needs what only the live namespace has) goes without: the write is atomic anyway.
 */
export function rehearsalScript(batch: FirewallBatch): string {
  const { input, script } = batchScript(batch);
  if (batch.backend === "nftables") return script.replace(/\| nft -f -\n\)$/, "| nft -c -f -\n)");
  return `(\n${toolLines(batch).join("\n")}
"$batch_tool-save" -t ${quote(batch.table)} > "$D/rehearsal" && unshare -n "$batch_tool-restore" < "$D/rehearsal" >/dev/null 2>&1 || exit 0
printf %s ${quote(input)} > "$D/rehearsal-batch"
unshare -n sh -c '"$1-restore" < "$2/rehearsal" && "$1-restore" --noflush < "$2/rehearsal-batch"' sh "$batch_tool" "$D"
)`;
}

function restoreScript(batch: FirewallBatch): BatchScript {
  const tool = batch.family === "ipv6" ? "ip6tables" : "iptables";
  const wanted = `${tool}-${batch.backend === "iptables-legacy" ? "legacy" : "nft"}`;
  const lines = editedChains(batch).flatMap((chain) => restoreLines(chain, layoutOf(batch, chain)));
  const options = ["--noflush", "-w", "5"];
  const input = [`*${batch.table}`, ...lines, "COMMIT", ""].join("\n");
  const script = [
    ...toolLines(batch),
    ...((batch.expect ?? []).length > 0 ? [`${expectScript(batch)} || exit`] : []),
    `printf %s ${quote(input)} | "$batch_tool-restore" ${commandLine(options)}`,
    // 4 is iptables' "resource problem": the lock was not free in time.
    "batch_status=$?; [ $batch_status -ne 4 ] || batch_status=75; (exit $batch_status)",
  ].join("\n");
  return { argv: [`${wanted}-restore`, ...options], input, script: `(\n${script}\n)` };
}

/**
 * Positions are those before the batch, so the chain is edited from its end to its head: an edit never moves what is still to
 * be edited. Rules named by their text go last, because nobody knows which positions they shift.
 */
function restoreLines(chain: string, slots: readonly Slot[]): readonly string[] {
  const end = slots.findIndex(({ kind }) => kind === "end");
  const appended = slots.slice(end + 1).flatMap((slot) => (slot.kind === "new" ? [`-A ${chain} ${oneLine(slot.rule)}`] : []));
  const lines: string[] = [];
  const last: string[] = [];
  let pending: string[] = [];
  // Collects the new rules that stand right before each old one.
  for (const slot of slots.slice(0, end)) {
    if (slot.kind === "new") pending.push(slot.rule);
    if (slot.kind !== "old") continue;
    if ("position" in slot.ref) lines.unshift(...insertAndDelete(chain, slot.ref.position, pending, slot.gone));
    else if ("comment" in slot.ref && slot.gone) last.push(`-D ${chain} ${oneLine(slot.ref.rule ?? "")}`);
    pending = [];
  }
  return [...appended, ...lines, ...last];
}

function insertAndDelete(chain: string, position: number, rules: readonly string[], gone: boolean): readonly string[] {
  const inserts = rules.map((rule, index) => `-I ${chain} ${position + index} ${oneLine(rule)}`);
  return gone ? [...inserts, `-D ${chain} ${position + rules.length}`] : inserts;
}

function nftScript(batch: FirewallBatch): BatchScript {
  const place = `${batch.family} ${identifier(batch.table)}`;
  const created = batch.edits.flatMap((edit) => creation(edit, place));
  const dropped = batch.edits.flatMap((edit) => removal(edit, place));
  const lines = editedChains(batch).flatMap((chain) => nftLines(`${place} ${identifier(chain)}`, layoutOf(batch, chain)));
  const all = [...created, ...lines, ...dropped];
  const script = [
    ...((batch.expect ?? []).length > 0 ? [`${expectScript(batch)} || exit`] : []),
    `{ ${all.map(({ script: line }) => line).join("\n")}\n} | nft -f -`,
  ].join("\n");
  return { argv: ["nft", "-f", "-"], input: `${all.map(({ text }) => text).join("\n")}\n`, script: `(\n${script}\n)` };
}

interface NftLine {
  readonly text: string;
  /** Prints the line. */
  readonly script: string;
}

function fixedLine(text: string): NftLine {
  return { text: oneLine(text), script: `printf '%s\\n' ${quote(oneLine(text))}` };
}

function creation(edit: FirewallEdit, place: string): readonly NftLine[] {
  if (edit.edit !== "create-chain") return [];
  const hook = `{ type ${edit.type} hook ${identifier(edit.hook)} priority ${edit.priority}; policy accept; }`;
  return [fixedLine(`add table ${place}`), fixedLine(`add chain ${place} ${identifier(edit.chain)} ${hook}`)];
}

function removal(edit: FirewallEdit, place: string): readonly NftLine[] {
  if (edit.edit !== "drop-chain") return [];
  return [
    fixedLine(`delete chain ${place} ${identifier(edit.chain)}`),
    ...(edit.table ? [fixedLine(`delete table ${place}`)] : []),
  ];
}

function nftLines(chain: string, slots: readonly Slot[]): readonly NftLine[] {
  const end = slots.findIndex(({ kind }) => kind === "end");
  const deletes = slots.flatMap((slot) => (slot.kind === "old" && slot.gone ? [deleteLine(chain, slot.ref)] : []));
  const inserts = slots.flatMap((slot, index) => {
    if (slot.kind !== "new") return [];
    const next = index < end ? slots.slice(index + 1).find(({ kind }) => kind === "old") : undefined;
    return [insertLine(chain, slot.rule, next?.kind === "old" ? next.ref : null)];
  });
  // A rule can stand before one that goes only while that is there.
  return [...inserts, ...deletes];
}

function insertLine(chain: string, rule: string, before: RuleRef | null): NftLine {
  if (before === null) return fixedLine(`add rule ${chain} ${rule}`);
  if ("handle" in before) return fixedLine(`insert rule ${chain} position ${before.handle} ${rule}`);
  if ("position" in before) throw new RangeError("nftables names rules by handle, not by position");
  const command = `printf '%s %s %s\\n' ${quote(`insert rule ${chain} position`)} "$(${handleOf(chain, before.comment)} | head -n 1)" ${quote(oneLine(rule))}`;
  return { text: oneLine(`insert rule ${chain} position $handle ${rule}`), script: command };
}

/** A rule that is named by its comment may be gone already, which is as good. */
function deleteLine(chain: string, ref: RuleRef): NftLine {
  if ("handle" in ref) return fixedLine(`delete rule ${chain} handle ${ref.handle}`);
  if ("position" in ref) throw new RangeError("nftables names rules by handle, not by position");
  const command = `${handleOf(chain, ref.comment)} | while read -r batch_handle; do printf '%s %s\\n' ${quote(`delete rule ${chain} handle`)} "$batch_handle"; done`;
  return { text: `delete rule ${chain} handle $handle`, script: command };
}

/** Every rule ends in ` # handle N`; so do the lines that open a table or chain, after a brace. */
const HANDLE_LINE = "/{ # handle [0-9]*$/d;s/.* # handle \\([0-9]*\\)$/\\1/p";

function listHandles(chain: string): string {
  return `nft -a list chain ${commandLine(chain.split(" "))}`;
}

function handleOf(chain: string, comment: string): string {
  const pattern = comment.replaceAll(/[\\.*[\]^$/]/g, "\\$&");
  return `${listHandles(chain)} | sed -n ${quote(`s/.* comment "${pattern}" # handle \\([0-9]*\\)$/\\1/p`)}`;
}

/** Refuses the write when the chain no longer reads as it did when the plan was made. */
function guard(command: string, expected: string, chain: string): string {
  const message = `the chain ${chain} has changed since it was read; nothing was written to it`;
  return `[ "$(${command})" = ${quote(expected)} ] || { printf '%s\\n' ${quote(message)} >&2; exit 1; }`;
}

/** A line break would end the rule and start a command of its own. */
function oneLine(text: string): string {
  if (/[\n\r\0]/.test(text)) throw new RangeError("a firewall rule cannot hold a line break");
  return text;
}

/** nft takes no quotes around names, so a name that is none cannot be written. */
function identifier(name: string): string {
  if (!/^[A-Za-z_][\w./\\-]*$/.test(name)) throw new RangeError(`${JSON.stringify(name)} is no name that nft can read`);
  return name;
}
