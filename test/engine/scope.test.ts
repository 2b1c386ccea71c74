import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Variable } from "../../src/engine/inventory.ts";
import { newScope } from "../../src/engine/scope.ts";
import type { Json } from "../../src/model/plan.ts";
import { placeAt } from "../../src/text/place.ts";
import { newSecretBook } from "../../src/text/secret.ts";
import * as templates from "../../src/text/template.ts";

function scopeOf(values: Readonly<Record<string, Json>>, withEngine: boolean) {
  const variables = new Map<string, Variable>(Object.entries(values).map(([name, value]) => [name, { value, origin: "" }]));
  return newScope({
    host: "gw1",
    variables,
    magic: () => undefined,
    templates: withEngine ? templates : undefined,
    lookup: () => ({ failure: "nothing to look up" }),
    secrets: newSecretBook(),
  });
}

function render(values: Readonly<Record<string, Json>>, text: string, withEngine = false) {
  const { value, problems } = scopeOf(values, withEngine).render(text, () => placeAt({ file: "f", text }, 0, text.length));
  return problems.length === 0 ? value : problems.map(({ message, at }) => `${at?.column}: ${message}`);
}

describe("plain variables", () => {
  const scalar = fc.oneof(
    fc.string().filter((text) => !/\{[{%#]/.test(text)),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  );
  const piece = fc.constantFrom("{{ a }}", "{{b}}", "{{ c.d }}", "text", " ", "é", "}");

  it("render without the engine as they do with it", () => {
    fc.assert(
      fc.property(scalar, scalar, scalar, fc.array(piece, { minLength: 1, maxLength: 5 }), (a, b, d, pieces) => {
        const values = { a, b, c: { d } };
        const text = pieces.join("");
        const through = templates.renderTemplate(text, {
          variable: (name) => values[name as "a"],
          names: () => [],
          call: () => null,
          functions: [],
        });
        expect(render(values, text)).toEqual(through.ok ? through.value : []);
      }),
    );
  });

  it("that are lists or maps cannot stand inside of a text", () => {
    expect(render({ a: [1] }, "x{{ a }}")).toEqual(['5: "a" is no text, and stands inside of one']);
    expect(render({ a: [1] }, " {{ a }}")).toEqual([1]);
  });

  it("follow each other through several variables, to the one that is missing", () => {
    expect(render({ a: "{{ b }}", b: "<{{ c }}>", c: 1 }, "{{ a }}")).toBe("<1>");
    expect(render({ a: "{{ b }}", b: "<{{ c }}>" }, "{{ a }}")).toEqual([
      '4: undefined variable "c" (in the variable "b") (in the variable "a")',
    ]);
    expect(render({ a: "{{ b }}", b: "{{ a }}" }, "{{ a }}")).toEqual([expect.stringContaining("is defined by itself")]);
  });
});
