import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { generated, isCurrent } from "../scripts/generate.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

describe("what is generated from schemas/", () => {
  it("is up to date: run `npm run generate`", async () => {
    const stale = [...(await generated())].filter(([path, text]) => !isCurrent(join(root, path), text)).map(([path]) => path);
    expect(stale).toEqual([]);
  });
});
