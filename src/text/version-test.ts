const operators: Readonly<Record<string, (order: number) => boolean>> = {
  "==": (order) => order === 0,
  "=": (order) => order === 0,
  eq: (order) => order === 0,
  "!=": (order) => order !== 0,
  "<>": (order) => order !== 0,
  ne: (order) => order !== 0,
  "<": (order) => order < 0,
  lt: (order) => order < 0,
  "<=": (order) => order <= 0,
  le: (order) => order <= 0,
  ">": (order) => order > 0,
  gt: (order) => order > 0,
  ">=": (order) => order >= 0,
  ge: (order) => order >= 0,
};

/** The test `VALUE is version('5.0', '>=')` of templates. A value that is missing (nothing installed) satisfies no comparison. */
export function versionHolds(value: unknown, wanted: unknown, operator: unknown = "=="): boolean | { readonly failure: string } {
  const compare = operators[String(operator)];
  if (compare === undefined) return { failure: `version() knows ==, !=, <, <=, > and >=, not ${JSON.stringify(operator)}` };
  if ((typeof wanted !== "string" && typeof wanted !== "number") || !/^v?\d[\w.+~:-]*$/i.test(String(wanted)))
    return { failure: "version() needs a version such as '5.0'" };
  if (value === undefined || value === null || value === "") return false;
  return compare(order(String(value), String(wanted)));
}

/** Number by number, so that 4.10 is above 4.9; a suffix such as `rc1` is below the version without it. */
function order(one: string, other: string): number {
  const left = partsOf(one);
  const right = partsOf(other);
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const a = left[index] ?? 0;
    const b = right[index] ?? 0;
    if (a === b) continue;
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a === "string" && typeof b === "string") return a < b ? -1 : 1;
    return typeof a === "string" ? -1 : 1;
  }
  return 0;
}

function partsOf(version: string): readonly (number | string)[] {
  return [...version.replace(/^v/i, "").matchAll(/\d+|[A-Za-z]+/g)].map(([part]) =>
    /^\d/.test(part) ? Number(part) : part.toLowerCase(),
  );
}
