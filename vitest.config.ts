import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/build.setup.ts"],
    setupFiles: ["test/seed.setup.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    // Many tests wait for something real (a time-out, a negotiation, a boot): three at a time keep two cores busy.
    maxWorkers: 3,
  },
});
