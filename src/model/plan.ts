import type { Step } from "./step.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type Action = "create" | "update" | "move" | "delete";

/** What the change does to traffic: nothing, a re-key of seconds, a short interruption, or an outage of unknown length. */
export type Impact = "none" | "rekey" | "flap" | "outage";

/** One difference between what a resource wants and what the gateway has, with the steps that remove it and their undo. */
export interface Change {
  readonly action: Action;
  /** What is changed, such as `iptables nat POSTROUTING` or `/etc/ipsec.conf conn myvpn`. */
  readonly target: string;
  readonly property: string;
  readonly before: Json;
  readonly after: Json;
  readonly reason: string;
  readonly impact: Impact;
  readonly risks_access: boolean;
  /** Names of the tunnels (conns) that the change interrupts. */
  readonly interrupts: readonly string[];
  readonly steps: readonly Step[];
  readonly undo: readonly Step[];
  /** Steps that run once after all writes of the gateway (loads, restarts); equal ones are merged. */
  readonly finally?: readonly Step[];
}

export type Outcome =
  | "ok"
  | "changed"
  | "would-change"
  | "failed"
  | "rolled-back"
  | "rollback-failed"
  | "unreachable"
  | "skipped"
  | "blocked";

export interface ResourcePlan {
  readonly address: string;
  readonly kind: string;
  readonly name: string;
  readonly outcome: Outcome;
  /** Why it is blocked, skipped or failed. */
  readonly reason?: string;
  /** What would unblock it. */
  readonly unblock?: string;
  readonly fingerprint: string;
  readonly changes: readonly Change[];
  /** A failed one that is only on its way, such as a negotiation: looked at again until a deadline. */
  readonly settling?: true;
  /** What a reader should know although nothing changes: undecidable rules, warnings. */
  readonly notes: readonly string[];
}

/** The outcome of a `verify:` probe. */
export interface CheckReport {
  readonly name: string;
  readonly passed: boolean;
  readonly detail: string;
  /** A failed one that perhaps only the peer can mend: it never rolls anything back. */
  readonly needs_peer?: true;
}

export interface HostPlan {
  readonly host: string;
  readonly address: string;
  readonly status: Outcome;
  readonly reason?: string;
  readonly fingerprint: string;
  readonly resources: readonly ResourcePlan[];
  readonly checks?: readonly CheckReport[];
  /** The exit code that this gateway alone would give; absent in a saved plan. */
  readonly exit?: number;
}

export interface Summary {
  readonly create: number;
  readonly update: number;
  readonly move: number;
  readonly delete: number;
  readonly hosts: number;
  readonly changed_hosts: number;
}

export interface Plan {
  readonly format: "ipsec-fix/plan" | "ipsec-fix/report";
  readonly version: 1;
  readonly tool: string;
  readonly playbook: { readonly path: string; readonly sha256: string };
  readonly hosts: readonly HostPlan[];
  readonly summary: Summary;
}
