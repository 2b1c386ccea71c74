import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { version } from "../src/version.ts";

const root = fileURLToPath(new URL("../src", import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const text = new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));

interface Import {
  readonly from: string;
  readonly to: string;
}

const imports: readonly Import[] = files.flatMap((file) => {
  const source = text.get(file) ?? "";
  const specifiers = [
    ...source.matchAll(/^(?:import|export)\b[^"';=]*?\bfrom "([^"]+)"|^import "([^"]+)"|\bimport\("([^"]+)"\)/gm),
  ].map(([, from, bare, lazy]) => from ?? bare ?? lazy ?? "");
  return specifiers.map((name) => ({
    from: file,
    to: name.startsWith(".") ? relative(root, join(root, dirname(file), name)) : name,
  }));
});

const room = (file: string): string => (file.includes("/") ? (file.split("/")[0] ?? "") : "");

/** What each room may import, besides itself and model. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  model: [],
  text: [],
  libreswan: ["text"],
  firewall: ["text"],
  kernel: ["text"],
  network: ["text"],
  gateway: ["libreswan", "firewall", "kernel", "network", "text"],
  kinds: ["gateway", "libreswan", "firewall", "kernel", "network", "text"],
  checks: ["gateway", "libreswan", "firewall", "kernel", "network", "text"],
  engine: ["kinds", "checks", "gateway", "libreswan", "firewall", "kernel", "network", "text"],
  report: ["engine", "firewall", "text"],
  io: ["text"],
  commands: ["engine", "kinds", "checks", "gateway", "report", "io", "text", "libreswan", "firewall", "kernel", "network"],
};

const PURE = ["model", "text", "libreswan", "firewall", "kernel", "network", "gateway", "kinds", "checks", "engine", "report"];

describe("the house", () => {
  it("knows every room", () => {
    const rooms = [...new Set(files.map(room))].filter((name) => name !== "");
    expect(rooms.filter((name) => !(name in ALLOWED))).toEqual([]);
  });

  it("lets each room import only the rooms below it", () => {
    const wrong = imports.filter(({ from, to }) => {
      const [here, there] = [room(from), room(to)];
      if (here === "" || !to.endsWith(".ts") || there === here || there === "model") return false;
      return there === "" ? to !== "version.ts" : !(ALLOWED[here] ?? []).includes(there);
    });
    expect(wrong).toEqual([]);
  });

  it("keeps the pure rooms away from Node, but for its cryptography", () => {
    const wrong = imports.filter(({ from, to }) => PURE.includes(room(from)) && to.startsWith("node:") && to !== "node:crypto");
    expect(wrong).toEqual([]);
  });

  it("has exactly one importer for each package", () => {
    const importers = new Map<string, Set<string>>();
    for (const { from, to } of imports) {
      if (to.endsWith(".ts") || to.startsWith("node:") || to.startsWith("..")) continue;
      const name = to.startsWith("@") ? to.split("/").slice(0, 2).join("/") : (to.split("/")[0] ?? "");
      importers.set(name, (importers.get(name) ?? new Set()).add(from));
    }
    // The type of a command is part of the grammar, and completion is made from the grammar.
    importers.get("commander")?.delete("commands/completion.ts");
    expect([...importers].filter(([, set]) => set.size > 1).map(([name, set]) => [name, [...set]])).toEqual([]);
  });

  it("has no parameter that says to only pretend", () => {
    expect(files.filter((file) => /\b(dryRun|dry_run|checkOnly)\b/.test(text.get(file) ?? ""))).toEqual([]);
  });

  it("keeps files small enough to hold in the head", () => {
    const long = files.filter((file) => !/generated|-table\.ts$/.test(file) && (text.get(file) ?? "").split("\n").length > 310);
    expect(long).toEqual([]);
  });
});

it("knows its own version", () => {
  const manifest: unknown = JSON.parse(readFileSync(join(root, "../package.json"), "utf8"));
  expect(manifest).toMatchObject({ version });
});
