import type { Skipped } from "../engine/host-items.ts";
import type { Condition } from "../engine/plan.ts";
import type { ConnectOptions, Target } from "../io/transport.ts";
import type { SealedKind } from "../kinds/kind.ts";
import type { Check } from "../model/check.ts";
import type { RunEvent } from "../model/event.ts";
import type { Resource } from "../model/resource.ts";

/** What one gateway has to be, and how to reach it. */
export interface Job {
  readonly host: string;
  readonly target: Target;
  readonly resources: readonly Resource[];
  /** Resources that a condition over variables alone left out. */
  readonly skipped: readonly Skipped[];
  readonly checks: readonly Check[];
  readonly condition: Condition;
}

/** What the conversations with all gateways of a run share. */
export interface Run {
  readonly kinds: readonly SealedKind[];
  readonly connection: ConnectOptions;
  /** Who runs it, for the lock: `user@controller`. */
  readonly holder: string;
  /** Secret values become their tokens in whatever a gateway sends, and back in whatever is sent to it. */
  readonly secrets: { readonly mask: (text: string) => string; readonly reveal: (text: string) => string };
  /** 128 random bits, hexadecimal. */
  readonly mark: () => string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly wait: (milliseconds: number) => Promise<void>;
  readonly report: (event: RunEvent) => void;
  /** A lasting reason to begin nothing more: the run was interrupted. */
  readonly signal: AbortSignal;
}

/** The run for what has begun on a gateway: an interruption lets it come to its end. */
export function uninterrupted(run: Run): Run {
  const { signal: _, ...connection } = run.connection;
  return {
    ...run,
    connection,
    signal: new AbortController().signal,
    wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  };
}
