import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { cachedFile } from "../../src/io/cached-file.ts";

const folder = mkdtempSync(join(tmpdir(), "ipsec-fix-cached-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("parses a file once for hosts that ask at the same time, and again when it has changed", async () => {
  const path = join(folder, "file");
  let parsed = 0;
  const read = cachedFile((text) => {
    parsed += 1;
    return text;
  });
  const all = async () => new Set(await Promise.all(Array.from({ length: 20 }, () => read(path))));
  expect([...(await all())]).toEqual([undefined]);
  writeFileSync(path, "one");
  expect([...(await all()), parsed]).toEqual(["one", 1]);
  writeFileSync(path, "another");
  expect([...(await all()), parsed]).toEqual(["another", 2]);
  rmSync(path);
  expect([...(await all()), parsed]).toEqual([undefined, 2]);
});

it("tells every host of a file that cannot be parsed", async () => {
  const path = join(folder, "broken");
  writeFileSync(path, "text");
  const read = cachedFile((): string => {
    throw new Error("no such keyword");
  });
  const outcomes = await Promise.allSettled([read(path), read(path)]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});
