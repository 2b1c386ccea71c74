import { createHash } from "node:crypto";
import type { HostEntry } from "../model/host.ts";
import type { Json } from "../model/plan.ts";
import type { Problem } from "../model/problem.ts";
import type { ExtraVars, InventoryText, Lookup, NamedText, VarsText } from "../model/project-texts.ts";
import { anyText, needsEngine } from "../text/braces.ts";
import { errorAt } from "../text/place.ts";
import { newSecretBook, type SecretBook } from "../text/secret.ts";
import { readExtraVars } from "./extra-vars.ts";
import { hostEntry } from "./host-entry.ts";
import { evaluateWhen, type HostItems, hostItems, type ItemCache } from "./host-items.ts";
import { type Inventory, readInventory, type Variable, type Variables } from "./inventory.ts";
import { selectHosts } from "./pattern.ts";
import { isMap, type PlaybookText, type PlayText, readPlaybook } from "./playbook.ts";
import { checkRaw } from "./spec.ts";
import type { Choice } from "./tags.ts";
import { groupNames } from "./variables.ts";
import { type HostView, viewer, type World } from "./world.ts";

/** The texts of a project and what the command line chose of it. */
export interface LoadRequest {
  readonly playbook: NamedText;
  readonly inventory: readonly InventoryText[];
  readonly vars: readonly VarsText[];
  readonly extraVars: readonly ExtraVars[];
  /** A pattern on top of each play's own; retry files are read into it already. */
  readonly limit: string | undefined;
  readonly choice: Choice;
  readonly lookup: Lookup;
}

/** One host of a play: how to reach it, and what it shall have. */
export interface PlayHost extends Omit<HostItems, "problems"> {
  readonly host: HostEntry;
  /** Whether a condition holds on this host, given its facts as `factsView` shows them. */
  readonly holds: (
    when: string,
    facts: { readonly [key: string]: Json },
  ) => { readonly holds: boolean } | { readonly problem: string };
}

export interface Play {
  readonly name: string;
  readonly hosts: readonly PlayHost[];
  /** Batches as numbers and percentages; empty takes all hosts at once. */
  readonly serial: readonly (number | string)[];
  readonly maxFail: number | undefined;
  /** Undefined where the play says nothing. */
  readonly become: boolean | undefined;
}

/** A playbook with its inventory, every template rendered and every spec checked. */
export interface Project {
  readonly playbook: { readonly path: string; readonly sha256: string };
  readonly plays: readonly Play[];
  readonly secrets: SecretBook;
}

/** `exit` tells a project that is wrong (65) from a pattern that matches no host (64). */
export type Loaded =
  | { readonly ok: true; readonly project: Project; readonly problems: readonly Problem[] }
  | {
      readonly ok: false;
      readonly exit: 64 | 65;
      readonly problems: readonly Problem[];
      /** Whether the only thing wrong is that there is no inventory. */
      readonly withoutInventory: boolean;
    };

/** From texts to what every host shall have. Pure but for the lookups that it is handed. */
export async function loadProject(request: LoadRequest): Promise<Loaded> {
  const { playbook, problems } = readPlaybook(request.playbook.file, request.playbook.text);
  const inventory = readInventory(request.inventory, request.vars);
  const extra = readExtraVars(request.extraVars);
  const found = [...problems, ...inventory.problems, ...extra.problems, ...(playbook === undefined ? [] : rawProblems(playbook))];
  const secrets = newSecretBook();
  const variables = [...extra.variables.values(), ...allVariables(inventory)];
  const templates = needsTemplates(playbook, variables) ? await import("../text/template.ts") : undefined;
  const world: World = {
    inventory,
    extraVars: extra.variables,
    templates,
    lookup: request.lookup,
    secrets,
    folder: folderOf(request.playbook.file),
  };
  const plays = playbook === undefined ? [] : loadPlays(playbook, request, world);
  // An empty variable of a shell or an empty retry file must not mean every host.
  if (request.limit?.replaceAll(/[,\s]/g, "") === "")
    return { ok: false, exit: 64, problems: [{ severity: "error", message: "--limit names no host" }], withoutInventory: false };
  const limited = request.limit === undefined ? [] : selectHosts(request.limit, inventory).warnings;
  found.push(...limited.map((message): Problem => ({ severity: "warning", message: `--limit: ${message}` })));
  const all = distinct([...found, ...plays.flatMap((play) => play.problems)]);
  if (all.some(({ severity }) => severity === "error")) return { ok: false, exit: 65, problems: all, withoutInventory: false };
  if (plays.every(({ play }) => play.hosts.length === 0)) {
    const withoutInventory = request.inventory.length === 0;
    return { ok: false, exit: 64, problems: distinct([...found, ...noHosts(plays, request)]), withoutInventory };
  }
  if (isNothingChosen(playbook, plays, request.choice))
    return { ok: false, exit: 64, problems: distinct([...found, nothingChosen(request.choice)]), withoutInventory: false };
  const sha256 = createHash("sha256").update(request.playbook.text).digest("hex");
  const project = { playbook: { path: request.playbook.file, sha256 }, plays: plays.map(({ play }) => play), secrets };
  return { ok: true, project, problems: all };
}

