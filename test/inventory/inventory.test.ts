import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { expandRange, hostAndPort } from "../../src/engine/host-range.ts";
import { readInventory } from "../../src/engine/inventory.ts";
import { hostsOf } from "../../src/engine/pattern.ts";
import { readProjectFiles } from "../../src/io/project-files.ts";
import { parseIniInventory } from "../../src/text/ini.ts";
import { pythonLiteral } from "../../src/text/python-literal.ts";
import { problemsText } from "../../src/text/squiggle.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function project(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), "ipsec-fix-inventory-"));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

function read(folder: string, inventory: readonly string[], limit?: string) {
  return readProjectFiles({
    playbook: join(folder, "playbook.yml"),
    inventory: inventory.map((path) => join(folder, path)),
    extraVars: [],
    limit,
    environment: {},
  });
}

function problemsIn(text: string, form: "yaml" | "ini"): string {
  return problemsText(readInventory([{ file: "hosts", text, form }], []).problems);
}

describe("what is wrong with an inventory", () => {
  it.each([
    ["yaml", "- gw1\n", "an inventory is a map of groups"],
    ["yaml", "all: [gw1]\n", "group all is a map with hosts, children or vars"],
    ["yaml", "all:\n  hosts: [gw1]\n", "hosts of group all is a map, not a list"],
    ["yaml", "all:\n  host:\n    gw1:\n", 'hosts:2:3: warning: unknown key "host" in group all (did you mean "hosts"?)'],
    ["yaml", "all:\n  hosts:\n    gw1: 10.0.0.1\n", "variables of host gw1 are a map"],
    ["yaml", "a:\n  children:\n    b:\n      children:\n        a:\n", "hosts:5:9: group a would contain itself"],
    ["yaml", "all:\n  hosts:\n    gw[3:1]:\n", "hosts:3:5: [3:1] is no range of hosts: its end is below its start"],
    ["yaml", "plugin: amazon.aws.aws_ec2\n", "inventory plugins are not run"],
    ["yaml", "$ANSIBLE_VAULT;1.1;AES256\n6162\n", "encrypted with ansible-vault, which ipsec-fix does not open"],
    ["yaml", "all:\n  hosts:\n    gw1:\n    gw1:\n", "hosts:4:5: warning: this key stands here twice: the last one counts"],
    ["ini", "[a:children]\nb\n", "hosts:2:1: no group b"],
    [
      "ini",
      "[gateways]\ngw1\n[gatewais:vars]\nx=1\n",
      'hosts:3:1: no group gatewais to give variables to (did you mean "gateways"?)',
    ],
    ["ini", "[a:b]\n", "hosts:1:1: [a:b] is no section"],
    ["ini", "[a]\ngw1 port 22\n", 'hosts:2:1: "port" is no name=value'],
    ["ini", "[a]\ngw1 x='open\n", "hosts:2:1: a quote is not closed"],
    ["ini", "[a]\ngw1\n[a:vars]\njust words\n", "hosts:4:1: a line of :vars is name=value"],
  ] as const)("%s %j", (form, text, message) => {
    expect(problemsIn(text, form)).toContain(message);
  });

  it("is nothing where an existing inventory has what only Ansible uses", () => {
    const text =
      "[all]\ngw1 ansible_python_interpreter=/usr/bin/python3 ansible_ssh_pipelining=True\n[all:vars]\nansible_shell_type=sh\n";
    expect(problemsIn(text, "ini")).toBe("");
  });
});

