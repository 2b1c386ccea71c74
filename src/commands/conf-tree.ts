import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { lineText, parseDocument } from "../libreswan/document.ts";
import { type ConfTree, fits, includePatterns, isPattern } from "../libreswan/tree.ts";

/** Reads a main file and every file that its includes reach, absolute ones below `root`. */
export async function readConfTree(file: string, root: string | undefined, directory: string): Promise<ConfTree> {
  const main = await readMain(file, root);
  const start = root === undefined ? directory : "/";
  const files = new Map([[file, decode(main)]]);
  const pending = includesOf(files.get(file) ?? "");
  for (let pattern = pending.shift(); pattern !== undefined; pattern = pending.shift()) {
    for (const path of await matches(includePatterns(pattern, start), root ?? "/")) {
      const bytes = files.has(path) ? undefined : await readFile(join(root ?? "/", path)).catch(() => undefined);
      if (bytes === undefined) continue;
      files.set(path, decode(bytes));
      pending.push(...includesOf(files.get(path) ?? ""));
    }
  }
  return { main: file, files, directory: start };
}

/** A file that the root has by this very path is meant there; any other is a file of this machine. */
async function readMain(file: string, root: string | undefined): Promise<Uint8Array> {
  const rooted = root === undefined ? undefined : await readFile(join(root, file)).catch(() => undefined);
  return rooted ?? readFile(file);
}

function includesOf(text: string): string[] {
  return parseDocument(text).lines.flatMap((line) => {
    const found = line.kind === "include" ? /^include\s+"?([^\s"]+)/.exec(lineText(line))?.[1] : undefined;
    return found === undefined ? [] : [found];
  });
}

async function matches(patterns: readonly string[], root: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pattern of patterns) found.push(...(await expand(pattern, root)));
  return [...new Set(found)];
}

/** Follows a pattern folder by folder, listing only where a part of it is a wildcard. */
async function expand(pattern: string, root: string): Promise<readonly string[]> {
  let reached: readonly string[] = [""];
  let prefix = "";
  for (const part of pattern.split("/").slice(1)) {
    prefix = `${prefix}/${part}`;
    const next: string[] = [];
    for (const folder of reached) {
      if (!isPattern(part)) next.push(`${folder}/${part}`);
      else
        next.push(
          ...(await readdir(join(root, folder)).catch(() => []))
            .map((name) => `${folder}/${name}`)
            .filter((path) => fits(path, prefix)),
        );
    }
    reached = next;
  }
  return reached;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return Buffer.from(bytes).toString("latin1");
  }
}
