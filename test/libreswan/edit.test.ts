import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { connOf, optionOf, readConfig } from "../../src/libreswan/config.ts";
import { createConn, removeConn } from "../../src/libreswan/conn-edit.ts";
import { type Edit, type Refusal, setOptions, setSetup, type Wanted } from "../../src/libreswan/edit.ts";
import { followPolicy, POLICY_FILE, policyReason } from "../../src/libreswan/policy-include.ts";
import type { ConfTree } from "../../src/libreswan/tree.ts";
import { type Version, versionOf } from "../../src/libreswan/version.ts";

const MAIN = "/etc/ipsec.conf";
const version = (text: string): Version => versionOf(text) ?? { text, major: 4, minor: 10 };
const v4 = version("4.10");
const v5 = version("5.2");
const every = ["3.32", "4.10", "5.2", "5.3.2", "5.4"].map(version);

function tree(main: string, files: Readonly<Record<string, string>> = {}): ConfTree {
  return { main: MAIN, files: new Map([[MAIN, main], ...Object.entries(files)]) };
}

function done(edit: Edit | Refusal): Edit {
  if ("refused" in edit) throw new Error(edit.refused);
  return edit;
}

/** The main file after options were set in a conn. */
function edited(main: string, conn: string, wanted: Wanted, libreswan = v4): string {
  return done(setOptions(tree(main), conn, wanted, libreswan)).tree.files.get(MAIN) ?? "";
}

const ENDS = "\tleft=192.0.2.1\n\tright=192.0.2.2\n";

describe("an option is set in its conn", () => {
  test("and not in the first line that looks like it (two conns, the other has the key)", () => {
    const text = `conn other\n${ENDS}\tmtu=1500\n\nconn myvpn\n${ENDS}`;
    expect(edited(text, "myvpn", { mtu: 1400 })).toBe(`${text}\tmtu=1400\n`);
  });

  test("although another conn has that very line", () => {
    const text = `conn other\n${ENDS}\tmtu=1400\n\nconn myvpn\n${ENDS}\n# the end\n`;
    expect(edited(text, "myvpn", { mtu: 1400 })).toBe(
      `conn other\n${ENDS}\tmtu=1400\n\nconn myvpn\n${ENDS}\tmtu=1400\n\n# the end\n`,
    );
  });

  test("whose name is written with two blanks, a comment or quotes", () => {
    for (const header of ["conn  myvpn", "conn\tmyvpn", 'conn "myvpn"', "conn myvpn # site B"]) {
      expect(edited(`${header}\n${ENDS}conn z\n${ENDS}`, "myvpn", { mtu: "1400" })).toBe(
        `${header}\n${ENDS}\tmtu=1400\nconn z\n${ENDS}`,
      );
    }
  });

  test("with the blanks, comment and line end of the line that it changes", () => {
    const text = `conn myvpn\n    left = 192.0.2.1\n    mtu  =  1500   # site B\n    right = 192.0.2.2\n`;
    expect(edited(text, "myvpn", { mtu: 1400 })).toBe(text.replace("1500", "1400"));
  });

  test("laid out like its neighbours where it is new", () => {
    expect(edited("conn myvpn\n  left = 192.0.2.1\n  right = 192.0.2.2\n", "myvpn", { mtu: 1400 })).toBe(
      "conn myvpn\n  left = 192.0.2.1\n  right = 192.0.2.2\n  mtu = 1400\n",
    );
  });

  test("without a newline at the end where there was none, and with CR LF where the file has it", () => {
    expect(edited("conn myvpn\n\tleft=192.0.2.1\n\tright=192.0.2.2", "myvpn", { mtu: 1400 })).toBe(
      "conn myvpn\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tmtu=1400",
    );
    const dos = "conn myvpn\r\n\tleft=192.0.2.1\r\n\tright=192.0.2.2\r\n";
    expect(edited(dos, "myvpn", { mtu: 1400 })).toBe(`${dos}\tmtu=1400\r\n`);
    expect(edited(`${dos}\tmtu=1400\r\n`, "myvpn", { mtu: 1400 })).toBe(`${dos}\tmtu=1400\r\n`);
  });

  test("in an included file, which alone is written", () => {
    const conns = `conn myvpn\n${ENDS}`;
    const edit = done(
      setOptions(tree("include /etc/ipsec.d/*.conf\n", { "/etc/ipsec.d/a.conf": conns }), "myvpn", { mtu: 1400 }, v4),
    );
    expect(edit.files).toEqual([{ path: "/etc/ipsec.d/a.conf", before: conns, after: `${conns}\tmtu=1400\n` }]);
    expect(edit.affected).toEqual(["myvpn"]);
  });

  test("in the words of the gateway's version", () => {
    const text = `conn myvpn\n${ENDS}`;
    expect(edited(text, "myvpn", { ikev2: "never" }, v4)).toBe(`${text}\tikev2=never\n`);
    expect(edited(text, "myvpn", { ikev2: "never" }, v5)).toBe(`${text}\tkeyexchange=ikev1\n`);
  });
});

