import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, it } from "vitest";
import { cksum } from "../../src/engine/cksum.ts";

it("prints what cksum(1) prints", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
      expect(cksum(bytes)).toBe(execFileSync("cksum", { input: bytes }).toString().trim());
    }),
    { numRuns: 40 },
  );
});
