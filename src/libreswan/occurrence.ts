import type { Assignment } from "./assignment.ts";
import type { Config } from "./config.ts";
import type { SectionRead } from "./syntax.ts";

/** A line that sets the key, in the conn itself or in a section that it takes keys from. */
export interface Occurrence {
  readonly assignment: Assignment;
  readonly origin: "own" | "also" | "default";
}

/** Every line that sets a field for a section, in the order in which they count. */
export function occurrencesOf(field: string, section: SectionRead, config: Config): readonly Occurrence[] {
  if (section.kind === "setup") {
    return config.sections.filter(({ kind }) => kind === "setup").flatMap((setup) => linesOf(setup, field, "own"));
  }
  const defaults = config.sections.filter(({ kind, name }) => kind === "conn" && name === "%default");
  const reached = alsoSections(
    [...alsosOf(section), ...(config.version.major < 5 ? defaults.flatMap(alsosOf) : [])],
    section,
    config,
  );
  return [
    ...defaults.flatMap((one) => linesOf(one, field, "default")),
    ...linesOf(section, field, "own"),
    ...reached.flatMap((one) => linesOf(one, field, "also")),
  ];
}

function linesOf(section: SectionRead, field: string, origin: Occurrence["origin"]): readonly Occurrence[] {
  return [...section.assignments, ...section.ignored]
    .filter((line) => line.field === field)
    .map((assignment) => ({ assignment, origin }));
}

/** The sections that also= reaches, through others too, without the conn itself. */
function alsoSections(names: readonly string[], conn: SectionRead, config: Config): readonly SectionRead[] {
  const reached = new Set<SectionRead>();
  const queue = [...names];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const section = config.sections.find((candidate) => candidate.kind === "conn" && candidate.name === name);
    if (section === undefined || section === conn || reached.has(section)) continue;
    reached.add(section);
    queue.push(...alsosOf(section));
  }
  return [...reached];
}

/** Up to 4.x one also= may name several sections; from 5.0 on a blank is part of the name. */
export function alsosOf(section: SectionRead): readonly string[] {
  return section.assignments
    .filter(({ field }) => field === "also")
    .flatMap(({ value = "", key }) =>
      key.definition.kind === "also" ? [value] : value.split(/\s+/).filter((name) => name !== ""),
    );
}
