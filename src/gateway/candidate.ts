import { type ConfTree, includedFiles, MAIN_FILE } from "../libreswan/tree.ts";
import type { Gateway } from "./gateway.ts";

/** The configuration that Libreswan reads on this gateway, by path: the main file and all that its includes lead to. */
export function candidateOf(gateway: Gateway): ReadonlyMap<string, string> {
  const files = new Map([...gateway.files].map(([path, { content }]) => [path, content]));
  const tree: ConfTree = { main: MAIN_FILE, files };
  const reached = new Map<string, string>();
  const queue = [MAIN_FILE];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const content = files.get(path);
    if (content === undefined || reached.has(path)) continue;
    reached.set(path, content);
    for (const [, pattern = ""] of content.matchAll(/^include[ \t]+"?([^"\s]+)/gm))
      queue.push(...includedFiles(pattern, tree, true));
  }
  return reached;
}
