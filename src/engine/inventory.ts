import type { Json } from "../model/plan.ts";
import type { Problem } from "../model/problem.ts";
import type { InventoryText, VarsText } from "../model/project-texts.ts";
import { type IniVariable, parseIniInventory } from "../text/ini.ts";
import { errorAt, type Place, placeAt } from "../text/place.ts";
import { didYouMean } from "../text/suggest.ts";
import { type Path, parseYaml, type YamlText } from "../text/yaml.ts";
import { expandRange, hostAndPort } from "./host-range.ts";

/** A variable as somebody wrote it. */
export interface Variable {
  readonly value: Json;
  /** The group or host that it was written for; empty for plays and the command line. */
  readonly origin: string;
  readonly place?: (path: Path) => Place;
}

export type Variables = ReadonlyMap<string, Variable>;

/** Where variables of a group or host come from; a later one beats an earlier one. */
export type Tier = "source" | "inventory" | "playbook";

export interface Group {
  readonly name: string;
  readonly hosts: Set<string>;
  readonly children: Set<string>;
  readonly parents: Set<string>;
  readonly variables: Record<Tier, Map<string, Variable>>;
}

export interface Host {
  readonly name: string;
  readonly variables: Record<Tier, Map<string, Variable>>;
  /** The folder of the source that names it first, for `inventory_dir`. */
  readonly folder: string;
}

/** Hosts and groups of all sources together, hosts in the order in which they were first named. */
export interface Inventory {
  readonly hosts: ReadonlyMap<string, Host>;
  readonly groups: ReadonlyMap<string, Group>;
  readonly problems: readonly Problem[];
}

/** Reads and merges inventory sources and the variable files that belong to them. */
export function readInventory(sources: readonly InventoryText[], vars: readonly VarsText[]): Inventory {
  const draft: Draft = { hosts: new Map(), groups: new Map(), problems: [] };
  groupOf(draft, "all");
  groupOf(draft, "ungrouped");
  for (const source of sources) readSource(draft, source);
  closeGroups(draft);
  for (const file of vars) readVars(draft, file);
  return draft;
}

interface Draft {
  readonly hosts: Map<string, Host>;
  readonly groups: Map<string, Group>;
  readonly problems: Problem[];
}

function readSource(draft: Draft, source: InventoryText): void {
  if (source.form === "list") {
    for (const name of source.text.split(",").map((word) => word.trim()))
      if (name !== "") addHosts(draft, "ungrouped", name, [], source, undefined);
    return;
  }
  const vault = vaultedFile(source.file, source.text);
  if (vault !== undefined) return void draft.problems.push({ ...vault, severity: "error" });
  const yaml = source.form === "ini" ? undefined : parseYaml(source.file, source.text, "ansible");
  if (yaml === undefined || (source.form === "unknown" && !(yaml.ok && isMap(yaml.value.value)))) {
    readIni(draft, source);
    return;
  }
  draft.problems.push(...yaml.problems);
  if (yaml.ok) readYaml(draft, source, yaml.value);
}

function readYaml(draft: Draft, source: InventoryText, yaml: YamlText): void {
  const { value } = yaml;
  if (value === null) return;
  if (!isMap(value))
    return void draft.problems.push(
      errorAt(yaml.valueAt([]), "an inventory is a map of groups", "begin with all: and hosts: below it"),
    );
  if ("plugin" in value)
    return void draft.problems.push(
      errorAt(
        yaml.keyAt(["plugin"]),
        "inventory plugins are not run",
        "write what the plugin finds to a file: ansible-inventory --list --yaml > hosts.yml",
      ),
    );
  for (const [name, body] of Object.entries(value)) readYamlGroup(draft, source, yaml, { name, body, path: [name] });
}

interface YamlGroup {
  readonly name: string;
  readonly body: Json;
  readonly path: Path;
}

function readYamlGroup(draft: Draft, source: InventoryText, yaml: YamlText, { name, body, path }: YamlGroup): void {
  const group = groupOf(draft, name);
  if (body === null) return;
  if (!isMap(body))
    return void draft.problems.push(errorAt(yaml.valueAt(path), `group ${name} is a map with hosts, children or vars`));
  for (const key of Object.keys(body))
    if (!["hosts", "children", "vars"].includes(key))
      draft.problems.push({
        ...errorAt(
          yaml.keyAt([...path, key]),
          `unknown key "${key}" in group ${name}${didYouMean(key, ["hosts", "children", "vars"])}`,
        ),
        severity: "warning",
      });
  const section = (key: string): readonly (readonly [string, Json])[] => {
    const inner = body[key] ?? null;
    if (typeof inner === "string" && key === "hosts") return [[inner, null]];
    if (inner === null || isMap(inner)) return Object.entries(inner ?? {});
    draft.problems.push(
      errorAt(
        yaml.valueAt([...path, key]),
        `${key} of group ${name} is a map, not a list`,
        `write each as "name:" below ${key}:`,
      ),
    );
    return [];
  };
  for (const [key, value] of section("vars"))
    group.variables.source.set(key, variable(yaml, [...path, "vars", key], value, name));
  for (const [host, vars] of section("hosts")) {
    const at = [...path, "hosts", host];
    if (vars !== null && !isMap(vars)) draft.problems.push(errorAt(yaml.valueAt(at), `variables of host ${host} are a map`));
    const own = Object.entries(isMap(vars) ? vars : {}).map(
      ([key, value]) => [key, variable(yaml, [...at, key], value, host)] as const,
    );
    addHosts(draft, name, host, own, source, yaml.keyAt(at));
  }
  for (const [child, inner] of section("children")) {
    link(draft, name, child, yaml.keyAt([...path, "children", child]));
    readYamlGroup(draft, source, yaml, { name: child, body: inner, path: [...path, "children", child] });
  }
}