describe("reading the files of an inventory", () => {
  it("refuses a program, and says what to do instead", () => {
    const folder = project({ "hosts.py": "#!/usr/bin/env python3\nprint('{}')\n" });
    chmodSync(join(folder, "hosts.py"), 0o755);
    const { problems, inventory } = read(folder, ["hosts.py"]);
    expect(inventory).toEqual([]);
    expect(problemsText(problems)).toMatch(
      /hosts\.py is a program, and inventories are read, never run\n {2}help: write its answer to a file/,
    );
  });

  it("reads a YAML file that merely has the executable bit", () => {
    const folder = project({ "playbook.yml": "[]", "hosts.yml": "all: { hosts: { gw1: } }\n" });
    chmodSync(join(folder, "hosts.yml"), 0o755);
    expect(read(folder, ["hosts.yml"]).problems).toEqual([]);
  });

  it("names the line that is not UTF-8", () => {
    const folder = project({ "playbook.yml": "[]", "hosts.yml": Buffer.from("all:\n  vars:\n    city: M\xfcnchen\n", "latin1") });
    expect(problemsText(read(folder, ["hosts.yml"]).problems)).toBe(
      `${join(folder, "hosts.yml")}:3:1: this line is not UTF-8\n  help: save the file as UTF-8`,
    );
  });

  it("says which file is missing", () => {
    const folder = project({ "playbook.yml": "[]" });
    expect(problemsText(read(folder, ["hosts.yml"]).problems)).toBe(
      `cannot read ${join(folder, "hosts.yml")}: there is no such file`,
    );
  });

  it("reads a folder of .ini alone, hidden files and backups never", () => {
    const folder = project({
      "inv/hosts.ini": "gw1\n",
      "inv/.hidden": "gw2\n",
      "inv/hosts.ini~": "gw3\n",
      "inv/x.rpmsave": "gw4\n",
      "playbook.yml": "",
    });
    const { inventory, vars } = read(folder, ["inv"]);
    expect([...readInventory(inventory, vars).hosts.keys()]).toEqual(["gw1"]);
  });

  it("takes group_vars beside the playbook over those beside the inventory", () => {
    const folder = project({
      "playbook.yml": "[]",
      "group_vars/all.yml": "who: playbook\n",
      "inv/hosts": "gw1\n",
      "inv/group_vars/all.yml": "who: inventory\n",
    });
    const { inventory, vars } = read(folder, ["inv/hosts"]);
    expect(vars.map(({ beside, text }) => [beside, text.trim()])).toEqual([
      ["inventory", "who: inventory"],
      ["playbook", "who: playbook"],
    ]);
    const all = readInventory(inventory, vars).groups.get("all");
    expect(all?.variables.playbook.get("who")?.value).toBe("playbook");
  });

  it("warns of a vaulted file of variables and goes on", () => {
    const folder = project({
      "playbook.yml": "[]",
      hosts: "gw1\n",
      "group_vars/all/vault.yml": "$ANSIBLE_VAULT;1.1;AES256\n616263\n",
      "group_vars/all/plain.yml": "a: 1\n",
    });
    const { inventory, vars } = read(folder, ["hosts"]);
    const found = readInventory(inventory, vars);
    expect(problemsText(found.problems)).toContain("group_vars/all/vault.yml:1:1: warning: encrypted with ansible-vault");
    expect(found.groups.get("all")?.variables.inventory.get("a")?.value).toBe(1);
  });

  it("reads a retry file into the limit, with its sign", () => {
    const folder = project({ "playbook.yml": "[]", retry: "gw1\n# done\n\ngw2\n" });
    expect(read(folder, [], `@${join(folder, "retry")},!@${join(folder, "retry")},gw9`).limit).toBe("gw1,gw2,!gw1,!gw2,gw9");
  });

  it("reads files that begin with a byte order mark", () => {
    const folder = project({ "hosts.ini": "\ufeff[a]\ngw1\n", "playbook.yml": "\ufeff- hosts: a\n" });
    const { inventory, playbook } = read(folder, ["hosts.ini"]);
    expect(hostsOf("a", readInventory(inventory, []))).toEqual(["gw1"]);
    expect(playbook.text).toBe("- hosts: a\n");
  });

  it("takes a list of hosts for an inventory, and the environment's when none is given", () => {
    const environment = { IPSEC_FIX_INVENTORY: "gw1,gw[2:3]," };
    const { inventory, vars } = readProjectFiles({
      playbook: "/dev/null",
      inventory: [],
      extraVars: [],
      limit: undefined,
      environment,
    });
    expect(hostsOf("all", readInventory(inventory, vars))).toEqual(["gw1", "gw2", "gw3"]);
  });
});

