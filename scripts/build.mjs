// Builds dist/ from src/ with tsc; run by `npm ci` through `prepare`. Built beside and swapped in, so that a running program
// never finds half of it.
import { execFileSync } from "node:child_process";
import { chmodSync, renameSync, rmSync } from "node:fs";

const fresh = `dist.${process.pid}`;
try {
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", "--outDir", fresh], {
    stdio: "inherit",
  });
  chmodSync(`${fresh}/main.js`, 0o755);
  rmSync("dist", { recursive: true, force: true });
  renameSync(fresh, "dist");
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
