/** How a renderer marks parts of a text; the plain palette marks nothing. */
export interface Palette {
  readonly good: (text: string) => string;
  readonly change: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly move: (text: string) => string;
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
}

const same = (text: string): string => text;

export const plain: Palette = { good: same, change: same, bad: same, move: same, strong: same, faint: same };

const sgr =
  (on: number, off: number) =>
  (text: string): string =>
    `\u001b[${on}m${text}\u001b[${off}m`;

/** ANSI colours (ECMA-48 SGR) that read well on dark and light backgrounds. */
export const colourful: Palette = {
  good: sgr(32, 39),
  change: sgr(33, 39),
  bad: sgr(31, 39),
  move: sgr(36, 39),
  strong: sgr(1, 22),
  faint: sgr(2, 22),
};

/** What came from a gateway may hold terminal escapes: control characters become `?`, tab and newline stay. */
export function harmless(text: string): string {
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, "?");
}
