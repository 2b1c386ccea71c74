import { closest, distance } from "fastest-levenshtein";

/** The word that was probably meant: the nearest one, if it is near enough to be a slip of the hand. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0 || word.length < 2) return undefined;
  const fold = (text: string): string => text.toLowerCase().replaceAll("-", "_");
  const folded = known.map(fold);
  const found = closest(fold(word), folded);
  const swapped = sorted(fold(word)) === sorted(found) ? 2 : 1;
  const allowed = Math.max(swapped, Math.floor(Math.max(word.length, found.length) / 3));
  return distance(fold(word), found) <= allowed ? known[folded.indexOf(found)] : undefined;
}

function sorted(text: string): string {
  return [...text].sort().join("");
}

/** ` (did you mean "x"?)`, or nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  return meant === undefined ? "" : ` (did you mean "${meant}"?)`;
}
