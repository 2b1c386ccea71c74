import { didYouMean } from "../text/suggest.ts";
import type { Group } from "./inventory.ts";

/** The hosts that a pattern chooses, and why parts of it choose nothing. */
export interface Selection {
  readonly hosts: readonly string[];
  readonly warnings: readonly string[];
}

/** As much of an inventory as patterns look at. */
export interface Names {
  readonly hosts: ReadonlyMap<string, unknown>;
  readonly groups: ReadonlyMap<string, Pick<Group, "name" | "hosts" | "children">>;
}

/** Ansible patterns: `all`, names, globs, `~regex`, `group[0:2]`; joined by `,` or `:`; `&` keeps only, `!` takes out. */
export function selectHosts(pattern: string, names: Names): Selection {
  const whole = pattern.trim();
  const parts = isName(whole, names) ? [whole] : partsOf(whole);
  const warnings: string[] = [];
  const match = (part: string): readonly string[] => {
    const result = matchPart(part, names);
    if (typeof result !== "string") return result;
    warnings.push(result);
    return [];
  };
  const plain = parts.filter((part) => !/^[!&]/.test(part));
  let chosen = (plain.length === 0 ? ["all"] : plain).flatMap(match);
  for (const part of parts.filter((one) => one.startsWith("&"))) {
    const kept = new Set(match(part.slice(1)));
    chosen = chosen.filter((name) => kept.has(name));
  }
  for (const part of parts.filter((one) => one.startsWith("!"))) {
    const removed = new Set(match(part.slice(1)));
    chosen = chosen.filter((name) => !removed.has(name));
  }
  return { hosts: [...new Set(chosen)], warnings };
}

/** Every host of a group and of the groups inside it, in the order of the inventory. */
export function hostsOf(group: string, { hosts, groups }: Names): readonly string[] {
  const found = new Set<string>();
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const host of groups.get(name)?.hosts ?? []) found.add(host);
    for (const child of groups.get(name)?.children ?? []) visit(child);
  };
  visit(group);
  return [...hosts.keys()].filter((name) => found.has(name));
}

/** Parts between commas and colons; those inside of brackets belong to a range or a set of characters. */
function partsOf(pattern: string): readonly string[] {
  const parts = pattern.match(/(?:\[[^\]]*\]|[^,:[]|\[)+/g) ?? [];
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

function isName(part: string, { hosts, groups }: Names): boolean {
  return hosts.has(part) || groups.has(part);
}

/** The hosts of one part; a sentence when it names nothing. */
function matchPart(part: string, names: Names): readonly string[] | string {
  if (isName(part, names)) return matching((name) => name === part, names);
  const slice = part.startsWith("~") ? null : /^(.+)\[(-?\d+|\d*[:-]\d*)\]$/.exec(part);
  if (slice?.[1] !== undefined && slice[2] !== undefined && /\d/.test(slice[2])) {
    const base = matchPart(slice[1], names);
    return typeof base === "string" ? base : sliceOf(base, slice[2]);
  }
  const test = testOf(part);
  if (typeof test === "string") return test;
  const found = matching(test, names);
  const known = [...names.groups.keys(), ...names.hosts.keys()];
  return found.length > 0 || [...names.groups.keys()].some(test)
    ? found
    : `no host or group matches "${part}"${didYouMean(part, known)}`;
}

function matching(test: (name: string) => boolean, names: Names): readonly string[] {
  const groups = [...names.groups.keys()].filter(test).flatMap((name) => hostsOf(name, names));
  return [...new Set([...groups, ...[...names.hosts.keys()].filter(test)])];
}

function testOf(part: string): ((name: string) => boolean) | string {
  if (!part.startsWith("~")) {
    const glob = globExpression(part);
    return (name) => glob.test(name);
  }
  try {
    const expression = new RegExp(`^(?:${part.slice(1)})`, "u");
    return (name) => expression.test(name);
  } catch {
    return `"${part}" is no regular expression`;
  }
}

/** `*`, `?`, `[abc]` and `[!abc]` as in a shell. */
export function globExpression(glob: string): RegExp {
  const body = glob.replace(/\[(!?)([^\]]+)\]|[\\^$.*+?()[\]{}|/-]/g, (found, negated?: string, set?: string) => {
    if (set !== undefined && runsBackwards(set)) return "(?!)";
    if (set !== undefined) return `[${negated === "!" ? "^" : ""}${set.replace(/[\\\]^]/g, "\\$&")}]`;
    if (found === "*") return ".*";
    return found === "?" ? "." : `\\${found}`;
  });
  return new RegExp(`^${body}$`, "s");
}

/** A range such as `z-a` matches nothing in a shell, and would not compile here. */
function runsBackwards(set: string): boolean {
  return [...set.matchAll(/(?=(.)-(.))/gs)].some(([, from = "", to = ""]) => from > to);
}

/** `[0]`, `[-1]`, `[0:2]` (both ends included), `[1:]`, as Ansible counts. */
function sliceOf(hosts: readonly string[], subscript: string): readonly string[] {
  if (/^-?\d+$/.test(subscript)) return hosts.slice(Number(subscript)).slice(0, 1);
  const [first = "", last = ""] = subscript.split(/[:-]/);
  return hosts.slice(Number(first || 0), last === "" ? undefined : Number(last) + 1);
}