describe("the words of INI inventories", () => {
  it("ends every line at CRLF as at LF", () => {
    const lines = (text: string) =>
      parseIniInventory("hosts", text).sections.flatMap(({ entries }) => entries.map(({ name }) => name));
    expect(lines("[a]\r\ngw1 x=1\r\ngw2\r\n")).toEqual(lines("[a]\ngw1 x=1\ngw2\n"));
  });

  it("are values as Python reads them, and text where a number would lose digits", () => {
    const [section] = parseIniInventory("hosts", "gw a=constructor b=12345678901234567890 c=0o17 d=toString e=0x1f").sections;
    const values = Object.fromEntries((section?.entries[0]?.variables ?? []).map(({ name, value }) => [name, value]));
    expect(values).toEqual({ a: "constructor", b: "12345678901234567890", c: 15, d: "toString", e: 31 });
  });

  it("never throws, and places every problem in the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."[]=:#;'\"\\ \n\tag1é".split("")), maxLength: 60 }), (text) => {
        for (const { at } of parseIniInventory("hosts", text).problems)
          expect(at?.line).toBeLessThanOrEqual(text.split("\n").length);
      }),
    );
  });

  it.each([
    ["22", 22],
    ["-1", -1],
    ["1_000", 1000],
    ["0600", "0600"],
    ["1.50", 1.5],
    ["1e3", 1000],
    ["True", true],
    ["true", "true"],
    ["None", null],
    ["'a, b'", "a, b"],
    ["('a', 1)", ["a", 1]],
    ["{'a': [1, {'b': None}]}", { a: [1, { b: null }] }],
    ["[1, 2", "[1, 2"],
    ["10.0.0.1", "10.0.0.1"],
    ["a b", "a b"],
    ["'it\\'s'", "it's"],
  ])("%s", (text, value) => {
    expect(pythonLiteral(text)).toEqual(value);
  });

  it("reads back every literal of plain data", () => {
    const word = fc.string({ unit: fc.constantFrom(..."ab '\"\\\n".split("")), maxLength: 6 });
    const { data } = fc.letrec((tie) => ({
      data: fc.oneof(
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        word,
        fc.array(tie("data"), { maxLength: 3 }),
        fc.dictionary(word, tie("data"), { maxKeys: 3 }),
      ),
    }));
    const write = (value: unknown): string => {
      if (value === null) return "None";
      if (typeof value === "boolean") return value ? "True" : "False";
      if (typeof value === "string") return `'${value.replace(/[\\']/g, "\\$&").replaceAll("\n", "\\n")}'`;
      if (Array.isArray(value)) return `[${value.map(write).join(", ")}]`;
      if (typeof value !== "object") return String(value);
      return `{${Object.entries(value as object)
        .map(([key, inner]) => `${write(key)}: ${write(inner)}`)
        .join(", ")}}`;
    };
    fc.assert(
      fc.property(data, (value) => {
        expect(pythonLiteral(write(value))).toEqual(value);
      }),
    );
  });
});

describe("ranges of hosts", () => {
  it.each([
    ["gw[01:03]", "gw01 gw02 gw03"],
    ["gw[8:11]", "gw8 gw9 gw10 gw11"],
    ["gw[a:c].x[1:2]", "gwa.x1 gwa.x2 gwb.x1 gwb.x2 gwc.x1 gwc.x2"],
    ["gw[1:9:4]", "gw1 gw5 gw9"],
    ["gw[:2]", "gw0 gw1 gw2"],
    ["plain", "plain"],
    ["2001:db8::1", "2001:db8::1"],
  ])("%s", (pattern, names) => {
    expect(expandRange(pattern)).toEqual(names.split(" "));
  });

  it.each(["gw[1:100000]", "gw[1:x]", "gw[01:100]", "gw[1:2:0]", "gw[1:2:3:4]", "gw[1:1000]x[1:1000]"])(
    "%s is refused",
    (pattern) => {
      expect(expandRange(pattern)).toMatch(/hosts/);
    },
  );

  it.each([
    ["gw1:2222", { name: "gw1", port: 2222 }],
    ["gw[1:3]", { name: "gw[1:3]" }],
    ["gw[1:3]:2222", { name: "gw[1:3]", port: 2222 }],
    ["[2001:db8::1]:22", { name: "2001:db8::1", port: 22 }],
    ["2001:db8::1", { name: "2001:db8::1" }],
  ])("%s", (word, parts) => {
    expect(hostAndPort(word)).toEqual(parts);
  });
});
