import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../src/libreswan/config.ts";
import { type Version, versionOf } from "../../src/libreswan/version.ts";
import { corpusDirectory, corpusFiles, vectors } from "./corpus.ts";

const ADDCONN = "/usr/libexec/ipsec/addconn";

function version(text: string): Version {
  const read = versionOf(text);
  if (read === undefined) throw new Error(`no version: ${text}`);
  return read;
}

/** Names as a list of words, which is how Libreswan prints them. */
function words(names: readonly string[]): readonly string[] {
  return names.flatMap((name) => name.split(/\s+/)).filter((name) => name !== "");
}

/** A message says that Libreswan gives a conn up, rather than that it puts up with something. */
function givesUp(message: string): boolean {
  return /^(?:ipsec addconn: )?(?:ERROR: )?(?:while loading|cannot find conn|connection authby=)/.test(message);
}

describe.skipIf(vectors().length === 0)("small inputs agree with what five versions of Libreswan made of them", () => {
  // With left=%eth0 3.32 aborts where the interface exists: an assertion of that program, not a meaning of the file.
  const usable = vectors().filter((vector) => vector.name !== "conn:left=%eth0");
  test.each(usable.map((vector) => [vector.name, vector] as const))("%s", (_, vector) => {
    const files = new Map([
      ["/test.conf", vector.text],
      ...Object.entries(vector.files).map(([path, text]) => [`/${path}`, text] as const),
    ]);
    for (const [text, result] of Object.entries(vector.results)) {
      const config = readConfig({ main: "/test.conf", files }, version(text));
      const verdict = { version: text, exit: config.exit, conns: words(config.conns.map((conn) => conn.name)) };
      expect(verdict).toEqual({ version: text, exit: result.checkconfig_rc, conns: result.conns });
      if (result.messages.some(givesUp)) expect(config.conns.some((conn) => !conn.loaded)).toBe(true);
      if (result.messages.length === 0) expect(config.conns.every((conn) => conn.loaded)).toBe(true);
    }
  });
});

describe.skipIf(corpusFiles().length === 0)("real files agree with the verdict of five versions", () => {
  test.each(corpusFiles().map((entry) => [entry.file, entry] as const))("%s", (_, entry) => {
    const path = `/${entry.file}`;
    for (const [text, result] of Object.entries(entry.checkconfig)) {
      const config = readConfig({ main: path, files: new Map([[path, entry.content]]) }, version(text));
      expect({ version: text, exit: config.exit }).toEqual({ version: text, exit: result.rc });
    }
  });
});

describe.skipIf(corpusFiles().length === 0 || !existsSync(ADDCONN))("real files agree with the Libreswan of this machine", () => {
  const installed =
    spawnSync("ipsec", ["--version"], { encoding: "utf8" }).stdout.match(/Libreswan (\d+\.\d+\S*)/)?.[1] ?? "4.10";
  test(`addconn ${installed}: accepted or not, and which conns it drops`, () => {
    const disagreements: string[] = [];
    for (const { file, content } of corpusFiles()) {
      const real = spawnSync(ADDCONN, ["--config", `${corpusDirectory}/${file}`, "--checkconfig"], { encoding: "utf8" });
      const config = readConfig({ main: `/${file}`, files: new Map([[`/${file}`, content]]) }, version(installed));
      const dropped = new Set([...real.stderr.matchAll(/^while loading '([^']*)'/gm)].map(([, name]) => name));
      const ours = new Set(config.conns.filter((conn) => !conn.loaded).map((conn) => conn.name));
      const same =
        real.status === config.exit &&
        [...dropped].every((name) => ours.has(name ?? "")) &&
        (dropped.size > 0 || ours.size === 0);
      if (!same) disagreements.push(`${file}: ${real.status} against ${config.exit}; ${[...dropped]} against ${[...ours]}`);
    }
    expect(disagreements).toEqual([]);
  }, 60_000);
});