interface LoadedPlay {
  readonly play: Play;
  readonly pattern: string;
  readonly noHost: Problem;
  readonly problems: readonly Problem[];
}

function loadPlays({ yaml, plays }: PlaybookText, request: LoadRequest, world: World): readonly LoadedPlay[] {
  const { inventory } = world;
  const view = viewer(world);
  return plays.map((text, index): LoadedPlay => {
    const vars = playVariables(text, yaml);
    const rendered = view("", vars).scope.render(headOf(text), (path) => yaml.valueAt([...text.path, ...path]));
    const head = isMap(rendered.value) ? rendered.value : {};
    const pattern = patternOf(head["hosts"]);
    const place = yaml.valueAt([...text.path, "hosts"]);
    const chosen = rendered.problems.length > 0 ? { hosts: [], warnings: [] } : chooseHosts(pattern, request.limit, world);
    const problems: Problem[] = [
      ...rendered.problems,
      ...(request.inventory.length === 0 ? [] : chosen.warnings).map(
        (message): Problem => ({ ...errorAt(place, message), severity: "warning" }),
      ),
    ];
    const cache: ItemCache = new Map();
    const loaded = chosen.hosts.map((name) =>
      loadHost(name, view(name, inventory.hosts.has(name) ? vars : withLocalConnection(vars)), {
        text,
        yaml,
        cache,
        choice: request.choice,
        world,
      }),
    );
    problems.push(...loaded.flatMap((one) => one.problems));
    const play = {
      name: typeof head["name"] === "string" ? head["name"] : `play ${index + 1}`,
      hosts: loaded.map(({ host }) => host),
      serial: [head["serial"] ?? []].flat() as (number | string)[],
      maxFail: typeof head["max_fail"] === "number" ? head["max_fail"] : undefined,
      become: typeof head["become"] === "boolean" ? head["become"] : undefined,
    };
    return { play, pattern, noHost: errorAt(place, `the pattern "${pattern}" matches no host of the inventory`), problems };
  });
}

interface HostParts {
  readonly text: PlayText;
  readonly yaml: PlaybookText["yaml"];
  readonly cache: ItemCache;
  readonly choice: Choice;
  readonly world: World;
}

function loadHost(
  name: string,
  { variables, scope }: HostView,
  { text, yaml, cache, choice, world }: HostParts,
): { readonly host: PlayHost; readonly problems: readonly Problem[] } {
  const playTags = Array.isArray(text.head["tags"]) ? text.head["tags"].map(String) : [];
  const { entry, problems } = hostEntry(name, groupNames(name, world.inventory), variables, scope);
  const items = hostItems({ yaml, resources: text.resources, checks: text.checks, playTags, choice, cache }, scope);
  const host: PlayHost = {
    host: entry,
    resources: items.resources,
    skipped: items.skipped,
    checks: items.checks,
    holds: (when, facts) => evaluateWhen(when, scope, facts),
  };
  return { host, problems: [...problems, ...items.problems] };
}

/** A host that no inventory has is this machine. */
function withLocalConnection(vars: Variables): Variables {
  return new Map([["ansible_connection", { value: "local", origin: "" }], ...vars]);
}

/** `localhost` needs no inventory, as in Ansible. */
function chooseHosts(
  pattern: string,
  limit: string | undefined,
  { inventory }: World,
): { readonly hosts: readonly string[]; readonly warnings: readonly string[] } {
  const implicit =
    ["localhost", "127.0.0.1", "::1"].includes(pattern) && !inventory.hosts.has(pattern) && !inventory.groups.has(pattern);
  const names = implicit ? { ...inventory, hosts: new Map([...inventory.hosts, [pattern, undefined]]) } : inventory;
  const own = implicit ? { hosts: [pattern], warnings: [] } : selectHosts(pattern, names);
  if (limit === undefined) return own;
  const limited = selectHosts(limit, names);
  const kept = new Set(limited.hosts);
  return { hosts: own.hosts.filter((host) => kept.has(host)), warnings: own.warnings };
}

