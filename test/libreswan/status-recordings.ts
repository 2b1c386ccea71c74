import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = process.env["IPSEC_FIX_CORPUS"] ?? join(import.meta.dirname, "../../../shared/corpus");

/** Outputs of real gateways, where this machine has them. */
export const hasRecordings = existsSync(join(root, "console"));

/** A recorded output by its path in the corpus. */
export function recording(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** Every recorded scenario of a pair of gateways: `console/4.10/ok_v2.txt`. */
export function scenarios(): readonly string[] {
  if (!hasRecordings) return [];
  return ["4.10", "5.2", "5.4"].flatMap((version) =>
    readdirSync(join(root, "console", version)).map((name) => `console/${version}/${name}`),
  );
}
