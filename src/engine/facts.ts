import type { Facts, FileFact, Probe, Reading } from "../model/fact.ts";

// sudo resets the environment; that of the processes above still tells which way the management connection came.
const PRELUDE = `LC_ALL=C; LANGUAGE=C; PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export LC_ALL LANGUAGE PATH
umask 077
exec 2>/dev/null
ancestor=$PPID
while [ -z "$SSH_CONNECTION" ] && [ "$ancestor" -gt 1 ]; do
  SSH_CONNECTION=$(tr '\\0' '\\n' < "/proc/$ancestor/environ" | sed -n 's/^SSH_CONNECTION=//p')
  ancestor=$(sed 's/.*) [A-Z] \\([0-9]*\\) .*/\\1/' "/proc/$ancestor/stat")
done
file() {
  [ -f "$1" ] || return 0
  set -- "$1" "$(ls -ldnL -- "$1")" || return 0
  printf '\\n%s F %s\\n%s\\n%s C\\n' "$M" "\${2%%/*}" "$1" "$M"
  cat -- "$1"
  printf '\\n%s .%s\\n' "$M" "$?"
}`;

/**
 * One POSIX sh script that runs every probe and frames what each prints with a mark (128 random bits, hexadecimal), so that
 * whatever a login shell or a probe prints cannot be mistaken for a frame. Probes of one key are sent once.
 */
export function factsScript(probes: readonly Probe[], mark: string): string {
  const frames = distinct(probes).map(
    ({ command }, index) => `printf '\\n%s P ${index}\\n' "$M"\n(\n${command}\n)\nprintf '\\n%s .%s\\n' "$M" "$?"`,
  );
  return `M=${mark}\n${PRELUDE}\n${frames.join("\n")}\nprintf '\\n%s Z\\n' "$M"\n`;
}

/** What a facts script printed, or undefined when it is not whole (a cut connection, a shell that printed garbage). */
export function parseFacts(output: Uint8Array, probes: readonly Probe[], mark: string): Facts | undefined {
  const text = Buffer.from(output.buffer, output.byteOffset, output.byteLength).toString("latin1");
  const end = text.lastIndexOf(`\n${mark} Z\n`);
  if (end < 0) return undefined;
  const keys = distinct(probes).map(({ key }) => key);
  const readings = new Map<string, Reading>();
  const files = new Map<string, FileFact>();
  const open: Frame[] = [];
  const [, ...chunks] = text.slice(0, end).split(`\n${mark} `);
  for (const chunk of chunks) {
    const newline = chunk.indexOf("\n");
    const header = newline < 0 ? chunk : chunk.slice(0, newline);
    const body = newline < 0 ? "" : chunk.slice(newline + 1);
    if (header.startsWith("P ")) open.push({ key: keys[Number(header.slice(2))] ?? "", text: body });
    else if (header.startsWith("F ")) open.push({ key: "", text: "", meta: header.slice(2), path: decode(body).text });
    else if (header === "C") extend(open, body);
    else if (header.startsWith(".")) {
      close(open.pop(), Number(header.slice(1)), readings, files);
      extend(open, body);
    } else return undefined;
  }
  return open.length === 0 ? { readings, files } : undefined;
}

interface Frame {
  readonly key: string;
  text: string;
  readonly meta?: string;
  readonly path?: string;
}

function distinct(probes: readonly Probe[]): readonly Probe[] {
  return [...new Map(probes.map((probe) => [probe.key, probe])).values()];
}

function extend(open: Frame[], body: string): void {
  const frame = open.at(-1);
  if (frame) frame.text += body;
}

function close(frame: Frame | undefined, exit: number, readings: Map<string, Reading>, files: Map<string, FileFact>): void {
  if (frame === undefined) return;
  const { text, encoding } = decode(frame.text);
  if (frame.path === undefined) {
    readings.set(frame.key, { exit: exit === 127 ? undefined : exit, text });
    return;
  }
  if (exit !== 0) return;
  const [mode = "", , uid, gid] = (frame.meta ?? "").split(/ +/);
  files.set(frame.path, { path: frame.path, content: text, encoding, mode, uid: Number(uid), gid: Number(gid) });
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(bytes: string): { readonly text: string; readonly encoding: "utf8" | "latin1" } {
  // A copy: a slice would keep everything that the host printed for as long as a plan quotes a line of it.
  const copy = Buffer.from(bytes, "latin1");
  if (/^[\x00-\x7f]*$/.test(bytes)) return { text: copy.toString("latin1"), encoding: "utf8" };
  try {
    return { text: utf8.decode(copy), encoding: "utf8" };
  } catch {
    return { text: copy.toString("latin1"), encoding: "latin1" };
  }
}
