import { addressFamily, parseNetwork } from "./address.ts";

/** The formats that schemas name beside the standard ones. */
export const formats: Readonly<Record<string, { readonly validate: (text: string) => boolean }>> = {
  cidr: { validate: (text) => parseNetwork(text) !== undefined },
  address: { validate: (text) => addressFamily(text) !== undefined },
};

/** The length of a text in characters, as schemas count it. */
export function characters(text: string): number {
  return [...text].length;
}
