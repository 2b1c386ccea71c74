import { createHash } from "node:crypto";
import type { Rule } from "./model.ts";

const PREFIX = "ipsec-fix:";

/** The comment that makes a rule ours: the kind of resource, and a digest over the kind and what the rule is about. */
export function ownerComment(kind: string, networks: readonly string[]): string {
  const digest = createHash("sha256")
    .update([kind, ...networks].join("\n"))
    .digest("hex");
  return `${PREFIX}${kind}:${digest.slice(0, 12)}`;
}

/** Whether this program wrote the rule, for whatever resource. */
export function isOwn(rule: Rule): boolean {
  return rule.comment?.startsWith(PREFIX) ?? false;
}
