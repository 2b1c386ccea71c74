import type { Gateway } from "../gateway/gateway.ts";
import type { Probe } from "../model/fact.ts";
import type { Change } from "../model/plan.ts";
import type { Resource } from "../model/resource.ts";

/** What a kind concludes of one resource on one gateway. No changes and nothing else set: the gateway is as declared. */
export interface Assessment {
  readonly changes: readonly Change[];
  /** What a reader should know although it changes nothing. */
  readonly notes: readonly string[];
  /** A precondition forbids the change; the reason, and what would unblock it. */
  readonly blocked?: { readonly reason: string; readonly unblock: string };
  /** A check without a repair, or one that only the peer can mend, does not hold. */
  readonly violated?: string;
  /** Not yet as declared, but on its way (a negotiation): the engine looks again until its deadline. */
  readonly waiting?: string;
}

/** One kind of resource: which facts it needs, and what it makes of them. Pure: no clock, no randomness, no I/O. */
export interface Kind<Spec> {
  readonly name: string;
  readonly probes: (spec: Spec) => readonly Probe[];
  readonly assess: (resource: Resource<Spec>, gateway: Gateway) => Assessment;
}

/** A kind whose spec type is hidden, so that all kinds fit one registry; specs are validated by schema before they come here. */
export interface SealedKind {
  readonly name: string;
  readonly probes: (resource: Resource) => readonly Probe[];
  readonly assess: (resource: Resource, gateway: Gateway) => Assessment;
}

/** Hides the spec type of a kind. The schema of the kind is what makes the narrowing true. */
export function seal<Spec>(kind: Kind<Spec>): SealedKind {
  const narrow = (resource: Resource): Resource<Spec> => resource as Resource<Spec>;
  return {
    name: kind.name,
    probes: (resource) => kind.probes(narrow(resource).spec),
    assess: (resource, gateway) => kind.assess(narrow(resource), gateway),
  };
}
