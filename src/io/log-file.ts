import { appendFile } from "node:fs/promises";

/** A log of JSON lines that grows at its end; lines keep their order although writing takes time. */
export class LogFile {
  readonly #path: string;
  #last: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  append(line: object): void {
    this.#last = this.#last.then(() => appendFile(this.#path, `${JSON.stringify(line)}\n`));
  }

  /** Waits for the last line; rejects when one could not be written. */
  async close(): Promise<void> {
    await this.#last;
  }
}
