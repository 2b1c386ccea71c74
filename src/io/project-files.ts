import { accessSync, constants, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import type { Problem } from "../model/problem.ts";
import type { ExtraVars, InventoryText, NamedText, VarsText } from "../model/project-texts.ts";

/** Which files a run is about, as the command line names them. */
export interface ProjectPaths {
  /** Undefined when only the inventory is wanted. */
  readonly playbook: string | undefined;
  /** Files, folders or host lists (`gw1,gw2`); none falls back to the environment and then to `inventory/`. */
  readonly inventory: readonly string[];
  /** `name=value`, YAML in braces, or `@file`. */
  readonly extraVars: readonly string[];
  readonly limit: string | undefined;
  readonly environment: { readonly [name: string]: string | undefined };
}

/** The texts of a project, and what could not be read. */
export interface ProjectFiles {
  readonly playbook: NamedText;
  readonly inventory: readonly InventoryText[];
  readonly vars: readonly VarsText[];
  readonly extraVars: readonly ExtraVars[];
  readonly limit: string | undefined;
  readonly problems: readonly Problem[];
}

/** Reads every file that belongs to a project: playbook, inventory sources, group_vars, host_vars, extra variables, retry files. */
export function readProjectFiles(paths: ProjectPaths): ProjectFiles {
  const problems: Problem[] = [];
  const read = (file: string): string | undefined => readText(file, problems);
  const sources = sourcesOf(paths);
  const inventory = sources.flatMap((path) => readSource(path, read, problems));
  const folders = [...new Set(sources.filter((path) => !isList(path)).map((path) => (isFolder(path) ? path : dirname(path))))];
  const beside = paths.playbook === undefined ? "." : dirname(paths.playbook);
  const vars = [
    ...folders.flatMap((folder) => readVarsFolders(folder, "inventory", read)),
    ...(folders.includes(beside) ? [] : readVarsFolders(beside, "playbook", read)),
  ];
  const extraVars = paths.extraVars.flatMap((word): ExtraVars[] => {
    if (!word.startsWith("@")) return [{ file: "--extra-vars", text: word, isFile: false }];
    const text = read(word.slice(1));
    return text === undefined ? [] : [{ file: word.slice(1), text, isFile: true }];
  });
  const limit = paths.limit === undefined ? undefined : withRetryFiles(paths.limit, read);
  return {
    playbook: { file: paths.playbook ?? "", text: paths.playbook === undefined ? "" : (read(paths.playbook) ?? "") },
    inventory,
    vars,
    extraVars,
    limit,
    problems,
  };
}

function sourcesOf({ inventory, environment }: ProjectPaths): readonly string[] {
  if (inventory.length > 0) return inventory;
  const fromEnvironment = environment["IPSEC_FIX_INVENTORY"];
  if (fromEnvironment !== undefined && fromEnvironment !== "") return [fromEnvironment];
  return isFolder("inventory") ? ["inventory"] : [];
}

type Read = (file: string) => string | undefined;

function readSource(path: string, read: Read, problems: Problem[]): readonly InventoryText[] {
  if (isList(path)) return [{ file: "--inventory", text: path, form: "list" }];
  if (isFolder(path)) return inventoryFiles(path).flatMap((file) => readSource(file, read, problems));
  const text = read(path);
  if (text === undefined) return [];
  if (isProgram(path, text)) {
    problems.push({
      severity: "error",
      message: `${path} is a program, and inventories are read, never run`,
      help: `write its answer to a file: ${path} --list > hosts.json, or ansible-inventory --list --yaml; or take the executable bit away`,
    });
    return [];
  }
  return [{ file: path, text, form: formOf(path) }];
}

/** A comma makes it a list of hosts, as in Ansible. */
function isList(path: string): boolean {
  return path.includes(",");
}

function formOf(path: string): InventoryText["form"] {
  const extension = extname(path);
  if ([".yml", ".yaml", ".json"].includes(extension)) return "yaml";
  return extension === ".ini" ? "ini" : "unknown";
}

/**
 * Files of an inventory folder in alphabetical order, without what editors and packages leave there. Ansible takes `.ini`
 * there for the settings of an inventory program; it is read when it is all that there is.
 */
function inventoryFiles(folder: string): readonly string[] {
  const files = candidates(folder);
  const plain = files.filter((file) => extname(file) !== ".ini");
  return plain.length > 0 ? plain : files;
}

function candidates(folder: string): readonly string[] {
  return entriesOf(folder)
    .filter((name) => !["group_vars", "host_vars"].includes(name))
    .filter((name) => !/(?:~|\.(?:pyc|pyo|swp|bak|rpm|md|txt|rst|orig|cfg|retry|dpkg-\w+|rpmsave|rpmnew))$/.test(name))
    .map((name) => join(folder, name));
}

function readVarsFolders(folder: string, beside: VarsText["beside"], read: Read): readonly VarsText[] {
  return (["group", "host"] as const).flatMap((of) => {
    const base = join(folder, `${of}_vars`);
    const names = [
      ...new Set(entriesOf(base).map((name) => (isFolder(join(base, name)) ? name : name.replace(/\.(?:ya?ml|json)$/, "")))),
    ];
    return names.flatMap((name) =>
      varsFiles(base, name).flatMap((file): VarsText[] => {
        const text = read(file);
        return text === undefined ? [] : [{ file, text, of, name, beside }];
      }),
    );
  });
}

/** As Ansible looks for them: the name itself (file or folder) first, then with .yml, .yaml, .json; the first one found counts. */
function varsFiles(base: string, name: string): readonly string[] {
  const found = ["", ".yml", ".yaml", ".json"].map((extension) => join(base, `${name}${extension}`)).find((path) => exists(path));
  if (found === undefined) return [];
  return isFolder(found) ? filesBelow(found) : [found];
}

function filesBelow(folder: string): readonly string[] {
  return entriesOf(folder).flatMap((name) => {
    const path = join(folder, name);
    if (isFolder(path)) return filesBelow(path);
    return /\.(?:ya?ml|json)$/.test(name) || extname(name) === "" ? [path] : [];
  });
}

/** `@file` in a limit stands for the hosts that the file lists, one a line. */
function withRetryFiles(limit: string, read: Read): string {
  return limit
    .split(",")
    .flatMap((part) => {
      const [, sign = "", file] = /^\s*([!&]?)@(.+)$/.exec(part) ?? [];
      if (file === undefined) return [part];
      const hosts = (read(file.trim()) ?? "").split("\n").map((line) => line.replace(/#.*/, "").trim());
      return hosts.filter((host) => host !== "").map((host) => `${sign}${host}`);
    })
    .join(",");
}

function readText(file: string, problems: Problem[]): string | undefined {
  try {
    const bytes = readFileSync(file);
    const line = firstBadLine(bytes);
    // Editors of Windows begin a file with a byte order mark.
    if (line === undefined) return bytes.toString("utf8").replace(/^\ufeff/, "");
    const at = { file, line, column: 1 };
    problems.push({ severity: "error", message: "this line is not UTF-8", help: "save the file as UTF-8", at });
  } catch (error) {
    problems.push({ severity: "error", message: `cannot read ${file}: ${reasonOf(error)}` });
  }
  return undefined;
}

function firstBadLine(bytes: Buffer): number | undefined {
  if (isUtf8(bytes)) return undefined;
  let line = 1;
  for (let start = 0; start < bytes.length; line += 1) {
    const end = bytes.indexOf(10, start);
    const stop = end < 0 ? bytes.length : end;
    if (!isUtf8(bytes.subarray(start, stop))) return line;
    start = stop + 1;
  }
  return line;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known: Readonly<Record<string, string>> = {
    ENOENT: "there is no such file",
    EACCES: "permission denied",
    EISDIR: "it is a folder",
  };
  return known[code] ?? (error instanceof Error ? error.message : String(error));
}

/** An executable file that begins like a script; a YAML file that merely has the bit is read. */
function isProgram(path: string, text: string): boolean {
  if (!text.startsWith("#!") && !text.startsWith("\u007fELF")) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return basename(path).endsWith(".py");
  }
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !name.startsWith(".") && !name.endsWith("~"))
      .sort();
  } catch {
    return [];
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
