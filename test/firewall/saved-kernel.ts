import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FileFact } from "../../src/model/fact.ts";

/** Whether this machine lets a test make a network namespace and load rules there. */
export const kernelLoads =
  spawnSync("unshare", ["-n", "nft", "list", "ruleset"]).status === 0 &&
  spawnSync("unshare", ["-n", "iptables-nft-save"]).status === 0;

/** What a shell script prints in a network namespace of its own, with `text` in the file `$1`. */
export function inNamespace(script: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "ipsec-fix-saved-"));
  const path = join(folder, "rules");
  try {
    writeFileSync(path, text);
    return execFileSync("unshare", ["-n", "sh", "-ec", `ip link set lo up\n${script}`, "sh", path], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A file as a probe would bring it. */
export function fileFact(path: string, content: string): FileFact {
  return { path, content, encoding: "utf8", mode: "-rw-r--r--", uid: 0, gid: 0 };
}
