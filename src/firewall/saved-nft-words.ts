/** One word of an nftables script and where it stands; `end` closes a statement (a line's end or `;`). */
export interface NftWord {
  readonly kind: "word" | "string" | "symbol" | "end";
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const PATTERN =
  /(?<skip>[ \t\r]+|\\\r?\n|#[^\n]*)|(?<string>"[^"\n]*")|(?<end>\n|;)|(?<symbol>[{}(),]|&&?|\|\|?|[=!<>]=?|\^)|(?<word>[^\s{}(),&|=!<>^;"#\\]+)|(?<other>.)/gsu;

/** Splits an nftables script into words, as its scanner does; comments and blanks fall away, their places stay. */
export function nftWords(text: string): readonly NftWord[] {
  const words: NftWord[] = [];
  for (const found of text.matchAll(PATTERN)) {
    const { skip, string, end, symbol, word } = found.groups ?? {};
    if (skip !== undefined) continue;
    const start = found.index;
    const place = { start, end: start + found[0].length };
    if (string !== undefined) words.push({ kind: "string", text: string.slice(1, -1), ...place });
    else if (end !== undefined) words.push({ kind: "end", text: end, ...place });
    else if (symbol !== undefined) words.push({ kind: "symbol", text: symbol, ...place });
    else words.push({ kind: "word", text: word ?? found[0], ...place });
  }
  return words;
}
