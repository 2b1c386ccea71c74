import type { OffloadCountersProbe } from "../model/specs.generated.ts";
import { parseOffloadCounters } from "../network/offload.ts";
import { quote } from "../text/shell.ts";
import { NOT_RUN, notInstalled, type Part, type Verdict } from "./transcript.ts";

/** The active port, its IPsec counters, and what the kernel has handed to the bond's hardware. */
export function offloadCommand({ bond }: OffloadCountersProbe): string {
  return `if command -v ethtool >/dev/null; then
port=$(sed -n 's/^Currently Active Slave: //p' ${quote(`/proc/net/bonding/${bond}`)})
echo "port $port"; ethtool -S "$port" | grep ipsec
ip xfrm state list nokeys | grep -F 'crypto offload parameters: dev '${quote(`${bond} `)}; true
else (exit 127); fi`;
}

/** Judges `offload_counters`: the active port's hardware counted packets both ways during the named ping. */
export function judgeOffload(
  { bond, during }: OffloadCountersProbe,
  {
    before,
    after,
    ping,
  }: { readonly before: Part | undefined; readonly after: Part | undefined; readonly ping: Verdict | undefined },
): Verdict {
  const failed = (detail: string): Verdict => ({ passed: false, detail, needsPeer: true });
  if (ping === undefined) return failed(`no ping of this play is named ${during}`);
  if (before === undefined || after === undefined) return NOT_RUN;
  if (after.exit === 127) return notInstalled("ethtool");
  if (!ping.passed) return failed(`the ping ${during} does not hold, so nothing was there to count`);
  const [first, last] = [activePort(before.text), activePort(after.text)];
  if (last === undefined) return failed(`${bond} has no active port`);
  if (first !== last) return failed(`${bond} changed its active port from ${first ?? "none"} to ${last} during the ping`);
  const [earlier, later] = [parseOffloadCounters(before.text), parseOffloadCounters(after.text)];
  if (earlier === undefined || later === undefined) return judgeStates(bond, last, after.text);
  const [sent, received] = [later.sent - earlier.sent, later.received - earlier.received];
  const counted = `${last}: ${later.names[0]} +${sent}, ${later.names[1]} +${received}`;
  return sent > 0n && received > 0n
    ? { passed: true, detail: counted }
    : failed(`${counted} during the ping: its packets were not offloaded`);
}

/** Where a driver counts nothing that we know, the SAs in the kernel say whether they were handed over. */
function judgeStates(bond: string, port: string, text: string): Verdict {
  const offloaded = (direction: string): boolean => text.includes(`crypto offload parameters: dev ${bond} dir ${direction}`);
  return offloaded("in") && offloaded("out")
    ? { passed: true, detail: `${port} has no IPsec counters; the kernel's SAs are offloaded to ${bond} in both directions` }
    : { passed: false, detail: `${port} has no IPsec counters, and the kernel has no SAs offloaded to ${bond}`, needsPeer: true };
}

function activePort(text: string): string | undefined {
  const port = /^port (\S+)$/m.exec(text)?.[1];
  return port === "None" ? undefined : port;
}
