import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { conf } from "../../src/commands/conf.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "conf-"));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

function write(path: string, text: string): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

async function run(file: string, options: { readonly conn?: string; readonly libreswan?: string; readonly json?: boolean }) {
  const printed: string[] = [];
  const exit = await conf({ file, root, json: false, libreswan: "4.10", ...options }, (text) => printed.push(text));
  return { exit, text: printed.join("") };
}

describe("conf", () => {
  test("says what each conn comes to, and from which line", async () => {
    write("etc/ipsec.d/b.conf", "conn base\n\tesp=aes-sha1\n");
    write("etc/ipsec.d/a.conf", "conn myvpn\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\talso=base\n\tMTU = 1400 # here\n");
    write("etc/ipsec.d/skipped.txt", "garbage\n");
    const main = write("etc/ipsec.conf", "conn %default\n\tauto=add\ninclude /etc/ipsec.d/*.conf\n");
    const { exit, text } = await run(main, { conn: "myvpn", json: true });
    const report = JSON.parse(text);
    expect(exit).toBe(0);
    expect(report).toMatchObject({ libreswan: "4.10", accepted: true, problems: [] });
    expect(report.conns).toHaveLength(1);
    expect(report.conns[0]).toMatchObject({
      name: "myvpn",
      loaded: true,
      reason: null,
      options: {
        auto: { value: "add", file: main, line: 2, via: "%default" },
        mtu: { value: "1400", file: "/etc/ipsec.d/a.conf", line: 5, via: "conn" },
        esp: { value: "aes-sha1", file: "/etc/ipsec.d/b.conf", line: 2, via: "also:base" },
        type: { value: "tunnel", file: null, line: null, via: "builtin" },
      },
    });
  });

  test("prints the same for people", async () => {
    const main = write("t.conf", "conn a\n\tleft=192.0.2.1\n\tmtu=1400\n\tmtu=1500\n");
    const { exit, text } = await run(main, {});
    expect(exit).toBe(2);
    expect(text).toContain(
      "Libreswan 4.10 accepts this configuration, and drops 1 of its conns.\n\nconn a: NOT loaded: duplicate key 'mtu'",
    );
    expect(text).toContain(`  mtu=1400            ${main}:3\n`);
    expect((await run(main, { libreswan: "5.2" })).exit).toBe(0);
  });

  test("takes a path that the root has for a path below the root", async () => {
    write("etc/ipsec.conf", "conn rooted\n\tleft=192.0.2.1\n");
    const { text } = await run("/etc/ipsec.conf", { json: true });
    expect(JSON.parse(text).conns).toMatchObject([{ name: "rooted", options: { left: { file: "/etc/ipsec.conf", line: 2 } } }]);
  });

  test("shows values without the CR of CR LF line ends, and says what 4.x drops for it", async () => {
    const lines = [
      "conn a",
      "\tleft=192.0.2.1",
      "\tleftsubnet=10.0.0.0/24",
      "\tright=192.0.2.2",
      "conn b",
      "\talso=c",
      "conn c",
      "",
    ];
    const { exit, text } = await run(write("t.conf", lines.join("\r\n")), { json: true });
    expect(exit).toBe(2);
    expect(JSON.parse(text)).toMatchObject({
      accepted: true,
      conns: [
        { name: "a", loaded: false, reason: expect.stringContaining("CR LF"), options: { leftsubnet: { value: "10.0.0.0/24" } } },
        { name: "b", loaded: false, reason: expect.stringContaining("also=") },
        { name: "c", loaded: true },
      ],
    });
  });

  test("takes a value that means nothing in the wrong section for nothing, as 4.x does", async () => {
    expect((await run(write("t.conf", "config setup\n\trekeyfuzz=bad\n"), {})).exit).toBe(0);
    expect((await run(write("t.conf", "config setup\n\trekeyfuzz=10%\n"), {})).exit).toBe(65);
  });

  test("exits 65 for files that are not accepted, and names the line", async () => {
    const main = write("t.conf", "conn a\n\tleft=192.0.2.1\n\tforceencaps=yes\n");
    expect((await run(main, { libreswan: "4.10" })).exit).toBe(0);
    const { exit, text } = await run(main, { libreswan: "5.4", json: true });
    expect(exit).toBe(65);
    expect(JSON.parse(text)).toMatchObject({
      accepted: false,
      conns: [],
      problems: [{ file: main, line: 3, severity: "error" }],
    });
  });

  test("suggests the conn that was meant", async () => {
    const { exit, text } = await run(write("t.conf", "conn myvpn\n\tleft=192.0.2.1\n"), { conn: "myvpm" });
    expect(exit).toBe(2);
    expect(text).toContain('there is no conn myvpm (did you mean "myvpn"?)');
  });

  test("keeps to relative includes below the root, and follows loops no further than Libreswan", async () => {
    write("sub/one.conf", "include sub/one.conf\nconn one\n\tleft=192.0.2.1\n");
    const { exit, text } = await run(write("t.conf", "include sub/one.conf\n"), { json: true });
    expect(exit).toBe(0);
    expect(JSON.parse(text).conns.map((conn: { name: string }) => conn.name)).toContain("one");
  });

  test("says what is wrong with its arguments", async () => {
    expect(await run(join(root, "nosuch.conf"), {})).toMatchObject({ exit: 1, text: expect.stringContaining("can't be read") });
    expect(await run(write("t.conf", ""), { libreswan: "swan" })).toMatchObject({
      exit: 64,
      text: expect.stringContaining("no version"),
    });
  });
});
