import { mergeSteps } from "../engine/merge.ts";
import { HOST_STATE } from "../engine/shell-library.ts";
import type { ResourcePlan } from "../model/plan.ts";
import type { Step } from "../model/step.ts";
import { unifiedDiff } from "../text/diff.ts";
import { shown, stepText } from "./wording.ts";

/** What a resource does to the gateway's files, one unified diff a file, however many of its changes touch it. */
export function fileDiffs(resource: ResourcePlan): readonly string[] {
  return merged(resource).flatMap((step) => {
    // What the engine notes for itself is nothing to review.
    if ("path" in step && step.path.startsWith(`${HOST_STATE}/`)) return [];
    if (step.do === "write-file") return [shown(unifiedDiff(step.path, step.before, step.after)).trimEnd()];
    return step.do === "remove-file" ? [shown(unifiedDiff(step.path, step.before, null)).trimEnd()] : [];
  });
}

/** The operations of a resource as one types them, writes first. */
export function commands(resource: ResourcePlan): readonly string[] {
  const closing = resource.changes.flatMap((change) => change.finally ?? []);
  return [...new Set([...merged(resource), ...closing].map(stepText))];
}

/** What takes the operations of a resource back. */
export function undoCommands(resource: ResourcePlan): readonly string[] {
  return [...new Set(resource.changes.flatMap(({ undo }) => undo.map(stepText)))];
}

function merged(resource: ResourcePlan): readonly Step[] {
  return mergeSteps(resource.changes.flatMap(({ steps }) => steps));
}
