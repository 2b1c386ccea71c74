import { expect, it } from "vitest";
import { factsView, specimenFacts } from "../../src/engine/facts-view.ts";
import { readGateway } from "../../src/gateway/effect.ts";

function shape(value: unknown): unknown {
  if (Array.isArray(value)) return "list";
  if (value === null || typeof value !== "object") return "value";
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]));
}

it("tries conditions on facts that have the shape of a gateway's", () => {
  const view = factsView(readGateway({ readings: new Map(), files: new Map() }));
  expect(shape(specimenFacts)).toEqual(shape(view));
});
