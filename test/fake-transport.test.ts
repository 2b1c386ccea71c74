import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ConnectionProblem } from "../src/io/connection-problem.ts";
import { type Fault, faultyTransport, scriptedTransport } from "./fake-transport.ts";
import { problemOf } from "./io/problem.ts";

const folder = mkdtempSync(join(tmpdir(), "ipsec-fix-faults-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const plain = { become: false, timeoutMs: 5000 };
const once = (fault: Fault | undefined, script: string, timeoutMs = 5000) =>
  faultyTransport({ faults: [fault] }).run(script, { ...plain, timeoutMs });

test("without a fault is a shell", async () => {
  const result = await once(undefined, "echo out; echo err >&2; exit 3");
  expect(result).toEqual({ exit: 3, stdout: Buffer.from("out\n"), stderr: "err\n" });
});

test("a drop, at any byte before the end, is lost and stays lost", async () => {
  for (const afterBytes of [0, 1, 34, 36, 40, 70]) {
    const transport = faultyTransport({ faults: [{ fault: "drop", afterBytes }] });
    expect((await problemOf(transport.run("echo out; echo err >&2", plain))).reason).toBe("lost");
    expect((await problemOf(transport.run("true", plain))).reason).toBe("lost");
  }
});

test("a drop behind the end changes nothing", async () => {
  expect((await once({ fault: "drop", afterBytes: 100_000 }, "echo out")).stdout.toString()).toBe("out\n");
});

test("a drop leaves the script to itself: it goes on where it minds its output", async () => {
  const proof = join(folder, "proof");
  await problemOf(once({ fault: "drop", afterBytes: 36 }, `trap '' PIPE; echo x; sleep 0.3; echo y; echo done > '${proof}'`));
  await expect.poll(() => readFileSync(proof, "utf8")).toBe("done\n");
});

test("a stall ends by time", async () => {
  expect((await problemOf(once({ fault: "stall", afterBytes: 36 }, "echo out; echo more", 300))).reason).toBe("timeout");
});

test("garbage before the script's output is passed by", async () => {
  const result = await once({ fault: "garbage", text: "Welcome\u0000\u001b[31m ".repeat(5000) }, "echo out; echo err >&2");
  expect([result.stdout.toString(), result.stderr]).toEqual(["out\n", "err\n"]);
});

test("a slow host is waited for, with its marks torn into pieces", async () => {
  expect((await once({ fault: "slow", pieceBytes: 7, pauseMs: 2 }, "echo out; exit 4")).exit).toBe(4);
});

test("a login that ends at once is no result", async () => {
  const problem = await problemOf(once({ fault: "exit", code: 0, words: "\u001b]0;owned\u0007No shell\u202e for you" }, "true"));
  expect(problem).toMatchObject({
    reason: "garbage",
    message: "faulty did not run the script (exit 0); it said: ]0;ownedNo shell for you",
  });
});

test("faults follow the runs", async () => {
  const transport = faultyTransport({ faults: [undefined, { fault: "exit", code: 1 }], shell: ["/bin/sh", "-s"] });
  expect((await transport.run("true", plain)).exit).toBe(0);
  expect((await problemOf(transport.run("true", plain))).reason).toBe("garbage");
  expect((await transport.run("exit 2", plain)).exit).toBe(2);
});

test("scripted answers come as they are, problems are thrown", async () => {
  const lost = new ConnectionProblem("lost", "gone", "wait");
  const transport = scriptedTransport((script) =>
    script === "bad" ? lost : { exit: 0, stdout: Buffer.from(script), stderr: "" },
  );
  expect((await transport.run("good", plain)).stdout.toString()).toBe("good");
  expect(await problemOf(transport.run("bad", plain))).toBe(lost);
});
