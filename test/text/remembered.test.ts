import { expect, it } from "vitest";
import { remembered } from "../../src/text/remembered.ts";

it("makes each value once, and forgets the oldest", () => {
  const made: string[] = [];
  const upper = remembered(2, (text) => {
    made.push(text);
    return text === "" ? undefined : text.toUpperCase();
  });
  expect(["a", "", "a", "", "b", "", "a"].map(upper)).toEqual(["A", undefined, "A", undefined, "B", undefined, "A"]);
  expect(made).toEqual(["a", "", "b", "a"]);
});
