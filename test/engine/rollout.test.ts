import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EXIT, worstExit } from "../../src/engine/exit-code.ts";
import { batches, inParallel } from "../../src/engine/rollout.ts";

describe("batches", () => {
  const hosts = ["a", "b", "c", "d", "e", "f", "g"];

  it.each([
    [[], [7]],
    [
      [1, "50%"],
      [1, 3, 3],
    ],
    [[2], [2, 2, 2, 1]],
    [["1%"], [1, 1, 1, 1, 1, 1, 1]],
    [["100%"], [7]],
    [
      [3, 1, "100%"],
      [3, 1, 3],
    ],
  ])("of serial %j have the sizes %j", (serial, sizes) => {
    expect(batches(hosts, serial).map((batch) => batch.length)).toEqual(sizes);
  });

  it("hold every host once, in order", () => {
    const serial = fc.array(
      fc.oneof(
        fc.nat(9),
        fc.nat(120).map((share) => `${share}%`),
      ),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(fc.array(fc.string()), serial, (all, sizes) => {
        expect(batches(all, sizes).flat()).toEqual(all);
      }),
    );
  });
});

describe("inParallel", () => {
  it("keeps the order of results and never exceeds its limit", async () => {
    let running = 0;
    let most = 0;
    const results = await inParallel([30, 1, 20, 2, 10], 2, async (delay) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, delay));
      running -= 1;
      return delay * 2;
    });
    expect(results).toEqual([60, 2, 40, 4, 20]);
    expect(most).toBe(2);
  });
});

it("lets the most severe exit code win", () => {
  const order = [5, 130, 4, 1, 75, 3, 7, 6, 2, 0];
  order.forEach((code, at) => {
    expect(worstExit([...order.slice(at)].reverse())).toBe(code);
  });
  expect(worstExit([])).toBe(EXIT.done);
});
