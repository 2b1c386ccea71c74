import type { SourcePosition } from "./problem.ts";

/** What a playbook declares of one part of a gateway; `spec` has passed its kind's schema, templates are rendered. */
export interface Resource<Spec = unknown> {
  /** `kind[name]`, unique in its play. */
  readonly address: string;
  readonly kind: string;
  readonly name: string;
  readonly spec: Spec;
  readonly tags: readonly string[];
  readonly ignore_drift: readonly string[];
  /** An unrendered boolean expression over vars and facts. */
  readonly when?: string;
  readonly at: SourcePosition;
}
