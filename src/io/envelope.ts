import { randomBytes } from "node:crypto";
import { StringDecoder } from "node:string_decoder";

/** A script as it is sent: framed by a random mark, so that its own output can be told from a login's noise. */
export interface Envelope {
  readonly mark: string;
  readonly text: string;
}

/**
 * Wraps a script for the standard input of `/bin/sh -s`. The braces make the shell read all of it before it runs any of
 * it, so that a connection lost while sending runs nothing; the subshell lets the end mark follow an `exit`.
 */
export function seal(script: string, input: string | undefined): Envelope {
  if (script.includes("\0") || input?.includes("\0")) throw new RangeError("a script and its input cannot hold a NUL byte");
  const mark = randomBytes(16).toString("hex");
  const body = input === undefined || input === "" ? "</dev/null" : `<<'${mark}='\n${input.replace(/\n$/, "")}\n${mark}=`;
  const text = `{
echo '${mark}<'; echo '${mark}<' >&2
(
:
${script}

) ${body}
ipsec_fix_exit=$?
printf '\\n%s %s\\n' '${mark}>' "$ipsec_fix_exit"; printf '\\n%s %s\\n' '${mark}>' "$ipsec_fix_exit" >&2
exit "$ipsec_fix_exit"
}
`;
  return { mark, text };
}

/** How much of a stream is kept, and what happens to the rest. */
export interface StreamLimit {
  readonly bytes: number;
  readonly beyond: "fail" | "drop-oldest";
}

// Login noise is kept for the message only; the begin mark is looked for in all of it.
const NOISE_BYTES = 4096;

/** Finds the sealed script's own output in one stream. */
export class FramedStream {
  readonly #begin: Buffer;
  readonly #end: Buffer;
  readonly #limit: StreamLimit;
  #begun = false;
  #exit: number | undefined;
  #noise: Buffer = Buffer.alloc(0);
  #chunks: Buffer[] = [];
  #size = 0;
  #tail: Buffer = Buffer.alloc(0);

  constructor(mark: string, limit: StreamLimit) {
    this.#begin = Buffer.from(`${mark}<\n`);
    this.#end = Buffer.from(`\n${mark}> `);
    this.#limit = limit;
  }

  /** Takes what arrived; false when the script's output is over a limit that must not be passed. */
  push(chunk: Buffer): boolean {
    if (this.#exit !== undefined) return true;
    if (this.#begun) return this.#keep(chunk);
    const seen = Buffer.concat([this.#noise, chunk]);
    const at = seen.indexOf(this.#begin);
    if (at < 0) {
      this.#noise = seen.subarray(-NOISE_BYTES);
      return true;
    }
    this.#begun = true;
    this.#noise = seen.subarray(0, at);
    return this.#keep(seen.subarray(at + this.#begin.length));
  }

  #keep(chunk: Buffer): boolean {
    const window = Buffer.concat([this.#tail, chunk]);
    const at = window.indexOf(this.#end);
    const newline = at < 0 ? -1 : window.indexOf(10, at + this.#end.length);
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (newline >= 0) {
      this.#exit = Number(window.toString("latin1", at + this.#end.length, newline));
      const surplus = window.length - at;
      this.#chunks = [Buffer.concat(this.#chunks).subarray(0, this.#size - surplus)];
      this.#size -= surplus;
      return true;
    }
    // Long enough for the end mark and any exit status.
    this.#tail = window.subarray(-(this.#end.length + 8));
    if (this.#size <= this.#limit.bytes) return true;
    if (this.#limit.beyond === "fail") return false;
    let oldest = this.#chunks[0];
    while (oldest && this.#size - oldest.length > this.#limit.bytes) {
      this.#chunks.shift();
      this.#size -= oldest.length;
      oldest = this.#chunks[0];
    }
    return true;
  }

  /** The script started: the shell has read all of it. */
  get begun(): boolean {
    return this.#begun;
  }

  /** The script's exit status, once its end mark was seen. */
  get exit(): number | undefined {
    return this.#exit;
  }

  /** The script's own output so far. */
  get content(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** What stood before the script's own output: banners, start-up files, words of sudo. */
  get noise(): string {
    return this.#noise.toString();
  }
}

/** Delivers the sealed script's own lines while they arrive; feed it the raw chunks of standard output. */
export function lineReader(mark: string, onLine: (line: string) => void): (chunk: Buffer) => void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  let phase: "noise" | "script" | "over" = "noise";
  // The end mark brings its own newline: a blank line is the script's only when something follows it.
  let heldBlank = false;
  const deliver = (line: string) => {
    if (phase === "noise") {
      if (line.endsWith(`${mark}<`)) phase = "script";
      return;
    }
    if (phase === "over") return;
    if (line.startsWith(`${mark}> `)) {
      phase = "over";
      return;
    }
    if (heldBlank) onLine("");
    heldBlank = line === "";
    if (!heldBlank) onLine(line);
  };
  return (chunk) => {
    const lines = (rest + decoder.write(chunk)).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(deliver);
  };
}