describe("nothing changes where the option holds, however it is spelled", () => {
  test.each([
    ["\tmtu = 1400\n", { mtu: 1400 }],
    ["\tMTU=1400\n", { mtu: "1400" }],
    ["\tpfs=y\n", { pfs: true }],
    ["", { pfs: "yes" }],
    ["\tauto=route\n", { auto: "ondemand" }],
    ["\tikev2=no\n", { ikev2: "never" }],
    ["\tphase2alg=aes-sha1\n", { esp: "aes-sha1" }],
    ["\tike=aes-sha1-modp2048\n", { ike: "aes-sha1;modp2048" }],
    ["\tmtu=1400\n\tmtu=1400\n", { mtu: 1400 }],
  ] as const)("%j", (line, wanted) => {
    const text = `conn myvpn\n${ENDS}${line}`;
    expect(done(setOptions(tree(text), "myvpn", wanted, v4)).files).toEqual([]);
  });

  test("nor in another version where the conn says it in the older words", () => {
    expect(done(setOptions(tree(`conn myvpn\n${ENDS}\tikev2=never\n`), "myvpn", { ikev2: "never" }, v5)).files).toEqual([]);
  });
});

describe("a key that is set more than once", () => {
  test("is left once, so that the conn loads", () => {
    const text = `conn myvpn\n${ENDS}\tmtu=1500\n\tauto=start\n\tmtu=1400\n`;
    expect(connOf(readConfig(tree(text), v4), "myvpn")?.loaded).toBe(false);
    const after = edited(text, "myvpn", { mtu: 1400 });
    expect(after).toBe(`conn myvpn\n${ENDS}\tmtu=1400\n\tauto=start\n`);
    expect(connOf(readConfig(tree(after), v4), "myvpn")?.loaded).toBe(true);
  });

  test("is left alone in 5.x, where the first counts and is right", () => {
    expect(edited(`conn myvpn\n${ENDS}\tmtu=1400\n\tmtu=1500\n`, "myvpn", { mtu: 1400 }, v5)).toBe(
      `conn myvpn\n${ENDS}\tmtu=1400\n\tmtu=1500\n`,
    );
    expect(edited(`conn myvpn\n${ENDS}\tmtu=1500\n\tmtu=1400\n`, "myvpn", { mtu: 1400 }, v5)).toBe(
      `conn myvpn\n${ENDS}\tmtu=1400\n`,
    );
  });
});

