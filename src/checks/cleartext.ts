import { parseConnLine } from "../libreswan/status.ts";
import { isOfConn } from "../libreswan/trafficstatus.ts";
import type { NoCleartextProbe } from "../model/specs.generated.ts";
import { contains, type Network, parseNetwork } from "../text/address.ts";
import { commandLine, quote } from "../text/shell.ts";
import { NOT_RUN, notInstalled, type Part, part, type Verdict } from "./transcript.ts";

/**
 * What leaves towards a tunnel's far networks and is neither ESP, AH nor IKE. The networks are those of the kernel's outbound
 * tunnel policies; the source is left open, because NAT changes it, unless the far network is everything. Only packets that
 * leave count: the kernel shows decrypted ones again on the interface where they arrived encrypted.
 */
const FILTER = String.raw`ip xfrm policy list dir out | awk '
BEGIN { number["icmp"] = 1; number["tcp"] = 6; number["udp"] = 17; number["gre"] = 47; number["ipv6-icmp"] = 58 }
/^src / {
  selector = "dst net " $4
  if ($4 ~ /\/0$/) selector = "src net " $2 " and " selector
  for (i = 5; i < NF; i++) {
    if ($i == "proto") selector = selector " and proto " ($(i + 1) in number ? number[$(i + 1)] : $(i + 1))
    if ($i == "dport") selector = selector " and dst port " $(i + 1)
    if ($i == "sport") selector = selector " and src port " $(i + 1)
  }
}
/^[ \t]+tmpl / { print "(" selector ")" }' | sort -u | awk '{ printf "%s%s", (NR > 1 ? " or " : ""), $0 }'`;

/** The tunnel itself, and IPv6 neighbour discovery, which Libreswan lets pass in the clear. */
const EXCEPT = [
  "ip proto 50 or ip proto 51 or ip6 proto 50 or ip6 proto 51",
  "udp port 500 or udp port 4500 or tcp port 4500",
  "(icmp6 and ip6[40] >= 133 and ip6[40] <= 137)",
].join(" or ");

/** Wraps a script in a capture: tcpdump runs while the script does, and its packets follow as a part of their own. */
export function captured(label: string, spec: NoCleartextProbe, script: string): string {
  const tcpdump = commandLine([...TCPDUMP, "-i", spec.interface]);
  return `filter=$(${FILTER})
packets=$(
if [ -n "$filter" ]; then
  ${tcpdump} "($filter) and not (${EXCEPT})" 2>&1 3>&- &
  pid=$!
  sleep 1
else echo 'no policy'; fi
${script}
if [ -n "$filter" ]; then
  sleep 1
  kill "$pid" 2>/dev/null
  wait "$pid"
fi
)
${part(`${label} packets`, `printf '%s\\n' "$packets"`)}
${part(`${label} conn`, `ipsec status | grep -F -- ${quote(`"${spec.conn}`)} | grep -F -- ...`)}`;
}

// A hundred packets are proof enough, and two minutes longer than any list of probes should take.
const TCPDUMP = ["timeout", "120", "tcpdump", "-n", "-q", "-t", "-l", "-p", "-c", "100", "-Q", "out"];

/** Judges `no_cleartext`: no captured packet went to a far network of the conn. */
export function judgeCleartext(
  spec: NoCleartextProbe,
  { packets, conn }: { readonly packets: Part | undefined; readonly conn: Part | undefined },
): Verdict {
  if (packets === undefined || conn === undefined) return NOT_RUN;
  const failed = (detail: string): Verdict => ({ passed: false, detail, needsPeer: true });
  if (/tcpdump: (?:command )?not found|No such file or directory/.test(packets.text)) return notInstalled("tcpdump");
  if (packets.text.startsWith("no policy"))
    return failed("the kernel has no outbound tunnel policy, so nothing would be encrypted");
  if (!/^listening on /m.test(packets.text))
    return failed(`tcpdump: ${/^tcpdump: (.*)$/m.exec(packets.text)?.[1] ?? "did not start"}`);
  const networks = farNetworks(spec.conn, conn.text);
  if (networks.length === 0) return failed(`${spec.conn} is not loaded, so its networks are not known`);
  const leaked = packets.text.split("\n").filter((line) => {
    const target = destinationOf(line);
    return target !== undefined && networks.some((network) => contains(network, target));
  });
  return leaked.length === 0
    ? { passed: true, detail: `no packet to the networks of ${spec.conn} left ${spec.interface} in the clear` }
    : {
        passed: false,
        detail: `${leaked.length} packets to the networks of ${spec.conn} left ${spec.interface} in the clear: ${leaked[0]}`,
      };
}

function farNetworks(conn: string, status: string): readonly Network[] {
  return status.split("\n").flatMap((line) => {
    const loaded = parseConnLine(line);
    if (loaded === undefined || !isOfConn(loaded.name, conn)) return [];
    return parseNetwork(loaded.theirs.client ?? loaded.theirs.host) ?? [];
  });
}

/** The destination of a line such as `IP 10.0.1.1.4321 > 10.0.2.1.80: tcp 0` or `IP6 2001:db8::1 > 2001:db8::2: ICMP6, …`. */
function destinationOf(line: string): Network | undefined {
  const [, version, target = ""] = /^IP(6?) \S+ > (\S+): /.exec(line) ?? [];
  if (version === undefined) return undefined;
  return parseNetwork(version === "6" ? (target.split(".")[0] ?? "") : target.split(".").slice(0, 4).join("."));
}
