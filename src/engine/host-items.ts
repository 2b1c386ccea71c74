import type { Check } from "../model/check.ts";
import type { Json } from "../model/plan.ts";
import type { Problem } from "../model/problem.ts";
import type { Resource } from "../model/resource.ts";
import { namesIn } from "../text/braces.ts";
import { errorAt, narrowed } from "../text/place.ts";
import { hideTokens } from "../text/secret.ts";
import { didYouMean } from "../text/suggest.ts";
import type { YamlText } from "../text/yaml.ts";
import { specimenFacts } from "./facts-view.ts";
import { type Item, isMap } from "./playbook.ts";
import type { HostScope } from "./scope.ts";
import { checkSpec, holdsTemplate, nameFromSpec } from "./spec.ts";
import { type Choice, isTagged, isTarget } from "./tags.ts";

/** A resource that a condition over variables alone left out on one host. */
export interface Skipped {
  /** How many of the host's resources come before it. */
  readonly index: number;
  readonly address: string;
  readonly kind: string;
  readonly name: string;
  readonly reason: string;
}

/** What one host of a play shall have, rendered for its variables. */
export interface HostItems {
  readonly resources: readonly Resource[];
  readonly skipped: readonly Skipped[];
  readonly checks: readonly Check[];
  readonly problems: readonly Problem[];
}

/** Items without templates are checked once and shared by all hosts. */
export type ItemCache = Map<Item, { readonly spec: Json; readonly problems: readonly Problem[] }>;

export interface ItemsRequest {
  readonly yaml: YamlText;
  readonly resources: readonly Item[];
  readonly checks: readonly Item[];
  readonly playTags: readonly string[];
  readonly choice: Choice;
  readonly cache: ItemCache;
}

/** Renders and checks the items of a play for one host. */
export function hostItems(request: ItemsRequest, scope: HostScope): HostItems {
  const problems: Problem[] = [];
  const skipped: Skipped[] = [];
  const resources: Resource[] = [];
  const items: Item[] = [];
  for (const item of request.resources) {
    if (!isTagged([...request.playTags, ...item.tags], request.choice)) continue;
    const made = make(request, item, scope);
    problems.push(...made.problems);
    const address = `${item.word}[${made.name}]`;
    if (!isTarget(address, made.name, request.choice)) continue;
    if (made.skip !== undefined)
      skipped.push({ index: resources.length, address, kind: item.word, name: made.name, reason: made.skip });
    else if (made.problems.length === 0) {
      resources.push(resourceOf(request, item, made));
      items.push(item);
    }
  }
  problems.push(...duplicates(request.yaml, resources, items));
  const checks = checksOf(request, scope, problems);
  return { resources, skipped, checks, problems };
}

interface Made {
  readonly name: string;
  readonly spec: Json;
  readonly problems: readonly Problem[];
  /** Why it takes no part. */
  readonly skip?: string;
}

function make(request: ItemsRequest, item: Item, scope: HostScope): Made {
  const { yaml } = request;
  const named = renderName(yaml, item, scope);
  if (item.when !== undefined) {
    const verdict = namesIn(item.when).has("facts") ? rehearseWhen(item.when, scope) : evaluateWhen(item.when, scope, undefined);
    if ("problem" in verdict)
      return {
        name: named.name ?? "",
        spec: null,
        problems: [errorAt(narrowed(yaml.valueAt([...item.path.slice(0, -1), "when"]), verdict.culprit), verdict.problem)],
      };
    if (!verdict.holds)
      return { name: named.name ?? nameFromSpec(item, item.spec), spec: null, problems: [], skip: `when: ${item.when}` };
  }
  const checked = checkedSpec(request, item, scope);
  const name = named.name ?? nameFromSpec(item, checked.spec);
  return { name: hideTokens(name), spec: checked.spec, problems: [...named.problems, ...checked.problems] };
}

function renderName(
  yaml: YamlText,
  item: Item,
  scope: HostScope,
): { readonly name: string | undefined; readonly problems: readonly Problem[] } {
  if (item.name === undefined || !holdsTemplate(item.name)) return { name: item.name, problems: [] };
  const { value, problems } = scope.render(item.name, () => yaml.valueAt([...item.path.slice(0, -1), "name"]));
  return { name: String(value).replace(/[\r\n[\]]/g, " "), problems };
}

function checkedSpec(
  request: ItemsRequest,
  item: Item,
  scope: HostScope,
): { readonly spec: Json; readonly problems: readonly Problem[] } {
  const { yaml, cache } = request;
  const known = cache.get(item);
  if (known !== undefined) return known;
  if (!holdsTemplate(item.spec)) {
    const checked = checkSpec(yaml, item, item.spec);
    cache.set(item, checked);
    return checked;
  }
  const rendered = scope.render(item.spec, (path) => yaml.valueAt([...item.path, ...path]));
  return rendered.problems.length > 0 ? { spec: item.spec, problems: rendered.problems } : checkSpec(yaml, item, rendered.value);
}

