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
    // minijinja-js looks for its WebAssembly beside itself; ssh2 does without its native addons.
    external: ["minijinja-js", "cpu-features", "*.node"],
    // What is CommonJS in the bundle asks for Node's own modules by require, and where it is.
    banner: {
      js: [
        'import { createRequire as moduleRequire } from "node:module";',
        "const require = moduleRequire(import.meta.url);",
        "const { dirname: __dirname, filename: __filename } = import.meta;",
      ].join(" "),
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
