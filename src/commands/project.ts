import { dirname } from "node:path";
import { type Loaded, loadProject } from "../engine/load.ts";
import type { Choice } from "../engine/tags.ts";
import { readProjectFiles } from "../io/project-files.ts";
import { newLookup, pretendedLookup } from "../io/secrets.ts";

/** Which project to open, and what of it. */
export interface ProjectOptions extends Choice {
  /** A path, or a text for commands that need an inventory and no playbook. */
  readonly playbook: string | { readonly text: string };
  readonly inventory: readonly string[];
  readonly extraVars: readonly string[];
  readonly limit: string | undefined;
  readonly allowCommands: boolean;
  /** Answers every lookup without asking: for checks that must need no secret and run nothing. */
  readonly pretendLookups?: boolean;
}

/** Reads a project from disk and loads it. */
export async function openProject(options: ProjectOptions): Promise<Loaded> {
  const { playbook, inventory, extraVars, limit, allowCommands, tags, skipTags, target } = options;
  const environment = process.env;
  const path = typeof playbook === "string" ? playbook : undefined;
  const { problems, ...files } = readProjectFiles({ playbook: path, inventory, extraVars, limit, environment });
  if (problems.length > 0) return { ok: false, exit: 65, problems, withoutInventory: false };
  const folder = path === undefined ? "." : dirname(path);
  const lookup = options.pretendLookups === true ? pretendedLookup() : newLookup({ environment, folder, allowCommands });
  const text = typeof playbook === "string" ? files.playbook : { file: "(no playbook)", text: playbook.text };
  return loadProject({ ...files, playbook: text, choice: { tags, skipTags, target }, lookup });
}
