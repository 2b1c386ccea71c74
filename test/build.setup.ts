import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Builds dist/ before the tests: scenarios run the program that users run. Type errors are the type check's to report. */
export function setup(): void {
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  try {
    execFileSync(process.execPath, ["scripts/build.mjs"], { cwd, stdio: "pipe" });
  } catch {
    process.stderr.write("dist/ could not be built: the scenarios run the last build\n");
  }
}
