import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const phases = fileURLToPath(new URL("../../src/commands/phases.ts", import.meta.url));
const RUN = `import { phases } from ${JSON.stringify(phases)};
const { report, pause } = phases(2, true);
for (const host of ["a", "b"]) {
  report({ event: "connecting", host });
  report({ event: "reading", host });
}
await new Promise((resolve) => setTimeout(resolve, 200));
report({ event: "finished", host: "a", status: "ok" });
report({ event: "applying", host: "b", operations: 1 });
report({ event: "verifying", host: "b" });
report({ event: "reading", host: "b" });
report({ event: "finished", host: "b", status: "unreachable" });
await pause();
console.log("the result");`;

/** What a terminal of 80 columns shows in the end: listr2 moves up and clears line by line. */
function screen(bytes: string): readonly string[] {
  const rows = [""];
  let row = 0;
  for (const [part, count, command] of bytes.matchAll(/\u001b\[\??(\d*)([A-Za-z])|\r|\n|[^\u001b\r\n]+/g)) {
    if (command === "A") row = Math.max(0, row - Number(count || 1));
    else if (command === "K") rows[row] = "";
    else if (command !== undefined || part === "\r") continue;
    else if (part === "\n") row += 1;
    else rows[row] = `${rows[row] ?? ""}${part}`;
  }
  return rows.map((text) => text.trimEnd()).filter((text) => text !== "");
}

describe.skipIf(!existsSync("/usr/bin/script"))("progress on a terminal", () => {
  it.each([
    ["standard output on the terminal", "", ["the result"]],
    ["standard output in a file", " >/dev/null", []],
  ])("leaves one line a phase behind, with %s", (_, redirection, result) => {
    const command = `stty cols 80 rows 24; '${process.execPath}' --import tsx --input-type=module -e '${RUN}'${redirection}`;
    const env = { ...process.env, SHELL: "/bin/sh", TERM: "xterm", NO_COLOR: "1" };
    const seen = execFileSync("script", ["-qefc", command, "/dev/null"], { env, stdio: ["pipe", "pipe", "inherit"] }).toString();
    expect(screen(seen).map((line) => line.replace(/^[^A-Za-z]*/, ""))).toEqual([
      "Read 2/2",
      "Apply 1",
      "Verify 1",
      "Done 2/2, 1 in trouble",
      ...result,
    ]);
  });
});
