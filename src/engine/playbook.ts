import { checkKeys, kindOutlines, type Outline, probeOutlines, resourceKeys } from "../model/outlines.generated.ts";
import type { Json } from "../model/plan.ts";
import type { Problem } from "../model/problem.ts";
import { errorAt, type Place } from "../text/place.ts";
import { checkSchema, type Mistake, type Validator } from "../text/schema.ts";
import { didYouMean } from "../text/suggest.ts";
import { type Path, parseYaml, type YamlText } from "../text/yaml.ts";
import { envelopes } from "./validators.generated.ts";

/** A resource or check as written: which kind or probe, with templates still in it. */
export interface Item {
  /** The word that names the kind or probe. */
  readonly word: string;
  /** Path of the spec in the playbook. */
  readonly path: Path;
  readonly spec: Json;
  readonly name: string | undefined;
  readonly tags: readonly string[];
  readonly ignoreDrift: readonly string[];
  readonly when: string | undefined;
}

/** A play as written, its envelope checked. */
export interface PlayText {
  readonly path: Path;
  /** The play without its items: templates are still in it. */
  readonly head: { readonly [key: string]: Json };
  readonly resources: readonly Item[];
  readonly checks: readonly Item[];
}

/** A playbook whose envelope is sound as far as it could be read. */
export interface PlaybookText {
  readonly yaml: YamlText;
  readonly plays: readonly PlayText[];
}

/** First stage of loading: YAML, and the shape of plays, resources and checks. Specs are checked when they are rendered. */
export function readPlaybook(
  file: string,
  text: string,
): { readonly playbook: PlaybookText | undefined; readonly problems: readonly Problem[] } {
  const parsed = parseYaml(file, text, "strict");
  const problems = [...parsed.problems];
  if (!parsed.ok) return { playbook: undefined, problems };
  const yaml = parsed.value;
  if (yaml.value === null)
    return {
      playbook: undefined,
      problems: [errorAt(yaml.valueAt([]), "the playbook is empty", "ipsec-fix init writes one to start from")],
    };
  if (!Array.isArray(yaml.value))
    return {
      playbook: undefined,
      problems: [...problems, errorAt(yaml.valueAt([]), "a playbook is a list of plays", "begin with - hosts: …")],
    };
  if (yaml.value.length === 0) problems.push(errorAt(yaml.valueAt([]), "the playbook has no play", "begin with - hosts: …"));
  const plays = yaml.value.flatMap((play: Json, index): PlayText[] => {
    const read = readPlay(yaml, play, [index]);
    problems.push(...read.problems);
    return read.play === undefined ? [] : [read.play];
  });
  return { playbook: { yaml, plays }, problems };
}

/** The problems that a schema's mistakes are, at their places. `at` is the path of the checked value. */
export function problemsOf(yaml: YamlText, mistakes: readonly Mistake[], at: Path): readonly Problem[] {
  return mistakes.map(({ path, on, message, help }) => {
    const whole = [...at, ...path];
    return errorAt(on === "key" ? yaml.keyAt(whole) : yaml.valueAt(whole), message, help);
  });
}

function readPlay(yaml: YamlText, play: Json, path: Path): { readonly play?: PlayText; readonly problems: readonly Problem[] } {
  const { mistakes } = checkSchema(validatorOf("play"), play, "a play");
  const problems = [
    ...problemsOf(
      yaml,
      mistakes.filter(({ path: inner }) => inner.length > 0 || !isMap(play)),
      path,
    ),
  ];
  const whole = mistakes.filter(({ path: inner }) => inner.length === 0 && isMap(play));
  problems.push(...whole.map(({ message, help }) => errorAt(firstKey(yaml, play, path), message, help)));
  if (!isMap(play)) return { problems };
  const { resources = [], verify = [], ...head } = play;
  const items = (list: Json, key: string, family: Family): readonly Item[] => {
    if (!Array.isArray(list)) return [];
    return list.flatMap((value: Json, index): Item[] => {
      const read = readItem(yaml, value, [...path, key, index], family);
      problems.push(...read.problems);
      return read.item === undefined ? [] : [read.item];
    });
  };
  const result = { path, head, resources: items(resources, "resources", RESOURCES), checks: items(verify, "verify", CHECKS) };
  return { play: result, problems };
}

