// Builds dist/ from src/ with tsc; run by `npm ci` through `prepare`. Built beside and swapped in, so that a running program
// never finds half of it. Type errors fail the build after the swap.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, renameSync, rmSync } from "node:fs";

const fresh = `dist.${process.pid}`;
const compiler = ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", "--outDir", fresh];
const { status } = spawnSync(process.execPath, compiler, { stdio: "inherit" });
if (existsSync(`${fresh}/main.js`)) {
  chmodSync(`${fresh}/main.js`, 0o755);
  rmSync("dist", { recursive: true, force: true });
  renameSync(fresh, "dist");
}
rmSync(fresh, { recursive: true, force: true });
process.exitCode = status ?? 1;
