import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { factsScript, parseFacts } from "../../src/engine/facts.ts";
import { confCommand } from "../../src/libreswan/probes.ts";
import type { Facts } from "../../src/model/fact.ts";

const MARK = "0123456789abcdef0123456789abcdef";
const shells = [
  ["dash", ["dash"]],
  ["busybox", ["busybox", "sh"]],
] as const;

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "probe-"));
  mkdirSync(join(root, "d"));
  mkdirSync(join(root, "d/folder.conf"));
  const files: Readonly<Record<string, string>> = {
    "main.conf": [
      "config setup",
      `include ${root}/d/*.conf # all of them`,
      `\tinclude ${root}/indented`,
      `#include ${root}/commented`,
      `include "${root}/quoted.inc"`,
      `include ${root}/{x,y}.brace`,
      `include ${root}/nosuch/*.conf`,
      `include ${root}/$(touch${"\t"}${root}/pwned)`,
      `include ${root}/*.secrets`,
      `include ${root}/ipsec.secrets`,
      `include ${root}//d/../last.inc`,
    ].join("\r\n"),
    "d/b.conf": `include ${root}/d/*.conf\nconn b\n`,
    "d/a.conf": "conn a\n\tleft=1.2.3.4\n",
    "d/Z.conf": "conn z",
    "d/o'dd $(id) \"n*me.conf": "conn odd\n",
    "d/caf\u00e9.conf": "conn cafe\n",
    "d/.hidden.conf": "conn hidden\n",
    "quoted.inc": "\u0001\u00ff\n",
    "x.brace": "conn x\n",
    "y.brace": "conn y\n",
    "last.inc": `include ${root}/main.conf\n`,
    indented: "no\n",
    commented: "no\n",
    "ipsec.secrets": ': PSK "secret"\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text, "latin1");
});

afterAll(() => {
  rmSync(root, { recursive: true });
});

function gather(shell: readonly string[], main: string): Facts {
  const [program = "", ...rest] = shell;
  const probes = [{ key: "ipsec-conf", command: confCommand(main) }];
  const done = spawnSync(program, rest, { input: factsScript(probes, MARK) });
  const facts = parseFacts(done.stdout, probes, MARK);
  if (facts === undefined) throw new Error(`no facts: ${done.stdout} ${done.stderr}`);
  return facts;
}

describe.each(shells)("the probe of the configuration, in %s", (_, shell) => {
  test("brings back every file that the includes reach, in the order of the C locale, and no secret", () => {
    const facts = gather(shell, join(root, "main.conf"));
    const names = [...facts.files.keys()].map((path) => path.slice(root.length + 1));
    expect(names).toEqual([
      "main.conf",
      "d/Z.conf",
      "d/a.conf",
      "d/b.conf",
      "d/caf\u00e9.conf",
      "d/o'dd $(id) \"n*me.conf",
      "quoted.inc",
      "x.brace",
      "y.brace",
      "d/../last.inc",
    ]);
    expect(facts.files.get(join(root, "quoted.inc"))).toMatchObject({ content: "\u0001\u00ff\n", encoding: "latin1" });
    expect(facts.readings.get("ipsec-conf")?.text).toContain(`include ${root}/nosuch/*.conf\n`);
    expect(facts.readings.get("ipsec-conf")?.exit).toBe(0);
  });

  test("brings back nothing where there is no configuration", () => {
    expect([...gather(shell, join(root, "nosuch")).files]).toEqual([]);
  });
});
