import { isOfConn, parseTraffic } from "../libreswan/trafficstatus.ts";
import type { TunnelCountersProbe } from "../model/specs.generated.ts";
import { quote } from "../text/shell.ts";
import { NOT_RUN, notInstalled, type Part, type Verdict } from "./transcript.ts";

/** The byte counters of a conn's SAs, as the daemon reads them from the kernel. */
export function trafficCommand(conn: string): string {
  return `if command -v ipsec >/dev/null; then ipsec trafficstatus | grep -F -- ${quote(`"${conn}`)}; else (exit 127); fi`;
}

/** Whether each direction of a conn's SAs carried bytes between two samples; undefined where it is not established at the end. */
export function movement(
  conn: string,
  before: string,
  after: string,
): { readonly incoming: boolean; readonly outgoing: boolean } | undefined {
  const sample = (text: string) => parseTraffic(text).filter(({ name }) => isOfConn(name, conn));
  const earlier = new Map(sample(before).map((traffic) => [traffic.serial, traffic]));
  const later = sample(after);
  if (later.length === 0) return undefined;
  // Counters wrap at 2^32 before 5.0, and a re-key starts new ones: any difference is movement, and so is a new SA with bytes.
  return {
    incoming: later.some((traffic) => (traffic.inBytes ?? 0n) !== (earlier.get(traffic.serial)?.inBytes ?? 0n)),
    outgoing: later.some((traffic) => (traffic.outBytes ?? 0n) !== (earlier.get(traffic.serial)?.outBytes ?? 0n)),
  };
}

/** Judges `tunnel_counters`: both directions must have carried bytes while the other probes ran. */
export function judgeTraffic({ conn }: TunnelCountersProbe, before: Part | undefined, after: Part | undefined): Verdict {
  if (before === undefined || after === undefined) return NOT_RUN;
  if (after.exit === 127) return notInstalled("ipsec");
  const moved = movement(conn, before.text, after.text);
  if (moved === undefined) return { passed: false, detail: `${conn} has no established SA`, needsPeer: true };
  const still = [...(moved.incoming ? [] : ["in"]), ...(moved.outgoing ? [] : ["out"])];
  return still.length === 0
    ? { passed: true, detail: `bytes in and out of ${conn} grew` }
    : { passed: false, detail: `no bytes ${still.join(" or ")} through ${conn} while the probes ran`, needsPeer: true };
}
