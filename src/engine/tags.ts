import { globExpression } from "./pattern.ts";

/** What of a playbook takes part: by tags, and by address. */
export interface Choice {
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  /** Addresses (`tunnel[myvpn]`) or names of resources, or globs over them; empty takes all. */
  readonly target: readonly string[];
}

/** Whether something with these tags takes part. `always` and `never` mean what they mean in Ansible. */
export function isTagged(tags: readonly string[], { tags: wanted, skipTags }: Choice): boolean {
  const holds = (tag: string): boolean => {
    if (tag === "all") return true;
    if (tag === "tagged") return tags.length > 0;
    return tag === "untagged" ? tags.length === 0 : tags.includes(tag);
  };
  if (skipTags.some((tag) => (tag === "all" ? !tags.includes("always") : holds(tag)))) return false;
  if (tags.includes("always")) return true;
  if (tags.includes("never")) return wanted.some((tag) => tag !== "all" && tag !== "tagged" && holds(tag));
  return wanted.length === 0 || wanted.some(holds);
}

/** Whether a resource is one of the targets. */
export function isTarget(address: string, name: string, { target }: Choice): boolean {
  return (
    target.length === 0 || target.some((wanted) => wanted === address || wanted === name || addressGlob(wanted).test(address))
  );
}

/** In an address brackets stand for themselves. */
function addressGlob(wanted: string): RegExp {
  return globExpression(wanted.replace(/[[\]]/g, "?"));
}
