// Makes from schemas/ what must agree with them: TypeScript types, the schemas as the program carries them, the part of the
// playbook schema that lists kinds and probes, and the reference pages; and from the grammar the reference of the command line. `--check` writes nothing and fails when one is stale.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cliReference } from "./generate/cli-reference.ts";
import { loadingValidators, outlines } from "./generate/embedded.ts";
import { type NamedSchema, playbookSchema, type Schema } from "./generate/playbook.ts";
import { referencePages } from "./generate/reference.ts";
import { specTypes } from "./generate/types.ts";
import { validatorModule } from "./generate/validators.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Every generated file by its path under the repository's root. */
export async function generated(): Promise<ReadonlyMap<string, string>> {
  const kinds = readFolder("schemas/kinds");
  const probes = readFolder("schemas/probes");
  const envelope = readSchema("schemas/playbook.schema.json");
  const playbook = playbookSchema(envelope, kinds, probes);
  return new Map([
    ["schemas/playbook.schema.json", `${JSON.stringify(playbook, undefined, 2)}\n`],
    ["src/model/specs.generated.ts", await specTypes(kinds, probes)],
    ["src/model/outlines.generated.ts", outlines(playbook, kinds, probes)],
    ["src/engine/validators.generated.ts", validatorModule(loadingValidators(playbook, kinds, probes))],
    ...referencePages(kinds, probes),
    cliReference(),
  ]);
}

function readFolder(folder: string): readonly NamedSchema[] {
  return readdirSync(join(root, folder))
    .filter((file) => file.endsWith(".schema.json"))
    .sort()
    .map((file) => ({ name: file.replace(".schema.json", ""), schema: readSchema(`${folder}/${file}`) }));
}

function readSchema(path: string): Schema {
  return JSON.parse(readFileSync(join(root, path), "utf8")) as Schema;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const check = process.argv.includes("--check");
  let stale = 0;
  for (const [path, text] of await generated()) {
    const file = join(root, path);
    if (isCurrent(file, text)) continue;
    stale += 1;
    console.log(`${check ? "stale" : "wrote"} ${path}`);
    if (check) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    if (file.endsWith(".json"))
      execFileSync(join(root, "node_modules/.bin/biome"), ["format", "--write", file], { stdio: "ignore" });
  }
  if (check && stale > 0) process.exitCode = 1;
}

/** JSON is compared by value: its layout is the formatter's. */
export function isCurrent(file: string, text: string): boolean {
  try {
    const current = readFileSync(file, "utf8");
    return file.endsWith(".json") ? JSON.stringify(JSON.parse(current)) === JSON.stringify(JSON.parse(text)) : current === text;
  } catch {
    return false;
  }
}
