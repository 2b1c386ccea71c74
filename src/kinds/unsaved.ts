import type { Assessment } from "./kind.ts";

const WARNING = "persist: false: the saved ruleset stays as it is, so a boot or a reload of the firewall takes this back";

/** Warns of changes that only the running ruleset gets. */
export function warnedIfUnsaved(assessment: Assessment, { persist }: { readonly persist: boolean }): Assessment {
  return persist || assessment.changes.length === 0 ? assessment : { ...assessment, notes: [...assessment.notes, WARNING] };
}