describe("a key that comes from elsewhere", () => {
  const shared = `conn base\n\tesp=aes-sha1\n\nconn a\n${ENDS}\talso=base\n\nconn b\n\tleft=192.0.2.1\n\tright=192.0.2.3\n\talso=base\n`;

  test("is changed in the section of also=, and whoever else uses it is named", () => {
    const edit = done(setOptions(tree(shared), "a", { esp: "aes256-sha2" }, v4));
    expect(edit.tree.files.get(MAIN)).toBe(shared.replace("aes-sha1", "aes256-sha2"));
    expect(edit.affected).toEqual(["base", "a", "b"]);
  });

  test("is overridden in the conn where %default sets it", () => {
    const text = `conn %default\n\tmtu=1500\n\nconn a\n${ENDS}\nconn b\n${ENDS}`;
    const edit = done(setOptions(tree(text), "a", { mtu: 1400 }, v4));
    expect(edit.tree.files.get(MAIN)).toBe(`conn %default\n\tmtu=1500\n\nconn a\n${ENDS}\tmtu=1400\n\nconn b\n${ENDS}`);
    expect(edit.affected).toEqual(["a"]);
  });

  test("is taken out where it stands when it shall not be set", () => {
    const text = `conn %default\n\tmtu=1500\n\nconn a\n${ENDS}\nconn b\n${ENDS}\tmtu=1300\n`;
    const edit = done(setOptions(tree(text), "a", { mtu: null }, v4));
    expect(edit.tree.files.get(MAIN)).toBe(text.replace("\tmtu=1500\n", ""));
    expect(edit.affected).toEqual(["a"]);
    expect(done(setOptions(tree(shared), "b", { esp: null }, v5)).affected).toEqual(["base", "a", "b"]);
  });

  test("is not edited in a file that the system generates", () => {
    const policy = { [POLICY_FILE]: "conn %default\n\tike=aes256-sha2\n\tesp=aes256-sha2\n" };
    const main = `include ${POLICY_FILE}\nconn a\n${ENDS}`;
    expect(setOptions(tree(main, policy), "a", { esp: null }, v4)).toMatchObject({
      refused: expect.stringContaining("generates"),
    });
    expect(done(setOptions(tree(main, policy), "a", { esp: "aes-sha1" }, v4)).files.map(({ path }) => path)).toEqual([MAIN]);
  });
});

describe("an edit is refused", () => {
  test.each(['1400"\nconn evil', "1400\n\tleft=9.9.9.9", 'a"b', "1400\r\nconn evil", "\u0000"])(
    "for a value that could leave its line: %j",
    (value) => {
      expect(setOptions(tree(`conn a\n${ENDS}`), "a", { esp: value, leftid: value }, v4)).toHaveProperty("refused");
    },
  );

  test("for keys and values that the version would drop or refuse", () => {
    const main = tree(`conn a\n${ENDS}`);
    expect(setOptions(main, "a", { nosuchkey: "x" }, v4)).toHaveProperty("refused");
    expect(setOptions(main, "a", { "right-subnet": "10.0.0.0/8", rigthsubnet: "10.0.0.0/8" }, v5)).toMatchObject({
      help: expect.stringContaining('did you mean "rightsubnet"?'),
    });
    expect(setOptions(main, "a", { mtu: "abc" }, v4)).toHaveProperty("refused");
    expect(setOptions(main, "a", { "nic-offload": "auto" }, v5)).toHaveProperty("refused");
    expect(setOptions(main, "a", { leftsubnet: "10.0.1.0/24,10.0.2.0/24" }, v4)).toHaveProperty("refused");
  });

  test("where Libreswan does not accept the files as they are", () => {
    expect(setOptions(tree(`conn a\n${ENDS}\tnosuchkey=1\n`), "a", { mtu: 1400 }, v4)).toMatchObject({
      refused: expect.stringContaining(`${MAIN}:4`),
    });
  });

  test("for a conn that is not there", () => {
    expect(setOptions(tree(`conn a\n${ENDS}`), "b", { mtu: 1400 }, v4)).toHaveProperty("refused");
  });
});

describe("hostile texts stay values", () => {
  const hostile = fc.string({
    unit: fc.constantFrom("a", " ", "#", "=", "{", "}", "'", "\\", "$(id)", "*", "\t", '"', "\n", "\r", "\u00e9", "%", "conn "),
  });
  test("a value never starts a line or a section", () => {
    fc.assert(
      fc.property(hostile, fc.constantFrom(...every), (value, libreswan) => {
        const before = tree(`conn a\n${ENDS}conn b\n${ENDS}`);
        const edit = setOptions(before, "a", { leftid: value }, libreswan);
        if ("refused" in edit) return;
        const config = readConfig(edit.tree, libreswan);
        expect(config.accepted).toBe(true);
        expect(config.sections.map(({ name }) => name)).toEqual(["a", "b"]);
        expect(connOf(config, "a")?.options.get("leftid")?.value).toBe(value.trim());
        expect([...(connOf(config, "b")?.options.keys() ?? [])]).toEqual(["left", "right"]);
      }),
    );
  });
});

