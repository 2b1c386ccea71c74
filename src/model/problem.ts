/** A place in a text that a person wrote: 1-based line and column, the column counted in characters. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Exclusive end on the same line; one character is marked when absent. */
  readonly endColumn?: number;
}

/** Something wrong that a person must hear of: what, where, and what to write or do instead. */
export interface Problem {
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly help?: string;
  readonly at?: SourcePosition;
  /** The source line that `at` points into, for the squiggle. */
  readonly excerpt?: string;
}

/** A value, or the problems that prevented it. */
export type Result<T> =
  | { readonly ok: true; readonly value: T; readonly problems: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };
