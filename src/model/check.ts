import type { SourcePosition } from "./problem.ts";
import type { ProbeByName } from "./specs.generated.ts";

/** A probe of a play's `verify:`; its spec has passed its schema, templates are rendered. */
export type Check = {
  readonly [Probe in keyof ProbeByName]: {
    /** Unique in its play. */
    readonly name: string;
    readonly probe: Probe;
    readonly spec: ProbeByName[Probe];
    /** An unrendered boolean expression over vars and facts. */
    readonly when?: string;
    readonly at: SourcePosition;
  };
}[keyof ProbeByName];
