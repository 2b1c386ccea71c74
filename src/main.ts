#!/usr/bin/env node
import { setMaxListeners } from "node:events";
import { EXIT } from "./engine/exit-code.ts";

const interruption = new AbortController();
// Every connection of a fleet listens to it.
setMaxListeners(0, interruption.signal);

// The first signal lets what has begun come to its end; the second one does not wait.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => {
    if (interruption.signal.aborted) process.exit(EXIT.interrupted);
    interruption.abort();
    process.stderr.write("\ninterrupted: what has begun is finished safely; once more to stop at once\n");
  });
// Progress that nobody can read any more must not end a run that is changing gateways.
process.stderr.on("error", () => {});
// A reader that has seen enough (`| head`) is no error; a result that is lost is one.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") process.exit(EXIT.error);
});

try {
  const { runCommandLine } = await import("./cli.ts");
  const code = await runCommandLine(process.argv.slice(2), {
    out: (text) => process.stdout.write(text),
    error: (text) => process.stderr.write(text),
    signal: interruption.signal,
  });
  process.exitCode = interruption.signal.aborted && code === EXIT.done ? EXIT.interrupted : code;
} catch (error) {
  const words = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `ipsec-fix: ${words}\n${process.env["IPSEC_FIX_DEBUG"] && error instanceof Error ? `${error.stack}\n` : ""}`,
  );
  process.exitCode = EXIT.error;
}
