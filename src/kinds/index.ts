import type { SealedKind } from "./kind.ts";

/** Every kind of resource that a playbook may name. */
export const kinds: readonly SealedKind[] = [];
