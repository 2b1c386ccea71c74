import type { Family } from "../text/address.ts";
import { type Box, intersect, subtract } from "./box.ts";
import type { Match } from "./model.ts";

/** What is known of the packets in question besides their addresses; whatever is undefined may be anything. */
export interface Traffic {
  readonly family: Family;
  /** An IPsec policy takes these packets: they are a tunnel's. */
  readonly protected: boolean;
  readonly protocol?: string;
}

/** Which part of the packets conditions may match, and which part they surely match (the second lies in the first). */
export interface Reach {
  readonly may: readonly Box[];
  readonly sure: readonly Box[];
}

/** Three-valued matching: outside `may` the conditions exclude the packet provably, inside `sure` they cannot miss it. */
export function reach(matches: readonly Match[], boxes: readonly Box[], traffic: Traffic): Reach {
  return matches.reduce<Reach>(
    ({ may, sure }, match) => ({ may: reachOf(match, may, traffic).may, sure: reachOf(match, sure, traffic).sure }),
    { may: boxes, sure: boxes },
  );
}

function reachOf(match: Match, boxes: readonly Box[], traffic: Traffic): Reach {
  const all: Reach = { may: boxes, sure: boxes };
  const nothing: Reach = { may: [], sure: [] };
  const perhaps: Reach = { may: boxes, sure: [] };
  const known = (matched: boolean): Reach => (matched ? all : nothing);
  switch (match.kind) {
    case "address":
      return addressReach(match, boxes, traffic.family);
    case "family":
      return known((match.family === traffic.family) !== match.negated);
    case "ipsec":
      return traffic.protected ? known(match.exists) : perhaps;
    case "protocol":
      return traffic.protocol === undefined ? perhaps : known(match.protocols.includes(traffic.protocol) !== match.negated);
    case "interface":
    case "port":
    case "tcp-flags":
    case "state":
    case "unknown":
      return perhaps;
  }
}

function addressReach(match: Extract<Match, { readonly kind: "address" }>, boxes: readonly Box[], family: Family): Reach {
  const regions = match.regions.filter((region) => (region.source ?? region.destination)?.family === family);
  // nftables' `ip saddr != A` matches IPv4 packets alone; iptables never meets the other family.
  if (regions.length === 0 && match.regions.length > 0) return { may: [], sure: [] };
  const inside = intersect(boxes, regions);
  if (!match.negated) return { may: inside, sure: match.exact ? inside : [] };
  const rest = subtract(boxes, regions);
  if (rest === undefined || !match.exact) return { may: boxes, sure: match.exact ? [] : (rest ?? []) };
  return { may: rest, sure: rest };
}