function noHosts(plays: readonly LoadedPlay[], { limit, inventory }: LoadRequest): readonly Problem[] {
  if (inventory.length === 0)
    return [
      {
        severity: "error",
        message: "there is no inventory, so no host to work on",
        help: "name one with -i, or lay one down with ipsec-fix init",
      },
    ];
  if (limit === undefined)
    return plays.flatMap(({ noHost, problems }) => (problems.length > 0 ? problems.map(asError) : [noHost]));
  const patterns = plays.map(({ pattern }) => `"${pattern}"`).join(", ");
  return [{ severity: "error", message: `--limit "${limit}" leaves no host of ${patterns}` }];
}

/** A slip in a tag or an address must not look like a gateway that is as declared. */
function isNothingChosen(playbook: PlaybookText | undefined, plays: readonly LoadedPlay[], choice: Choice): boolean {
  if ([...choice.tags, ...choice.skipTags, ...choice.target].length === 0) return false;
  if (playbook?.plays.every(({ resources, checks }) => resources.length + checks.length === 0)) return false;
  const hosts = plays.flatMap(({ play }) => play.hosts);
  return hosts.every(({ resources, skipped, checks }) => resources.length + skipped.length + checks.length === 0);
}

function nothingChosen({ tags, skipTags, target }: Choice): Problem {
  const flags = [
    ...target.map((address) => `--target "${address}"`),
    ...(tags.length > 0 ? [`--tags "${tags.join(",")}"`] : []),
    ...(skipTags.length > 0 ? [`--skip-tags "${skipTags.join(",")}"`] : []),
  ];
  return { severity: "error", message: `${flags.join(", ")} leaves nothing of the playbook` };
}

function asError(problem: Problem): Problem {
  return { ...problem, severity: "error" };
}

function rawProblems({ yaml, plays }: PlaybookText): readonly Problem[] {
  return plays.flatMap((play) => [...play.resources, ...play.checks].flatMap((item) => checkRaw(yaml, item)));
}

function playVariables({ head, path }: PlayText, yaml: PlaybookText["yaml"]): Variables {
  const vars = isMap(head["vars"]) ? head["vars"] : {};
  return new Map(
    Object.entries(vars).map(([name, value]) => [
      name,
      { value, origin: "", place: (inner) => yaml.valueAt([...path, "vars", name, ...inner]) },
    ]),
  );
}

/** What of a play is rendered for the play itself: everything but its variables. */
function headOf({ head }: PlayText): Json {
  const { vars: _, ...rest } = head;
  return rest;
}

function patternOf(hosts: Json | undefined): string {
  return Array.isArray(hosts) ? hosts.map(String).join(",") : String(hosts ?? "");
}

/** The template engine costs some 30 ms at start, and a playbook whose templates are plain variables does without it. */
function needsTemplates(playbook: PlaybookText | undefined, variables: readonly Variable[]): boolean {
  const items = (playbook?.plays ?? []).flatMap(({ resources, checks }) => [...resources, ...checks]);
  if (items.some(({ when }) => when !== undefined)) return true;
  return anyText(playbook?.yaml.value ?? null, needsEngine) || variables.some(({ value }) => anyText(value, needsEngine));
}

function allVariables({ groups, hosts }: Inventory): readonly Variable[] {
  return [...groups.values(), ...hosts.values()].flatMap(({ variables }) =>
    Object.values(variables).flatMap((tier) => [...tier.values()]),
  );
}

/** A mistake in a shared place shows once, not once for each host; in the order of the files' lines. */
function distinct(problems: readonly Problem[]): readonly Problem[] {
  const unique = [...new Map(problems.map((problem) => [JSON.stringify([problem.at, problem.message]), problem])).values()];
  const files = [...new Set(unique.map(({ at }) => at?.file))];
  const order = ({ at }: Problem): number =>
    files.indexOf(at?.file) * 1e9 + (at?.line ?? 0) * 1e3 + Math.min(at?.column ?? 0, 999);
  return unique.sort((one, other) => order(one) - order(other));
}

function folderOf(file: string): string {
  const cut = file.lastIndexOf("/");
  return cut < 0 ? "." : file.slice(0, cut) || "/";
}
