// Builds dist/ from src/; run by `npm ci` through `prepare`. Bundled, because loading 300 small modules costs more than the
// work on one gateway; split, so that a command loads what it needs.
// Built beside and swapped in, so that a running program never finds half of it.
import { chmodSync, existsSync, renameSync, rmSync } from "node:fs";
import { build } from "esbuild";

const fresh = `dist.${process.pid}`;
try {
  await build({
    entryPoints: ["src/main.ts"],
    outdir: fresh,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    // ssh2 looks for a native addon and minijinja-js for its WebAssembly beside themselves.
    external: ["ssh2", "minijinja-js"],
    // What is CommonJS in the bundle asks for Node's own modules by require.
    banner: {
      js: 'import { createRequire as moduleRequire } from "node:module"; const require = moduleRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
  chmodSync(`${fresh}/main.js`, 0o755);
  const old = `${fresh}.old`;
  if (existsSync("dist")) renameSync("dist", old);
  renameSync(fresh, "dist");
  rmSync(old, { recursive: true, force: true });
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
