import { writeResult } from "../io/result-files.ts";
import type { Plan } from "../model/plan.ts";
import type { Palette } from "../report/palette.ts";
import { planHtml } from "../report/plan-html.ts";
import { planJunit } from "../report/plan-junit.ts";
import { planMarkdown } from "../report/plan-markdown.ts";
import { planText } from "../report/plan-text.ts";
import { redact } from "../text/redact.ts";
import { hideTokens } from "../text/secret.ts";
import type { Format } from "./output-format.ts";

/** Where the result of a run goes: one form for the caller, any number of files beside it. */
export interface OutputOptions {
  readonly format: Format;
  /** A file instead of standard output. */
  readonly out: string | undefined;
  readonly reports: readonly { readonly format: Format; readonly file: string }[];
  readonly palette: Palette;
  readonly plainPalette: Palette;
  readonly verbose: number;
}

/** Prints a plan or report in the wanted form and writes every file that was asked for; sentences for those that failed. */
export async function publish(plan: Plan, options: OutputOptions, print: (text: string) => void): Promise<readonly string[]> {
  const { format, out, reports, palette, plainPalette, verbose } = options;
  if (out === undefined) print(render(plan, format, palette, verbose));
  const files = [...(out === undefined ? [] : [{ format, file: out }]), ...reports];
  const troubles = await Promise.all(
    files.map((wanted) => writeResult(wanted.file, render(plan, wanted.format, plainPalette, verbose))),
  );
  return troubles.filter((trouble) => trouble !== undefined);
}

/** One form of a plan or report; the last thing between it and the world hides what looks like a key. */
function render(plan: Plan, format: Format, palette: Palette, verbose: number): string {
  return redact(form(plan, format, palette, verbose));
}

function form(plan: Plan, format: Format, palette: Palette, verbose: number): string {
  switch (format) {
    case "text":
      return planText(plan, { palette, verbose });
    case "json":
      return `${hideTokens(JSON.stringify(plan, undefined, 2))}\n`;
    case "jsonl":
      return [...plan.hosts, { summary: plan.summary }].map((line) => `${hideTokens(JSON.stringify(line))}\n`).join("");
    case "markdown":
      return planMarkdown(plan);
    case "junit":
      return planJunit(plan);
    case "html":
      return planHtml(plan);
  }
}
