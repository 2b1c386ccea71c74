import type { Json } from "../model/plan.ts";
import type { Group, Host, Inventory, Variable, Variables } from "./inventory.ts";

/** The variables of one host by Ansible's precedence, strongest last: sources, group_vars (parents first), host_vars, play, command line. */
export function effectiveVariables(host: Host | undefined, inventory: Inventory, stronger: readonly Variables[]): Variables {
  const result = new Map<string, Variable>();
  const add = (variables: Variables | undefined): void => {
    for (const [name, value] of variables ?? []) if (name !== PRIORITY) result.set(name, value);
  };
  const all = inventory.groups.get("all");
  const groups = host === undefined ? [] : ancestry(host.name, inventory);
  for (const group of [all, ...groups]) add(group?.variables.source);
  add(all?.variables.inventory);
  add(all?.variables.playbook);
  for (const group of groups) add(group.variables.inventory);
  for (const group of groups) add(group.variables.playbook);
  for (const tier of ["source", "inventory", "playbook"] as const) add(host?.variables[tier]);
  for (const variables of stronger) add(variables);
  return result;
}

/** Says how a group ranks among others of its depth; no variable of the host. */
const PRIORITY = "ansible_group_priority";

/** Names of the groups that a host is in, `all` left out, in alphabetical order. */
export function groupNames(host: string, inventory: Inventory): readonly string[] {
  return ancestry(host, inventory)
    .map(({ name }) => name)
    .sort();
}

/** Groups of a host below `all`: far ancestors first, then by ansible_group_priority, then by name. */
function ancestry(host: string, inventory: Inventory): readonly Group[] {
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name) || name === "all") return;
    found.add(name);
    for (const parent of inventory.groups.get(name)?.parents ?? []) visit(parent);
  };
  for (const group of inventory.groups.values()) if (group.hosts.has(host)) visit(group.name);
  const groups = [...found].flatMap((name) => inventory.groups.get(name) ?? []);
  const depths = new Map(groups.map(({ name }) => [name, depthOf(name, inventory)]));
  const rank = ({ name }: Group): number => depths.get(name) ?? 0;
  return groups.sort(
    (one, other) => rank(one) - rank(other) || priority(one) - priority(other) || (one.name < other.name ? -1 : 1),
  );
}

/** The longest way up to `all`; groups cannot contain themselves. */
function depthOf(name: string, inventory: Inventory): number {
  const parents = [...(inventory.groups.get(name)?.parents ?? [])];
  return parents.length === 0 ? 0 : 1 + Math.max(...parents.map((parent) => depthOf(parent, inventory)));
}

function priority(group: Group): number {
  const value: Json | undefined = group.variables.source.get(PRIORITY)?.value;
  return typeof value === "number" ? value : 1;
}
