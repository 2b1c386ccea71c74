import { spawn } from "node:child_process";
import { once } from "node:events";
import { letGo } from "./inetd.ts";
import { run } from "./process.ts";

/** A network namespace without a host; it ends when `stop` is called, and by itself when this process ends. */
export interface Namespace {
  /** A process in it. */
  readonly pid: number;
  stop(): Promise<void>;
}

export async function startNamespace(): Promise<Namespace> {
  const child = spawn("unshare", ["--net", "/bin/sh", "-c", "echo ready; exec cat >/dev/null"], {
    stdio: "pipe",
    detached: true,
  });
  await once(child.stdout, "data");
  letGo(child);
  return {
    pid: child.pid ?? 0,
    stop: async () => {
      child.ref();
      child.stdin.end();
      await once(child, "close");
    },
  };
}

/** Runs a script in the network of a process, and in nothing else of it. */
export async function inNetwork(pid: number, script: string, input = ""): Promise<string> {
  const ended = await run(["nsenter", `--net=/proc/${pid}/ns/net`, "/bin/sh", "-c", script], { input });
  if (ended.exit !== 0) throw new Error(`exit ${ended.exit} of ${script}\n${ended.stderr}`);
  return ended.stdout;
}