interface Family {
  readonly noun: string;
  readonly word: string;
  /** The kinds or probes. */
  readonly known: readonly string[];
  readonly outlines: Readonly<Record<string, Outline>>;
  readonly common: readonly string[];
  readonly envelope: Validator;
}

function validatorOf(envelope: "play" | "resource" | "check"): Validator {
  const validator = envelopes[envelope];
  if (validator === undefined) throw new Error(`no schema for ${envelope}`);
  return validator;
}

const RESOURCES: Family = {
  noun: "a resource",
  word: "kind",
  known: Object.keys(kindOutlines),
  outlines: kindOutlines,
  common: resourceKeys,
  envelope: validatorOf("resource"),
};

const CHECKS: Family = {
  noun: "a check",
  word: "probe",
  known: Object.keys(probeOutlines),
  outlines: probeOutlines,
  common: checkKeys,
  envelope: validatorOf("check"),
};

function readItem(
  yaml: YamlText,
  value: Json,
  path: Path,
  family: Family,
): { readonly item?: Item; readonly problems: readonly Problem[] } {
  const { known, common } = family;
  if (typeof value === "string" && known.includes(value)) return readItem(yaml, { [value]: null }, path, family);
  if (!isMap(value)) return { problems: [errorAt(yaml.valueAt(path), `${family.noun} is a map: ${family.word}: { … }`)] };
  const keys = Object.keys(value);
  const words = keys.filter((key) => known.includes(key));
  const strange = keys.filter((key) => !known.includes(key) && !common.includes(key));
  const [word] = words;
  const own = words.length === 1 && word !== undefined ? (family.outlines[word]?.keys ?? []) : [];
  const outdented = strange.filter((key) => own.includes(key));
  const problems: Problem[] = strange.map((key) =>
    outdented.includes(key)
      ? errorAt(yaml.keyAt([...path, key]), `"${key}" belongs to ${word}`, `indent it further than ${word}:`)
      : unknownKey(yaml, key, path, words.length === 0 ? known : [...common, ...known], family),
  );
  if (words.length === 0 && strange.length === 0)
    problems.push(errorAt(firstKey(yaml, value, path), `${family.noun} needs one ${family.word}`, `known: ${known.join(", ")}`));
  for (const extra of words.slice(1))
    problems.push(
      errorAt(
        yaml.keyAt([...path, extra]),
        `${family.noun} has one ${family.word}, and this one is "${words[0]}" already`,
        "begin a new list item with -",
      ),
    );
  const envelope = Object.fromEntries(Object.entries(value).filter(([key]) => common.includes(key)));
  const { mistakes } =
    Object.keys(envelope).length === 0 ? { mistakes: [] } : checkSchema(family.envelope, envelope, family.noun);
  problems.push(...problemsOf(yaml, mistakes, path));
  // What stands outside of the spec is missed inside of it: saying both would only confuse.
  if (word === undefined || mistakes.length > 0 || outdented.length > 0) return { problems };
  return { item: itemOf(word, path, value), problems };
}

function itemOf(word: string, path: Path, value: { readonly [key: string]: Json }): Item {
  const { name, tags, when, ignore_drift: ignored } = value;
  return {
    word,
    path: [...path, word],
    spec: value[word] ?? null,
    name: typeof name === "string" ? name : undefined,
    tags: texts(tags),
    ignoreDrift: texts(ignored),
    when: when === undefined ? undefined : String(when),
  };
}

function unknownKey(yaml: YamlText, key: string, path: Path, candidates: readonly string[], family: Family): Problem {
  const guess = didYouMean(key, candidates);
  const help = guess === "" ? `${family.word}s: ${family.known.join(", ")}` : undefined;
  return errorAt(yaml.keyAt([...path, key]), `unknown key "${key}"${guess}`, help);
}

/** A map has no place of its own that a reader would look at; its first key has. */
function firstKey(yaml: YamlText, value: Json, path: Path): Place {
  const [first] = isMap(value) ? Object.keys(value) : [];
  return first === undefined ? yaml.valueAt(path) : yaml.keyAt([...path, first]);
}

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item: Json) => typeof item === "string") : [];
}

/** Whether a value is a map of keys and values. */
export function isMap(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
