import type { TcpProbe } from "../model/specs.generated.ts";
import { commandLine, quote } from "../text/shell.ts";
import { NOT_RUN, type Part, type Verdict } from "./transcript.ts";

// Bytes that were written may still wait in the send queue, behind a path that swallows big packets. The kernel's table tells
// by the socket's inode how many the peer has not acknowledged: the first half of column 5.
const BASH_CLIENT = [
  'exec 3<>"/dev/tcp/$1/$2" || exit 1',
  "echo open",
  '[ "$3" -gt 0 ] || exit 0',
  'head -c "$3" /dev/zero >&3 || exit 2',
  'inode=$(readlink "/proc/$$/fd/3" | tr -dc 0-9)',
  "while :; do",
  `  queue=$(awk -v inode="$inode" '$10 == inode { print $5 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)`,
  "  case $queue in",
  '    "") echo closed; exit 3 ;;',
  "    00000000:*) echo acknowledged; exit 0 ;;",
  "  esac",
  "  sleep 0.1",
  "done",
].join("\n");

/** Opens a connection and sends zeros; bash can say how many arrived, nc only whether it opens. */
export function tcpCommand({ destination, port, bytes }: TcpProbe): string {
  const bash = commandLine(["timeout", "10", "bash", "-c", BASH_CLIENT, "bash", destination, String(port), String(bytes)]);
  const nc = commandLine(["timeout", "10", "nc", "-w", "5", "-z", "--", destination, String(port)]);
  const fallback = bytes > 0 ? `echo ${quote(NO_BASH)}; (exit 127)` : `${nc} && echo open`;
  return `if command -v bash >/dev/null; then ${bash}
elif command -v nc >/dev/null; then ${fallback}
else echo ${quote(NO_TOOL)}; (exit 127); fi`;
}

const NO_BASH = "the host has no bash, and nc cannot say whether bytes arrive";
const NO_TOOL = "the host has neither bash nor nc to open a connection with";

/** Judges `tcp`: the connection opened, and the peer has acknowledged the bytes. */
export function judgeTcp({ destination, port, bytes }: TcpProbe, run: Part | undefined): Verdict {
  if (run === undefined) return NOT_RUN;
  const said = (line: string): boolean => run.text.split("\n").includes(line);
  const failed = (detail: string): Verdict => ({ passed: false, detail, needsPeer: true });
  const target = `${destination} port ${port}`;
  const lack = [NO_BASH, NO_TOOL].find(said);
  if (lack !== undefined) return failed(lack);
  if (!said("open")) {
    const complaint =
      /: (Connection refused|No route to host|Network is unreachable|[A-Za-z ]+ not known|Connection timed out)/.exec(run.text);
    return failed(
      `no connection to ${target}: ${complaint?.[1] ?? (run.exit === 124 ? "no answer within 10 seconds" : `exit status ${run.exit}`)}`,
    );
  }
  if (bytes === 0) return { passed: true, detail: `${target} accepts connections` };
  if (said("acknowledged")) return { passed: true, detail: `${target} took ${bytes} bytes` };
  return failed(
    said("closed")
      ? `${target} closed the connection before it took ${bytes} bytes`
      : `${target} opens, but ${bytes} bytes were not acknowledged within 10 seconds (a path that drops big packets?)`,
  );
}