function resourceOf({ yaml, playTags }: ItemsRequest, item: Item, made: Made): Resource {
  return {
    address: `${item.word}[${made.name}]`,
    kind: item.word,
    name: made.name,
    spec: made.spec,
    tags: [...playTags, ...item.tags],
    ignore_drift: item.ignoreDrift,
    ...(item.when === undefined ? {} : { when: item.when }),
    at: yaml.keyAt(item.path).at,
  };
}

function duplicates(yaml: YamlText, resources: readonly Resource[], items: readonly Item[]): readonly Problem[] {
  const seen = new Map<string, Resource>();
  return resources.flatMap((resource, index): Problem[] => {
    const first = seen.get(resource.address);
    seen.set(resource.address, first ?? resource);
    if (first === undefined) return [];
    const place = yaml.keyAt(items[index]?.path ?? []);
    return [
      errorAt(
        place,
        `${resource.address} stands in line ${first.at.line} already`,
        "give one of them another name, or make them one",
      ),
    ];
  });
}

function checksOf(request: ItemsRequest, scope: HostScope, problems: Problem[]): readonly Check[] {
  const checks: Check[] = [];
  const places = new Map<Check, Item>();
  for (const item of request.checks) {
    const made = make(request, item, scope);
    problems.push(...made.problems);
    if (made.skip !== undefined || made.problems.length > 0) continue;
    const at = request.yaml.keyAt(item.path).at;
    const named = item.name === undefined ? numbered(`${item.word} ${made.name}`, checks) : made.name;
    if (checks.some(({ name }) => name === named))
      problems.push(errorAt(request.yaml.keyAt(item.path), `a check is named "${named}" already`));
    const when = item.when === undefined ? {} : { when: item.when };
    const check = { name: named, probe: item.word, spec: made.spec, ...when, at } as unknown as Check;
    checks.push(check);
    places.set(check, item);
  }
  problems.push(...danglingPings(request.yaml, checks, places));
  return checks;
}

/** `offload_counters` looks at counters while a named ping of the same play runs. */
function danglingPings(yaml: YamlText, checks: readonly Check[], places: ReadonlyMap<Check, Item>): readonly Problem[] {
  const pings = checks.filter(({ probe }) => probe === "ping").map(({ name }) => name);
  return checks.flatMap((check): Problem[] => {
    if (check.probe !== "offload_counters" || pings.includes(check.spec.during)) return [];
    const path = [...(places.get(check)?.path ?? []), "during"];
    return [
      errorAt(yaml.valueAt(path), `no ping of this play is named "${check.spec.during}"${didYouMean(check.spec.during, pings)}`),
    ];
  });
}

function numbered(name: string, checks: readonly Check[]): string {
  const taken = checks.map((check) => check.name);
  for (let number = 2, free = name; ; number += 1) {
    if (!taken.includes(free)) return free;
    free = `${name} (${number})`;
  }
}

type Verdict = { readonly holds: boolean } | { readonly problem: string; readonly culprit?: string };

/** A condition over facts is decided on the gateway; what no gateway could make of it is said at once. */
function rehearseWhen(expression: string, scope: HostScope): Verdict {
  const verdict = evaluateWhen(expression, scope, specimenFacts);
  if (!("problem" in verdict)) return { holds: true };
  const { culprit } = verdict;
  if (culprit === undefined || !/^facts\b/.test(culprit)) return verdict;
  const wrong = unknownFact(culprit);
  return wrong === undefined ? { holds: true } : { problem: `no fact "${wrong.path}"${wrong.guess}`, culprit: wrong.path };
}

/** The first part of a path that no gateway has; undefined where it depends on the gateway, such as an element of a list. */
function unknownFact(path: string): { readonly path: string; readonly guess: string } | undefined {
  let value: Json = specimenFacts as Json;
  let known = "facts";
  for (const step of path.split(".").slice(1)) {
    if (!isMap(value)) return undefined;
    const next: Json | undefined = value[step];
    if (next === undefined)
      return {
        path: `${known}.${step}`,
        guess: didYouMean(
          `${known}.${step}`,
          Object.keys(value).map((key) => `${known}.${key}`),
        ),
      };
    known = `${known}.${step}`;
    value = next;
  }
  return undefined;
}

/** Whether a condition holds; `facts` is what it sees under that name, undefined while there are none. */
export function evaluateWhen(expression: string, scope: HostScope, facts: { readonly [key: string]: Json } | undefined): Verdict {
  if (/\{[{%]/.test(expression)) return { problem: "when is an expression without {{ }}" };
  const result = scope.evaluate(expression, facts === undefined ? {} : { facts });
  if (result.ok && typeof result.value === "boolean") return { holds: result.value };
  if (result.ok) return { problem: `when is true or false, and this is ${nounOf(result.value)}` };
  const { message, undefinedName, culprit } = result.failure;
  const problem = undefinedName?.startsWith("facts") ? `no fact "${undefinedName}"` : message;
  return culprit === undefined ? { problem } : { problem, culprit };
}

function nounOf(value: Json): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  return { string: "text", number: "a number", object: "a map" }[typeof value as "string"] ?? "something else";
}
