import { type Config, readConfig } from "./config.ts";
import { lineText } from "./document.ts";
import { type Edit, editBetween, type Refusal, rejection } from "./edit.ts";
import { documentOf, type Place, withLines, withLineText } from "./place.ts";
import { byBytes, type ConfTree } from "./tree.ts";
import type { Version } from "./version.ts";

/** The file that the system-wide crypto policy writes for Libreswan. */
export const POLICY_FILE = "/etc/crypto-policies/back-ends/libreswan.config";

const COMMENTED = /^([ \t]*#[ \t#]*)include[ \t]+"?\/etc\/crypto-policies\/back-ends\/libreswan\.config"?[ \t]*\r?$/;

/** Whether the configuration takes in the system's crypto policy, by whatever include. */
export function followsPolicy(config: Config): boolean {
  return config.includes.some(({ pattern, files }) => files.includes(POLICY_FILE) || pattern === POLICY_FILE);
}

/** Comments the include of the crypto policy out, or back in; where no line of it is left, adds it before the first other include. */
export function followPolicy(tree: ConfTree, follow: boolean, version: Version): Edit | Refusal {
  const config = readConfig(tree, version);
  const rejected = rejection(config);
  if (rejected !== undefined) return rejected;
  if (followsPolicy(config) === follow) return editBetween(tree, tree, version, []);
  const changed = follow ? withInclude(tree, config) : withoutIncludes(tree, config);
  if ("refused" in changed) return changed;
  const after = rejection(readConfig(changed, version));
  return after ?? editBetween(tree, changed, version, []);
}

function withoutIncludes(tree: ConfTree, config: Config): ConfTree | Refusal {
  const [glob] = config.includes.filter(({ pattern, files }) => pattern !== POLICY_FILE && files.includes(POLICY_FILE));
  if (glob !== undefined) {
    return {
      refused: `${glob.file}:${glob.line} includes the crypto policy by a pattern (${glob.pattern})`,
      help: "name the files that shall be included one by one",
    };
  }
  return config.includes
    .filter(({ pattern }) => pattern === POLICY_FILE)
    .reduce((rest, include) => withLineText(rest, include, `#${textAt(rest, include)}`), tree);
}

/** Brings the commented line back where it is, because its place decides which `%default` wins. */
function withInclude(tree: ConfTree, config: Config): ConfTree {
  const files = [tree.main, ...[...tree.files.keys()].filter((path) => path !== tree.main).sort(byBytes)];
  for (const file of files) {
    const index = documentOf(tree, file).lines.findIndex((line) => COMMENTED.test(lineText(line)));
    if (index < 0) continue;
    const place = { file, line: index + 1 };
    const [, mark = ""] = COMMENTED.exec(textAt(tree, place)) ?? [];
    return withLineText(tree, place, textAt(tree, place).slice(mark.length));
  }
  const others = config.includes.filter(({ file }) => file === tree.main).map(({ line }) => line);
  const end = (tree.files.get(tree.main) ?? "").split("\n").length + 1;
  return withLines(tree, tree.main, others.length === 0 ? end : Math.min(...others), [`include ${POLICY_FILE}`]);
}

function textAt(tree: ConfTree, { file, line }: Place): string {
  const found = documentOf(tree, file).lines[line - 1];
  return found === undefined ? "" : lineText(found);
}
