/** How long a step of connecting may take. Calls back once, when the time is over or the run is interrupted. */
export class Patience {
  readonly #ms: number;
  readonly #signal: AbortSignal | undefined;
  readonly #over: (why: "timeout" | "aborted") => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, signal: AbortSignal | undefined, over: (why: "timeout" | "aborted") => void) {
    // A longer timer would fire at once.
    this.#ms = Math.min(ms, 2 ** 31 - 1);
    this.#signal = signal;
    this.#over = over;
    this.resume();
    signal?.addEventListener("abort", this.#abort, { once: true });
    if (signal?.aborted) queueMicrotask(this.#abort);
  }

  readonly #abort = () => {
    this.end();
    this.#over("aborted");
  };

  /** A person is being asked: the time does not run. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  /** The time runs from the beginning. */
  resume(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.end();
      this.#over("timeout");
    }, this.#ms);
  }

  /** The step is done. */
  end(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#abort);
  }

  /** The limit, for messages. */
  get seconds(): number {
    return Math.round(this.#ms / 100) / 10;
  }
}
