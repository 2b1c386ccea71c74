import { hasKeyword, keywordNames, type Section } from "../libreswan/keywords.ts";
import { versionOf } from "../libreswan/version.ts";
import { checkKeys, kindOutlines, type Outline, probeOutlines, resourceKeys } from "../model/outlines.generated.ts";
import type { Json } from "../model/plan.ts";
import type { Problem } from "../model/problem.ts";
import { anyText, hasTemplate } from "../text/braces.ts";
import { errorAt } from "../text/place.ts";
import { type Checked, checkSchema, type Mistake, type Validator } from "../text/schema.ts";
import { nearest } from "../text/suggest.ts";
import type { Path, YamlText } from "../text/yaml.ts";
import { type Item, isMap, problemsOf } from "./playbook.ts";
import { kindValidators, probeValidators } from "./validators.generated.ts";

/** A spec that passed its schema, defaults filled in, or what is wrong with it. */
export interface CheckedSpec {
  readonly spec: Json;
  readonly problems: readonly Problem[];
}

/** Second stage of loading: one spec against the schema of its kind or probe, after templates are rendered. */
export function checkSpec(yaml: YamlText, item: Item, rendered: Json): CheckedSpec {
  const { value, mistakes } = checkedBySchema(item, startingFrom(item, rendered));
  return { spec: asText(yaml, item, value), problems: problemsOf(yaml, mistakes, item.path) };
}

/** What can be said of a spec before its templates are rendered: everything but the values that come from one. */
export function checkRaw(yaml: YamlText, item: Item): readonly Problem[] {
  const spec = startingFrom(item, item.spec);
  const { mistakes } = checkedBySchema(item, spec);
  const templated = holdsTemplate(spec);
  const sure = mistakes.filter((mistake) => !templated || !mayChange(mistake, spec));
  return [...problemsOf(yaml, sure, item.path), ...optionNames(yaml, item)];
}

function checkedBySchema(item: Item, spec: Json): Checked {
  const { value, mistakes } = checkSchema(validatorOf(item), spec, item.word);
  const common = isCheck(item) ? checkKeys : resourceKeys;
  const isOutside = ({ on, path: [key = "", ...rest] }: Mistake): boolean =>
    on === "key" && rest.length === 0 && common.includes(String(key));
  const help = (mistake: Mistake): Mistake => ({ ...mistake, help: `it stands beside ${item.word}:, not below it` });
  return { value, mistakes: mistakes.map((mistake) => (isOutside(mistake) ? help(mistake) : mistake)) };
}

/** Whether any text in the value is a template. */
export function holdsTemplate(value: Json): boolean {
  return anyText(value, hasTemplate);
}

/** The name of an item that has none: its key parameter, so that the same declaration twice shows as a duplicate. */
export function nameFromSpec(item: Item, spec: Json): string {
  const values = isMap(spec) ? spec : {};
  const chosen = outlineOf(item).namedBy.find((keys) => keys.every((key) => values[key] !== undefined));
  return chosen === undefined ? "host" : chosen.map((key) => nameOf(values[key] ?? null)).join(" -> ");
}

function nameOf(value: Json): string {
  if (Array.isArray(value)) return value.map(String).join(",");
  return isMap(value) ? Object.keys(value).join(",") : String(value);
}

function outlineOf(item: Item): Outline {
  return (isCheck(item) ? probeOutlines : kindOutlines)[item.word] ?? { namedBy: [], keys: [] };
}

function validatorOf(item: Item): Validator {
  const validator = (isCheck(item) ? probeValidators : kindValidators)[item.word];
  if (validator === undefined) throw new Error(`no schema for ${item.word}: reading the playbook lets only known words through`);
  return validator;
}

function isCheck({ path }: Item): boolean {
  return path.includes("verify");
}

/** `ipsec_service:` alone is a spec without parameters; some kinds say what that stands for. */
function startingFrom(item: Item, spec: Json): Json {
  const given = spec ?? {};
  return isMap(given) && Object.keys(given).length === 0 ? (outlineOf(item).whenEmpty ?? given) : given;
}

/** A rule over several properties or a value from a template may turn out otherwise when rendered. */
function mayChange({ path, structural }: Mistake, spec: Json): boolean {
  if (path.length === 0) return !structural;
  const value = path.reduce<Json>(
    (inner, step) => (isMap(inner) ? (inner[step] ?? null) : Array.isArray(inner) ? (inner[Number(step)] ?? null) : null),
    spec,
  );
  return holdsTemplate(value);
}

/** Options of ipsec.conf are text: numbers as they were written, booleans in Libreswan's words. */
function asText(yaml: YamlText, item: Item, value: Json): Json {
  if (sectionOf(item) === undefined || !isMap(value) || !isMap(value["options"])) return value;
  const text = ([key, inner]: [string, Json]): [string, Json] => {
    if (typeof inner === "boolean") return [key, inner ? "yes" : "no"];
    if (typeof inner !== "number") return [key, inner];
    const source = yaml.sourceOf([...item.path, "options", key]);
    return [key, source !== undefined && !Number.isNaN(Number(source)) ? source : String(inner)];
  };
  return { ...value, options: Object.fromEntries(Object.entries(value["options"]).map(text)) };
}

function sectionOf({ word }: Item): Section | undefined {
  return { libreswan_conn: "conn" as const, libreswan_setup: "setup" as const }[word];
}

/** The versions whose keys, taken together, are nearly all that there ever were. */
const VERSIONS = ["3.25", "3.32", "4.10", "4.15", "5.0", "5.4"].flatMap((text) => versionOf(text) ?? []);

const NAMES: Readonly<Record<Section, string>> = { conn: "a conn", setup: "config setup" };
const KINDS: Readonly<Record<Section, string>> = { conn: "libreswan_conn", setup: "libreswan_setup" };

/** An option that no Libreswan has is a slip where a known one is near, and worth a warning elsewhere. */
function optionNames(yaml: YamlText, item: Item): readonly Problem[] {
  const section = sectionOf(item);
  const options = isMap(item.spec) ? item.spec["options"] : undefined;
  if (section === undefined || !isMap(options)) return [];
  return Object.keys(options).flatMap((key): Problem[] => {
    if (!/^[\w.-]+$/.test(key) || VERSIONS.some((version) => hasKeyword(section, key, version))) return [];
    const path: Path = [...item.path, "options", key];
    const meant = nearest(key, [...new Set(VERSIONS.flatMap((version) => keywordNames(section, version)))]);
    if (meant !== undefined) return [errorAt(yaml.keyAt(path), `unknown key "${key}" (did you mean "${meant}"?)`)];
    const other = section === "conn" ? "setup" : "conn";
    if (VERSIONS.some((version) => hasKeyword(other, key, version)))
      return [errorAt(yaml.keyAt(path), `"${key}" is no option of ${NAMES[section]}: it belongs to ${KINDS[other]}`)];
    return [{ ...errorAt(yaml.keyAt(path), `no known Libreswan has the option "${key}"`), severity: "warning" }];
  });
}
