import { ConnectionProblem } from "./connection-problem.ts";

/** Options as one types them after `ssh`, sorted out. */
export interface SshArguments {
  /** Lower-case keyword of ssh_config to its values, in order; the first wins. */
  readonly settings: ReadonlyMap<string, readonly string[]>;
  readonly configFile?: string;
}

const KEYWORD_OF_FLAG: Readonly<Record<string, string>> = { J: "proxyjump", i: "identityfile", p: "port", l: "user" };
// They change nothing for a script: verbosity, forwarding off or on, compression, no terminal.
const HARMLESS_FLAGS = /^-[46aACkKnqTvxXY]+$/;

/** Reads `ansible_ssh_common_args`; options that the ssh2 transport cannot honour are a problem, not a silence. */
export function readSshArguments(text: string): SshArguments {
  const settings = new Map<string, string[]>();
  let configFile: string | undefined;
  const words = splitWords(text);
  const add = (keyword: string, value: string) => settings.set(keyword, [...(settings.get(keyword) ?? []), value]);
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (HARMLESS_FLAGS.test(word)) continue;
    const flag = /^-([FJiplo])(.*)$/s.exec(word);
    const value = flag?.[2] || words.shift();
    if (!flag?.[1] || value === undefined) throw unsupported(word);
    if (flag[1] === "F") configFile = value;
    else if (flag[1] === "o") {
      const pair = /^\s*(\w+)\s*[=\s]\s*(.*?)\s*$/s.exec(value);
      if (!pair?.[1]) throw unsupported(`-o ${value}`);
      add(pair[1].toLowerCase(), unquoted(pair[2] ?? ""));
    } else add(KEYWORD_OF_FLAG[flag[1]] ?? "", value);
  }
  return { settings, ...(configFile !== undefined && { configFile }) };
}

/** Splits a command line into words as a shell would, without expanding anything. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  const pieces = text.matchAll(/'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|(\s+)|([\s\S])/g);
  for (const [, single, double, escaped, space, plain] of pieces) {
    if (space !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + (single ?? double?.replace(/\\(["\\$`])/g, "$1") ?? escaped ?? plain ?? "");
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

function unquoted(value: string): string {
  return /^"[^"]*"$/.test(value) ? value.slice(1, -1) : value;
}

function unsupported(word: string): ConnectionProblem {
  return new ConnectionProblem(
    "configuration",
    `the ssh option ${JSON.stringify(word)} is not understood by the ssh2 transport`,
    "set `ipsec_fix_transport: openssh` for this host, which hands all options to ssh itself",
  );
}
