import type { Rule, Table } from "./model.ts";
import { isOwn } from "./owner.ts";
import type { Offence } from "./walk.ts";

/** A rule as a person would quote it: `MASQUERADE -o eth0`, `jump to DOCKER`, `oifname "eth0" masquerade`. */
export function quotation(table: Pick<Table, "backend">, rule: Rule): string {
  if (table.backend === "nftables")
    return withoutComment(rule.text, / ?comment "[^"]*"$/)
      .replace(/\bcounter (name "[^"]*" ?)?|\bcounter$/g, "")
      .trim();
  const bare = withoutComment(rule.text, /-m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+) ?/);
  const [, matches = "", letter, target = "", options = ""] = /^(.*?)\s*-([jg]) (\S+)(.*)$/s.exec(bare) ?? [];
  if (letter === undefined) return bare.trim() || "counts every packet";
  const isJump = rule.verdict.kind === "jump" || rule.verdict.kind === "goto";
  const name = isJump ? `${rule.verdict.kind === "jump" ? "jump" : "go"} to ${target}` : `${target}${options}`;
  return matches ? `${name} ${matches}` : name;
}

function withoutComment(text: string, pattern: RegExp): string {
  return text.replace(pattern, "");
}

/** Why packets are not exempt: `rule 1 (MASQUERADE -o eth0)`, with the rule that a jump leads to. */
export function culprit(table: Table, offence: Offence): string {
  const { rule, rewriter } = offence;
  const quoted = `rule ${numberOf(table, offence)} (${quotation(table, rule)})`;
  return rewriter === rule ? quoted : `${quoted}, which leads to ${quotation(table, rewriter)},`;
}

/** The rule's number on the gateway, where the rules that this plan puts before it do not stand yet. */
function numberOf(table: Table, { index, rule }: Offence): number {
  const chain = table.chains.find(({ rules }) => rules[index] === rule);
  return index + 1 - (chain?.rules.slice(0, index).filter(isPlanned).length ?? 0);
}

function isPlanned(rule: Rule): boolean {
  return isOwn(rule) && rule.handle === undefined && rule.counters === undefined;
}

/** A foreign rule may hold what the tool cannot read back from its own listing; such a rule is not touched. */
export function canReturn(table: Pick<Table, "backend">, rule: Rule): boolean {
  if (/[\n\r\0]/.test(rule.text)) return false;
  if (table.backend !== "nftables") return true;
  const comment = rule.comment ?? "";
  return !rule.text.includes('{"') && !comment.includes('"') && comment.length <= 127 && (isOwn(rule) || !rule.alsoActs);
}
