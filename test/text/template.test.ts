import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/model/plan.ts";
import { namesIn, type Piece, plainPieces } from "../../src/text/braces.ts";
import { unguardedPaths } from "../../src/text/expression.ts";
import { evaluateExpression, renderTemplate, type Scope } from "../../src/text/template.ts";
import { versionHolds } from "../../src/text/version-test.ts";

const variables: Readonly<Record<string, Json>> = {
  conn: "myvpn",
  mtu: 1400,
  on: true,
  none: null,
  nothing: null,
  list: ["a", "b"],
  site: { lan: "10.0.1.0/24", deep: { er: [1, 2] } },
  facts: { os: { id: "rhel" }, libreswan: { version: null } },
};

const scope: Scope = {
  variable: (name) => (Object.hasOwn(variables, name) ? variables[name] : undefined),
  names: () => Object.keys(variables),
  call: (name, args) => (args[0] === "lost" ? { failure: "no such thing" } : `<${name} ${String(args[0])}>`),
  functions: ["env"],
};

function rendered(text: string): unknown {
  const result = renderTemplate(text, scope);
  return result.ok ? result.value : result.failure;
}

describe("templates", () => {
  it.each<[string, Json]>([
    ["{{ conn }}", "myvpn"],
    ["  {{ mtu }}  ", 1400],
    ["{{ mtu }}0", "14000"],
    ["{{ on }}", true],
    ["{{ nothing }}", null],
    ["{{ list }}", ["a", "b"]],
    ["{{ site }}", { lan: "10.0.1.0/24", deep: { er: [1, 2] } }],
    ["{{ site.deep.er[1] }}", 2],
    ["{{ site['lan'] }}-{{ conn }}", "10.0.1.0/24-myvpn"],
    ["{{ missing | default('x') }}", "x"],
    ["{{ mtu + 100 }}", 1500],
    ["{{ '12' | int }}", 12],
    ["{{ 'yes' if on else 'no' }}", "yes"],
    ["{% for one in list %}[{{ one }}]{% endfor %}", "[a][b]"],
    ["{% raw %}{{ conn }}{% endraw %}", "{{ conn }}"],
    ["{{ list | join(',') }}", "a,b"],
    ["{{ '<b>&\"' }}", '<b>&"'],
    ["line\n{{ conn }}\n", "line\nmyvpn\n"],
    ["{{ env('HOME') }}", "<env HOME>"],
    ["{{ 'a b'.split(' ') }}", ["a", "b"]],
    ["{{ '}}' }}", "}}"],
  ])("%s", (text, value) => {
    expect(rendered(text)).toEqual(value);
  });

  it.each([
    ["{{ con }}", 'undefined variable "con"', "con"],
    ["{{ site.wan }}", 'undefined variable "site.wan"', "site.wan"],
    ["x {{ mtu }} {{ missing.a }}", 'undefined variable "missing.a"', "missing.a"],
    ["{{ list[7] }}", 'undefined variable "list[7]"', "list[7]"],
    ["{{ conn | nosuch }}", "the template cannot be read: unknown filter: filter nosuch is unknown", "nosuch"],
    ["{{ conn", "the template cannot be read: unexpected end of input, expected end of variable block", "conn"],
    ["{{ missing == 'a' }}", 'undefined variable "missing"', "missing"],
  ])("%s says what is wrong", (text, message, culprit) => {
    expect(rendered(text)).toMatchObject({ message, culprit });
  });

  it("a function that has no answer says why, and the engine lives on", () => {
    expect(rendered("{{ env('lost') }}")).toEqual({ message: "no such thing" });
    expect(rendered("{{ conn }}")).toBe("myvpn");
  });

  it("a runaway template ends", () => {
    const loops = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
    expect(rendered(loops)).toMatchObject({ message: "the template cannot be read: engine ran out of fuel" });
  });

  it("a failure never repeats values of variables", () => {
    const secretive: Scope = { ...scope, variable: (name) => (name === "conn" ? "canary-value" : undefined) };
    for (const text of ["{{ conn | nosuch }}", "{{ conn }} {{ missing }}", "{{ conn + 1 }}", "{{ conn.a.b }}"])
      expect(JSON.stringify(renderTemplate(text, secretive))).not.toContain("canary");
  });

  it("never throws", () => {
    const part = fc.constantFrom(
      "{{",
      "}}",
      "{%",
      "%}",
      "conn",
      "missing",
      " | ",
      "default",
      "'",
      '"',
      "(",
      ")",
      "[",
      "]",
      ".",
      "if ",
      "else ",
      "0",
      "{#",
      "is ",
      "é",
      "\n",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        renderTemplate(parts.join(""), scope);
      }),
    );
  });
});

