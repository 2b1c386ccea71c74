import { access, constants, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { systemWords } from "./connection-problem.ts";

/** What speaks against writing these files, asked before the work begins whose result they shall hold. */
export async function writingTroubles(files: readonly string[]): Promise<readonly string[]> {
  const troubles = await Promise.all(files.map(writingTrouble));
  return troubles.filter((trouble) => trouble !== undefined);
}

/** Writes a file that a person asked for; a sentence when that fails. */
export async function writeResult(file: string, text: string): Promise<string | undefined> {
  return await writeFile(file, text).then(
    () => undefined,
    (error: unknown) => cannotWrite(file, systemWords(error)),
  );
}

/** One way to say it. */
export function cannotWrite(file: string, reason: string): string {
  return `cannot write ${file}: ${reason}`;
}

async function writingTrouble(file: string): Promise<string | undefined> {
  const present = await stat(file).catch(() => undefined);
  if (present?.isDirectory()) return cannotWrite(file, "it is a folder");
  const folder = dirname(file);
  return await access(present === undefined ? folder : file, constants.W_OK).then(
    () => undefined,
    (error: unknown) => cannotWrite(file, present === undefined ? `${folder}: ${systemWords(error)}` : systemWords(error)),
  );
}
