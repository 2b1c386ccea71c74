import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { EXIT } from "../engine/exit-code.ts";
import { systemWords } from "../io/connection-problem.ts";
import { packageRoot } from "../io/package-root.ts";
import { starterFiles } from "./starter-files.ts";

/** Lays a commented starter project in an empty folder; a folder with anything in it is left alone. */
export function init({ directory }: { readonly directory: string }, out: (text: string) => void): number {
  try {
    return lay(directory, out);
  } catch (error) {
    out(`${directory}: ${systemWords(error)}\n`);
    return EXIT.error;
  }
}

function lay(directory: string, out: (text: string) => void): number {
  const present = entriesOf(directory).filter((name) => name !== ".git");
  if (present.length > 0) {
    out(`${directory} is not empty (${present.slice(0, 3).join(", ")}${present.length > 3 ? ", …" : ""}): nothing was written\n`);
    return EXIT.error;
  }
  for (const [path, text] of Object.entries(starterFiles)) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { flag: "wx" });
    out(`wrote ${file}\n`);
  }
  const schemas = join(packageRoot(), "schemas");
  for (const name of ["playbook.schema.json", "inventory.schema.json"])
    cpSync(join(schemas, name), join(directory, "schemas", name));
  out(`wrote ${join(directory, "schemas")} (for your editor)\n`);
  const inside = directory === "." ? "" : `cd ${directory} && `;
  out(`Next: edit inventory/hosts.yml, then ${inside}ipsec-fix validate playbook.yml\n`);
  return EXIT.done;
}

function entriesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