describe("laws of editing", () => {
  const setting = fc.constantFrom(
    "mtu=1400",
    "mtu=1500",
    "mtu = 1300 # x",
    "esp=aes-sha1",
    "phase2alg=aes256-sha2",
    "auto=start",
    "also=base",
    "pfs=no",
    "# remark",
    "",
  );
  const body = fc
    .array(setting, { maxLength: 5 })
    .map((lines) => lines.map((line) => (line === "" ? "\n" : `\t${line}\n`)).join(""));
  const file = fc
    .record({ defaults: body, base: body, own: body, other: body, ended: fc.boolean() })
    .map(({ defaults, base, own, other, ended }) => {
      const plain = (text: string): string => text.replaceAll("\talso=base\n", "");
      const text = `conn %default\n${plain(defaults)}\nconn base\n${plain(base)}\nconn other\n${ENDS}${other}\nconn myvpn\n${ENDS}${own}`;
      return ended ? text : text.replace(/\n$/, "");
    });
  const wanted: fc.Arbitrary<Wanted> = fc.constantFrom<Wanted>(
    { mtu: 1400 },
    { mtu: null },
    { esp: "aes256-sha2", mtu: 1380 },
    { pfs: false },
    { auto: "start", esp: null },
  );

  test("twice is once, what was asked for holds, and no line is touched without need", () => {
    fc.assert(
      fc.property(file, wanted, fc.constantFrom(...every), (text, options, libreswan) => {
        const before = tree(text);
        const first = setOptions(before, "myvpn", options, libreswan);
        if ("refused" in first) return;
        const again = done(setOptions(first.tree, "myvpn", options, libreswan));
        expect(again.files).toEqual([]);
        const conn = connOf(readConfig(first.tree, libreswan), "myvpn");
        for (const [key, value] of Object.entries(options)) {
          const found = conn && optionOf(conn.options, key, { version: libreswan, section: "conn" });
          if (value === null) expect(found).toBeUndefined();
          if (typeof value === "number") expect(found?.value).toBe(String(value));
        }
        const remarks = (content: string): readonly string[] => content.split("\n").filter((line) => line.includes("# remark"));
        expect(remarks(first.tree.files.get(MAIN) ?? "")).toEqual(remarks(text));
      }),
      { numRuns: 300 },
    );
  });
});

describe("a conn", () => {
  const main = "config setup\n\tuniqueids=no\n\ninclude /etc/ipsec.d/*.conf\n";
  const options: Wanted = { left: "192.0.2.1", right: "192.0.2.2", authby: "secret", auto: "add" };

  test("is created in a file that an include reaches", () => {
    const edit = done(createConn(tree(main), { name: "branch", file: "/etc/ipsec.d/branch.conf", options }, v4));
    expect(edit.files).toEqual([
      {
        path: "/etc/ipsec.d/branch.conf",
        before: null,
        after: "conn branch\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tauthby=secret\n\tauto=add\n",
      },
    ]);
    expect(createConn(tree(main), { name: "branch", file: "/etc/other/branch.conf", options }, v4)).toMatchObject({
      refused: expect.stringContaining("no include"),
    });
  });

  test("is added to a file that holds others, with its name quoted where it must be", () => {
    const edit = done(createConn(tree(`conn a\n${ENDS}`), { name: "site b", file: MAIN, options: { left: "192.0.2.1" } }, v4));
    expect(edit.tree.files.get(MAIN)).toBe(`conn a\n${ENDS}\nconn "site b"\n\tleft=192.0.2.1\n`);
    expect(createConn(tree(""), { name: 'a"\nconn b', file: MAIN, options: {} }, v4)).toHaveProperty("refused");
  });

  test("is removed with its lines, unless an also= names it", () => {
    const text = `conn a\n${ENDS}\nconn b\n\t# why\n${ENDS}\n# about c\nconn c\n${ENDS}\talso=a\n`;
    expect(done(removeConn(tree(text), "b", v4)).tree.files.get(MAIN)).toBe(
      `conn a\n${ENDS}\n\n# about c\nconn c\n${ENDS}\talso=a\n`.replace("\n\n\n", "\n\n"),
    );
    expect(removeConn(tree(text), "a", v4)).toMatchObject({ refused: expect.stringContaining("conn c") });
    expect(done(removeConn(tree(text), "nosuch", v4)).files).toEqual([]);
  });
});

