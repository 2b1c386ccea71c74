import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** What one run of a program cost, its child processes included. */
export interface Cost {
  readonly exit: number;
  readonly wall: number;
  /** Processor seconds, user and system, of the whole tree. */
  readonly cpu: number;
  /** Peak of the resident memory of the whole tree in MB, sampled. */
  readonly memory: number;
  readonly output: string;
}

const SAMPLE_MS = 50;

/** Runs a program and measures it. */
export function measure(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Cost> {
  return new Promise((resolve, reject) => {
    const begun = process.hrtime.bigint();
    // `times` of the shell knows the processor time of every descendant that was waited for.
    const child = spawn("/bin/sh", ["-c", '"$@" >&3 2>&1; status=$?; times; exit "$status"', "sh", ...argv], {
      stdio: ["ignore", "pipe", "inherit", "pipe"],
      env: { ...process.env, ...env },
    });
    const [times, output]: [string[], string[]] = [[], []];
    child.stdout?.on("data", (chunk: Buffer) => times.push(chunk.toString()));
    child.stdio[3]?.on("data", (chunk: Buffer) => output.push(chunk.toString()));
    let memory = 0;
    const sampler = setInterval(() => {
      memory = Math.max(memory, residentMegabytes(child.pid ?? 0));
    }, SAMPLE_MS);
    child.on("error", reject);
    child.on("close", (code) => {
      clearInterval(sampler);
      const wall = Number(process.hrtime.bigint() - begun) / 1e9;
      resolve({ exit: code ?? 1, wall, cpu: childSeconds(times.join("")), memory, output: output.join("") });
    });
  });
}

/** The run of the middle wall time. */
export function median(costs: readonly Cost[]): Cost {
  const sorted = [...costs].sort((a, b) => a.wall - b.wall);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new Error("nothing was measured");
  return middle;
}

// The second line of `times` is that of the children: `0m1.23s 0m0.45s`.
function childSeconds(text: string): number {
  const words = text.trim().split("\n").at(-1)?.split(" ") ?? [];
  return words.reduce((sum, word) => {
    const [, minutes = "0", seconds = "0"] = /^(\d+)m([\d.]+)s$/.exec(word) ?? [];
    return sum + 60 * Number(minutes) + Number(seconds);
  }, 0);
}

function residentMegabytes(pid: number): number {
  try {
    const own = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
    return children.reduce((sum, child) => sum + residentMegabytes(Number(child)), own);
  } catch {
    return 0;
  }
}
