import { readFile, stat } from "node:fs/promises";

/** Reads and parses a file once for all hosts, and again only when it has changed; undefined where it cannot be read. */
export function cachedFile<T>(parse: (text: string, path: string) => T): (path: string) => Promise<T | undefined> {
  const cache = new Map<string, { readonly stamp: string; readonly value: Promise<T | undefined> }>();
  return async (path) => {
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    if (!found?.isFile()) return undefined;
    const stamp = `${found.mtimeNs} ${found.size} ${found.ino}`;
    const cached = cache.get(path);
    if (cached?.stamp === stamp) return cached.value;
    // Kept before it is read: all hosts of a run start at once.
    const value = readFile(path, "utf8")
      .catch(() => undefined)
      .then((text) => (text === undefined ? undefined : parse(text, path)));
    cache.set(path, { stamp, value });
    return value;
  };
}
