import { appendFile } from "node:fs/promises";
import { systemWords } from "./connection-problem.ts";
import { cannotWrite } from "./result-files.ts";

/** A log that grows line by line; lines keep their order although writing takes time. */
export class LogFile {
  readonly #path: string;
  #last: Promise<void> = Promise.resolve();
  #trouble: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  append(line: string): void {
    // A full disk must not end a run that is changing gateways.
    this.#last = this.#last
      .then(() => appendFile(this.#path, `${line}\n`))
      .catch((error: unknown) => {
        this.#trouble ??= cannotWrite(this.#path, systemWords(error));
      });
  }

  /** Waits for the last line; a sentence when one could not be written. */
  async close(): Promise<string | undefined> {
    await this.#last;
    return this.#trouble;
  }
}
