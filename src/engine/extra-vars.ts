import type { Problem } from "../model/problem.ts";
import type { ExtraVars } from "../model/project-texts.ts";
import { errorAt } from "../text/place.ts";
import { parseYaml } from "../text/yaml.ts";
import type { Variable, Variables } from "./inventory.ts";
import { isMap } from "./playbook.ts";

/** The variables of the command line, the last one of a name wins. */
export function readExtraVars(sources: readonly ExtraVars[]): {
  readonly variables: Variables;
  readonly problems: readonly Problem[];
} {
  const variables = new Map<string, Variable>();
  const problems: Problem[] = [];
  for (const { file, text, isFile } of sources) {
    if (isFile || /^\s*[{[]/.test(text)) {
      const yaml = parseYaml(file, text, "ansible");
      problems.push(...yaml.problems);
      if (!yaml.ok || yaml.value.value === null) continue;
      const { value, valueAt } = yaml.value;
      if (isMap(value))
        for (const [name, inner] of Object.entries(value))
          variables.set(name, { value: inner, origin: "", place: (path) => valueAt([name, ...path]) });
      else problems.push(errorAt(valueAt([]), "extra variables are a map: name: value"));
      continue;
    }
    for (const word of text.match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? []) {
      const cut = word.indexOf("=");
      if (cut < 1)
        problems.push({ severity: "error", message: `--extra-vars ${word}: write name=value, @file, or YAML in braces` });
      else
        variables.set(word.slice(0, cut), {
          value: word.slice(cut + 1).replace(/'([^']*)'|"([^"]*)"/g, (_, one?: string, two?: string) => one ?? two ?? ""),
          origin: "",
        });
    }
  }
  return { variables, problems };
}
