import type { Facts, Reading } from "../../src/model/fact.ts";

/** Facts with these readings, each of a command that ended well. */
export function factsWith(texts: Readonly<Record<string, string>>): Facts {
  const readings = Object.entries(texts).map(([key, text]): [string, Reading] => [key, { exit: 0, text }]);
  return { readings: new Map(readings), files: new Map() };
}
