import type { Outcome } from "./plan.ts";

/** What happens to one gateway in a run, in this order; a phase that is not needed is left out. Where facts are all that is wanted, `read` is the end. */
export type RunEvent =
  | { readonly event: "connecting"; readonly host: string }
  | { readonly event: "reading"; readonly host: string }
  | { readonly event: "applying"; readonly host: string; readonly operations: number }
  | { readonly event: "verifying"; readonly host: string }
  | { readonly event: "read"; readonly host: string }
  | { readonly event: "finished"; readonly host: string; readonly status: Outcome; readonly reason?: string };
