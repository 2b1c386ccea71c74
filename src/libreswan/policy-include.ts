import { type Config, readConfig } from "./config.ts";
import { lineText } from "./document.ts";
import { type Edit, editBetween, type Refusal, rejection } from "./edit.ts";
import { documentOf, type Place, withLines, withLineText } from "./place.ts";
import { byBytes, type ConfTree } from "./tree.ts";
import type { Version } from "./version.ts";

/** The file that the system-wide crypto policy writes for Libreswan. */
export const POLICY_FILE = "/etc/crypto-policies/back-ends/libreswan.config";

const COMMENTED =
  /^([ \t]*#[ \t#]*)include[ \t]+"?\/etc\/crypto-policies\/back-ends\/libreswan\.config"?(?:[ \t]+#[ \t].*)?[ \t]*\r?$/;

/** Whether the configuration takes in the system's crypto policy, by whatever include. */
export function followsPolicy(config: Config): boolean {
  return config.includes.some(({ pattern, files }) => files.includes(POLICY_FILE) || pattern === POLICY_FILE);
}

/** Why the configuration follows the policy, or does not: the line that says so. */
export function policyReason(tree: ConfTree, config: Config): string {
  const include = config.includes.find(({ pattern, files }) => files.includes(POLICY_FILE) || pattern === POLICY_FILE);
  if (include !== undefined) return `${include.file}:${include.line} includes the crypto policy`;
  const place = commentedInclude(tree);
  return place === undefined
    ? "no line includes the crypto policy"
    : `${place.file}:${place.line} has the include of the crypto policy commented out`;
}

/** Comments the include of the crypto policy out, or back in; where no line of it is left, adds it before all conns. */
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
  const place = commentedInclude(tree);
  if (place !== undefined) {
    const [, mark = ""] = COMMENTED.exec(textAt(tree, place)) ?? [];
    return withLineText(tree, place, textAt(tree, place).slice(mark.length));
  }
  const sections = config.sections.filter(({ kind }) => kind === "conn");
  const places = [...config.includes, ...sections].filter(({ file }) => file === tree.main).map(({ line }) => line);
  const end = (tree.files.get(tree.main) ?? "").split("\n").length + 1;
  return withLines(tree, tree.main, places.length === 0 ? end : Math.min(...places), [`include ${POLICY_FILE}`]);
}

function commentedInclude(tree: ConfTree): Place | undefined {
  const files = [tree.main, ...[...tree.files.keys()].filter((path) => path !== tree.main).sort(byBytes)];
  for (const file of files) {
    const index = documentOf(tree, file).lines.findIndex((line) => COMMENTED.test(lineText(line)));
    if (index >= 0) return { file, line: index + 1 };
  }
  return undefined;
}

function textAt(tree: ConfTree, { file, line }: Place): string {
  const found = documentOf(tree, file).lines[line - 1];
  return found === undefined ? "" : lineText(found);
}