function readIni(draft: Draft, source: InventoryText): void {
  const { sections, problems } = parseIniInventory(source.file, source.text);
  draft.problems.push(...problems);
  for (const { group, kind } of sections) if (kind !== "vars") groupOf(draft, group);
  const asVariable = ({ name, value, place }: IniVariable, origin: string) =>
    [name, { value, origin, place: () => place }] as const;
  for (const { group, kind, entries, place } of sections) {
    if (kind === "vars" && !draft.groups.has(group)) {
      draft.problems.push(errorAt(place, `no group ${group} to give variables to${didYouMean(group, [...draft.groups.keys()])}`));
      continue;
    }
    for (const entry of entries) {
      if (kind === "vars")
        for (const one of entry.variables) groupOf(draft, group).variables.source.set(...asVariable(one, group));
      else if (kind === "children") {
        if (!draft.groups.has(entry.name))
          draft.problems.push(errorAt(entry.place, `no group ${entry.name}${didYouMean(entry.name, [...draft.groups.keys()])}`));
        else link(draft, group, entry.name, entry.place);
      } else
        addHosts(
          draft,
          group,
          entry.name,
          entry.variables.map((one) => asVariable(one, entry.name)),
          source,
          entry.place,
        );
    }
  }
}

function addHosts(
  draft: Draft,
  group: string,
  pattern: string,
  own: readonly (readonly [string, Variable])[],
  source: InventoryText,
  place: Place | undefined,
): void {
  const { name: range, port } = hostAndPort(pattern);
  const names = expandRange(range);
  if (typeof names === "string")
    return void draft.problems.push(place === undefined ? { severity: "error", message: names } : errorAt(place, names));
  const { hosts } = groupOf(draft, group);
  for (const name of names) {
    const known = draft.hosts.get(name) ?? { name, variables: tiers(), folder: folderOf(source.file) };
    draft.hosts.set(name, known);
    hosts.add(name);
    if (port !== undefined) known.variables.source.set("ansible_port", { value: port, origin: name });
    for (const [key, value] of own) known.variables.source.set(key, { ...value, origin: name });
  }
}

function link(draft: Draft, parent: string, child: string, place: Place): void {
  const outer = groupOf(draft, parent);
  const inner = groupOf(draft, child);
  if (parent === child || descendants(draft, child).has(parent)) {
    draft.problems.push(errorAt(place, `group ${child} would contain itself`));
    return;
  }
  outer.children.add(child);
  inner.parents.add(parent);
}

function descendants(draft: Draft, name: string, seen = new Set<string>()): ReadonlySet<string> {
  for (const child of draft.groups.get(name)?.children ?? []) {
    if (seen.has(child)) continue;
    seen.add(child);
    descendants(draft, child, seen);
  }
  return seen;
}

/** Groups without a parent are children of `all`; hosts in no other group are in `ungrouped`. */
function closeGroups(draft: Draft): void {
  const all = groupOf(draft, "all");
  const ungrouped = groupOf(draft, "ungrouped");
  for (const group of draft.groups.values()) {
    if (group === all || group.parents.size > 0) continue;
    group.parents.add("all");
    all.children.add(group.name);
  }
  const grouped = new Set(
    [...draft.groups.values()].filter((group) => group !== all && group !== ungrouped).flatMap(({ hosts }) => [...hosts]),
  );
  for (const name of draft.hosts.keys()) {
    if (grouped.has(name)) ungrouped.hosts.delete(name);
    else ungrouped.hosts.add(name);
    all.hosts.add(name);
  }
}

function readVars(draft: Draft, file: VarsText): void {
  const owner = file.of === "group" ? draft.groups.get(file.name) : draft.hosts.get(file.name);
  if (owner === undefined) return;
  const vault = vaultedFile(file.file, file.text);
  if (vault !== undefined) return void draft.problems.push(vault);
  const yaml = parseYaml(file.file, file.text, "ansible");
  draft.problems.push(...yaml.problems);
  if (!yaml.ok || yaml.value.value === null) return;
  const { value } = yaml.value;
  if (!isMap(value))
    return void draft.problems.push(errorAt(yaml.value.valueAt([]), "a file of variables is a map: name: value"));
  const target = owner.variables[file.beside];
  for (const [key, inner] of Object.entries(value)) target.set(key, variable(yaml.value, [key], inner, file.name));
}

/** A file that ansible-vault encrypted: its variables are not known, and whatever needs one of them will say so. */
function vaultedFile(file: string, text: string): Problem | undefined {
  if (!text.startsWith("$ANSIBLE_VAULT;")) return undefined;
  return {
    severity: "warning",
    message: "encrypted with ansible-vault, which ipsec-fix does not open: what it holds is not known here",
    help: 'hand secrets over by {{ env("NAME") }} or {{ file("path") }}, or by --extra-vars @file',
    at: placeAt({ file, text }, 0, 1).at,
  };
}

function variable(yaml: YamlText, path: Path, value: Json, origin: string): Variable {
  return { value, origin, place: (inner) => yaml.valueAt([...path, ...inner]) };
}

function groupOf(draft: Draft, name: string): Group {
  const known = draft.groups.get(name);
  if (known !== undefined) return known;
  const group: Group = { name, hosts: new Set(), children: new Set(), parents: new Set(), variables: tiers() };
  draft.groups.set(name, group);
  return group;
}

function tiers(): Record<Tier, Map<string, Variable>> {
  return { source: new Map(), inventory: new Map(), playbook: new Map() };
}

function folderOf(file: string): string {
  const cut = file.lastIndexOf("/");
  return cut < 0 ? "." : file.slice(0, cut) || "/";
}

function isMap(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
