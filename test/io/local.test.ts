import { describe, expect, test } from "vitest";

import { connect, type RunOptions, type Target } from "../../src/io/transport.ts";
import { problemOf } from "./problem.ts";

const here: Target = { name: "here", address: "localhost", connection: "local", transport: "ssh2", become: false };
const plain: RunOptions = { become: false, timeoutMs: 10_000 };

async function run(script: string, options: Partial<RunOptions> = {}) {
  const transport = await connect(here, { timeoutMs: 1000, acceptNew: false });
  return transport.run(script, { ...plain, ...options });
}

describe("a local script", () => {
  test("returns exit status and both outputs byte by byte", async () => {
    const result = await run("printf 'a\\nb'; printf '\\377\\001'; echo oops >&2; exit 7");
    expect(result.exit).toBe(7);
    expect([...result.stdout]).toEqual([...Buffer.from("a\nb"), 255, 1]);
    expect(result.stderr).toBe("oops\n");
  });

  test("keeps a trailing newline and an empty output apart", async () => {
    expect((await run("echo x")).stdout.toString()).toBe("x\n");
    expect((await run("")).stdout.toString()).toBe("");
    expect((await run("# only a comment")).exit).toBe(0);
    expect((await run("echo last \\")).stdout.toString()).toBe("last\n");
  });

  test("reads its input, whole, and nothing where there is none", async () => {
    expect((await run("cat", { input: "one $HOME\n`two` \\\n'three'" })).stdout.toString()).toBe(
      "one $HOME\n`two` \\\n'three'\n",
    );
    expect((await run("cat; echo after")).stdout.toString()).toBe("after\n");
  });

  test("hands over lines while it runs", async () => {
    const lines: string[] = [];
    await run("echo a; echo; echo b; printf 'c'", { onLine: (line) => lines.push(line) });
    expect(lines).toEqual(["a", "", "b", "c"]);
    lines.length = 0;
    await run("echo a; echo", { onLine: (line) => lines.push(line) });
    expect(lines).toEqual(["a", ""]);
  });

  test("does not wait for what it left running", async () => {
    const start = performance.now();
    expect((await run("sleep 4 & echo done")).stdout.toString()).toBe("done\n");
    expect(performance.now() - start).toBeLessThan(3000);
  });

  test("drains a flood on standard error and keeps its end", async () => {
    const result = await run("head -c 5000000 /dev/zero | tr '\\0' x >&2; echo end >&2");
    expect(result.exit).toBe(0);
    expect(result.stderr.endsWith("xend\n")).toBe(true);
    expect(result.stderr.length).toBeLessThan(300_000);
  });

  test("refuses an endless output instead of cutting it", async () => {
    const problem = await problemOf(run("yes 0123456789012345678901234567890123456789 | head -c 80000000"));
    expect(problem.reason).toBe("garbage");
  });

  test("says so when it takes too long, is aborted, or its shell is killed", async () => {
    expect((await problemOf(run("sleep 3", { timeoutMs: 200 }))).reason).toBe("timeout");
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 100);
    expect((await problemOf(run("sleep 3", { signal: abort.signal }))).reason).toBe("aborted");
    const killed = await problemOf(run("kill -9 $$"));
    expect([killed.reason, killed.message]).toEqual(["killed", "the script on here ended before its last line, by SIGKILL"]);
  });

  test("takes any length of patience", async () => {
    expect((await run("sleep 0.2; echo x", { timeoutMs: 1e12 })).stdout.toString()).toBe("x\n");
    const stopped = AbortSignal.abort();
    expect((await problemOf(run("echo x", { signal: stopped }))).reason).toBe("aborted");
  });

  test("runs nothing of a script that the shell cannot read to its end", async () => {
    const problem = await problemOf(run("echo ran > /dev/stderr\nif true; then"));
    expect(problem.reason).toBe("garbage");
    expect(problem.message).not.toContain("ran");
  });
});
