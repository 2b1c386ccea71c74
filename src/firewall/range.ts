import { addressValue, type Family, type Network, parseNetwork } from "../text/address.ts";
import type { Range } from "./model.ts";

/** The addresses of a network. */
export function rangeOf({ family, first, last }: Network): Range {
  return { family, first, last };
}

/** Reads `10.0.2.0/24`, `10.0.2.33` or `10.0.2.1-10.0.2.9`; undefined when it is none of these. */
export function parseRange(text: string): Range | undefined {
  const dash = text.indexOf("-");
  if (dash < 0) {
    const network = parseNetwork(text);
    return network && rangeOf(network);
  }
  const from = addressValue(text.slice(0, dash));
  const to = addressValue(text.slice(dash + 1));
  if (from === undefined || to === undefined || from.family !== to.family || from.value > to.value) return undefined;
  return { family: from.family, first: from.value, last: to.value };
}

/** Every address of a family. */
export function anyAddress(family: Family): Range {
  return { family, first: 0n, last: (1n << (family === "ipv4" ? 32n : 128n)) - 1n };
}