describe("config setup", () => {
  test("is created before everything else that is read", () => {
    const edit = done(setSetup(tree(`# my gateway\nversion 2\n\nconn a\n${ENDS}`), { plutodebug: "all" }, v4));
    expect(edit.tree.files.get(MAIN)).toBe(`# my gateway\nversion 2\n\nconfig setup\n\tplutodebug=all\n\nconn a\n${ENDS}`);
    expect(done(setSetup(tree(""), { plutodebug: "all" }, v4)).tree.files.get(MAIN)).toBe("config setup\n\tplutodebug=all\n");
  });

  test("is edited in the section that counts", () => {
    const text = "config setup\n\nconfig setup\n\tuniqueids=no\n\nconfig setup\n\tplutodebug=all\n";
    expect(done(setSetup(tree(text), { plutodebug: "base" }, v4)).tree.files.get(MAIN)).toBe(
      "config setup\n\nconfig setup\n\tuniqueids=no\n\tplutodebug=base\n\nconfig setup\n\tplutodebug=all\n",
    );
    expect(done(setSetup(tree(text), { plutodebug: "base" }, v5)).tree.files.get(MAIN)).toBe(text.replace("=all", "=base"));
  });

  test("loses a key in all places", () => {
    const text = "config setup\n\tplutodebug=all\n\tlogfile=/var/log/pluto.log\n\tplutodebug=none\n";
    expect(done(setSetup(tree(text), { plutodebug: null }, v4)).tree.files.get(MAIN)).toBe(
      "config setup\n\tlogfile=/var/log/pluto.log\n",
    );
  });
});

describe("the crypto policy", () => {
  const policy = { [POLICY_FILE]: "conn %default\n\tike=aes256-sha2\n" };

  test("is commented out, and back in, in its place", () => {
    const on = `config setup\n\tuniqueids=yes\ninclude ${POLICY_FILE}\ninclude /etc/ipsec.d/*.conf\nconn a\n${ENDS}`;
    const off = done(followPolicy(tree(on, policy), false, v4));
    expect(off.tree.files.get(MAIN)).toBe(on.replace("include /etc/crypto", "#include /etc/crypto"));
    expect(off.affected).toEqual(["a"]);
    expect(done(followPolicy(off.tree, false, v4)).files).toEqual([]);
    expect(done(followPolicy(off.tree, true, v4)).tree.files.get(MAIN)).toBe(on);
  });

  test("comes before the other includes where no line of it is left", () => {
    expect(done(followPolicy(tree("include /etc/ipsec.d/*.conf\n"), true, v4)).tree.files.get(MAIN)).toBe(
      `include ${POLICY_FILE}\ninclude /etc/ipsec.d/*.conf\n`,
    );
    expect(done(followPolicy(tree(`# include ${POLICY_FILE}\n`), true, v4)).tree.files.get(MAIN)).toBe(
      `include ${POLICY_FILE}\n`,
    );
  });

  test("comes before the conns, whose own defaults then count", () => {
    const conns = `conn %default\n\tike=aes128-sha1\nconn a\n${ENDS}`;
    expect(done(followPolicy(tree(`config setup\n\n${conns}`, policy), true, v4)).tree.files.get(MAIN)).toBe(
      `config setup\n\ninclude ${POLICY_FILE}\n${conns}`,
    );
  });

  test.each(["# system", "# a b"])("keeps a comment after it: %s", (comment) => {
    const on = `include ${POLICY_FILE}  ${comment}\nconn a\n${ENDS}`;
    const off = done(followPolicy(tree(on, policy), false, v4));
    expect(done(followPolicy(off.tree, true, v4)).tree.files.get(MAIN)).toBe(on);
  });

  test("is spoken of by its line", () => {
    const reason = (text: string) => policyReason(tree(text, policy), readConfig(tree(text, policy), v4));
    expect(reason(`\n# include ${POLICY_FILE}\n`)).toBe("/etc/ipsec.conf:2 has the include of the crypto policy commented out");
    expect(reason(`\ninclude ${POLICY_FILE}\n`)).toBe("/etc/ipsec.conf:2 includes the crypto policy");
    expect(reason("")).toBe("no line includes the crypto policy");
  });
});