describe("conditions", () => {
  it.each<[string, boolean]>([
    ["on", true],
    ["not on", false],
    ["conn == 'myvpn' and mtu > 1300", true],
    ["missing is defined", false],
    ["missing is defined and missing.a == 1", false],
    ["missing | default(false)", false],
    ["facts.os.id in ['rhel', 'rocky']", true],
    ["facts.libreswan.version is version('5.0', '>=')", false],
    ["'4.10' is version('4.9', '>=')", true],
  ])("%s", (expression, holds) => {
    expect(evaluateExpression(expression, scope)).toEqual({ ok: true, value: holds });
  });

  it.each([
    ["missing == 1", "missing"],
    ["on and site.wan == 'x'", "site.wan"],
    ["facts.os.name == 'x'", "facts.os.name"],
  ])("%s is a mistake, not false", (expression, name) => {
    expect(evaluateExpression(expression, scope)).toMatchObject({ ok: false, failure: { undefinedName: name } });
  });

  it.each([
    ["a.b == c | default(1) and 'd.e' in f['g']", ["a.b", "f"]],
    ["a is not defined or a.b", []],
    ["x is version('5') and y.split(',')[0] == 'z' and range(3)", ["x", "y"]],
    ["dict(a=b) and true", ["b"]],
  ])("%s uses %j unasked", (expression, paths) => {
    expect(unguardedPaths(expression)).toEqual(paths);
  });
});

describe("versions", () => {
  it.each<[string, string, string, boolean]>([
    ["5.0", "5.0.0", "==", true],
    ["4.10", "4.9", ">", true],
    ["5.4dr1", "5.4", "<", true],
    ["5.0rc2", "5.0rc1", "gt", true],
    ["5.3.2", "5.3", ">=", true],
    ["3.32", "4", "lt", true],
    ["5.2", "5.2", "!=", false],
  ])("%s against %s %s", (value, wanted, operator, holds) => {
    expect(versionHolds(value, wanted, operator)).toBe(holds);
  });

  it("refuses an operator that it does not know", () => {
    expect(versionHolds("5.0", "5.0", "~>")).toEqual({ failure: 'version() knows ==, !=, <, <=, > and >=, not "~>"' });
  });
});

describe("looking into templates without the engine", () => {
  it.each<[string, readonly Piece[] | undefined]>([
    ["{{ conn }}", [["conn"]]],
    [" {{site.lan}} ", [" ", ["site", "lan"], " "]],
    ["{{ conn }}x{{ a.b }}", [["conn"], "x", ["a", "b"]]],
    ["no braces", ["no braces"]],
    ["{{ conn | upper }}", undefined],
    ["{{ conn }} {{ a | b }}", undefined],
    ["{{ true }}", undefined],
    ["{{ a[0] }}", undefined],
    ["{{ a", undefined],
    ["{{ a }} {# b #}", undefined],
    ["{% if a %}{{ a }}{% endif %}", undefined],
  ])("%s", (text, pieces) => {
    expect(plainPieces(text)).toEqual(pieces);
  });

  it("finds every name that an expression may look up", () => {
    expect([...namesIn("a.b + c['d'] | e(f) ~ \"g\"")]).toEqual(["a", "c", "e", "f"]);
  });
});
