import type { Json } from "../model/plan.ts";
import type { Lookup } from "../model/project-texts.ts";
import { anyText, hasTemplate } from "../text/braces.ts";
import { isSecretName, type SecretBook } from "../text/secret.ts";
import type { Inventory, Variable, Variables } from "./inventory.ts";
import { hostsOf } from "./pattern.ts";
import { isMap } from "./playbook.ts";
import { type HostScope, newScope, type Templates } from "./scope.ts";
import { effectiveVariables, groupNames } from "./variables.ts";

/** What all scopes of a project share. */
export interface World {
  readonly inventory: Inventory;
  readonly extraVars: Variables;
  readonly templates: Templates | undefined;
  readonly lookup: Lookup;
  readonly secrets: SecretBook;
  /** The folder of the playbook, for `playbook_dir`. */
  readonly folder: string;
}

/** The variables of a host under a play, and the scope that renders them. */
export interface HostView {
  readonly variables: Variables;
  readonly scope: HostScope;
}

/** Makes views of hosts; what `hostvars` shows of other hosts is made once. */
export function viewer(world: World): (host: string, playVars: Variables) => HostView {
  const { inventory, extraVars, secrets } = world;
  const groups = once(() => groupsValue(inventory));
  const others = once(() => hostvars(inventory, (host) => view(host, new Map(), () => undefined)));
  const view = (host: string, playVars: Variables, shared: (name: string) => Json | undefined): HostView => {
    const record = inventory.hosts.get(host);
    const variables = effectiveVariables(record, inventory, [playVars, extraVars]);
    const own: Readonly<Record<string, () => Json>> = {
      inventory_hostname: () => host,
      inventory_hostname_short: () => host.split(".", 1)[0] ?? host,
      group_names: () => groupNames(host, inventory).filter((name) => name !== "ungrouped"),
      inventory_dir: () => record?.folder ?? ".",
      playbook_dir: () => world.folder,
      groups,
    };
    const magic = (name: string): Json | undefined => own[name]?.() ?? shared(name);
    const scope = newScope({ host, variables, magic, templates: world.templates, lookup: world.lookup, secrets });
    return { variables, scope };
  };
  return (host, playVars) => {
    const made = view(host, playVars, (name) => (name === "hostvars" ? others() : undefined));
    for (const [name, variable] of made.variables) if (mentionsSecret(name, variable)) made.scope.variable(name);
    return made;
  };
}

/**
 * Secrets are masked in whatever a host sends, also those that no template uses. One that would have to be looked up first
 * is left alone until it is used: a lookup may run a program.
 */
function mentionsSecret(name: string, { value }: Variable): boolean {
  return (isSecretName(name) || holdsSecret(value)) && !anyText(value, hasTemplate);
}

function holdsSecret(value: Json): boolean {
  if (Array.isArray(value)) return value.some(holdsSecret);
  return isMap(value) && Object.entries(value).some(([key, inner]) => isSecretName(key) || holdsSecret(inner));
}

function groupsValue(inventory: Inventory): Json {
  return Object.fromEntries([...inventory.groups.keys()].map((name) => [name, hostsOf(name, inventory)]));
}

function hostvars(inventory: Inventory, view: (host: string) => HostView): Json {
  const rendered = (host: string): Json => {
    const { variables, scope } = view(host);
    const entries = [...variables.keys()].map((name) => [name, scope.variable(name)] as const);
    return { inventory_hostname: host, ...Object.fromEntries(entries.filter(([, value]) => value !== undefined)) } as Json;
  };
  return Object.fromEntries([...inventory.hosts.keys()].map((host) => [host, rendered(host)]));
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
