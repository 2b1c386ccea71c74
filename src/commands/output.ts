import { writeFile } from "node:fs/promises";
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

/** Prints a plan or report in the wanted form and writes every file that was asked for. */
export async function publish(plan: Plan, options: OutputOptions, print: (text: string) => void): Promise<void> {
  const text = render(plan, options.format, options.out === undefined ? options.palette : options.plainPalette, options.verbose);
  if (options.out === undefined) print(text);
  else await writeFile(options.out, text);
  for (const { format, file } of options.reports)
    await writeFile(file, render(plan, format, options.plainPalette, options.verbose));
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
