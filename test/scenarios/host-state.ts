import type { LabHost } from "../lab/host.ts";

/** What a run may change on a host, by name: files with their metadata, firewall tables without counters, kernel settings. */
export type HostState = ReadonlyMap<string, string>;

// Counters, handles, clocks and the engine's own state are no part of it; neither is what sshd and the daemon themselves write.
const SCRIPT = `find /etc /root /usr/local/etc -printf 'file\\t%p\\t%y %m %U:%G %l\\n'
find /etc /root /usr/local/etc -type f -exec sha256sum {} + | sed 's/^\\([0-9a-f]*\\)  \\(.*\\)/file\\t\\2\\t\\1/'
getfattr -R -P -m - -d -e hex --absolute-names /etc 2>/dev/null | awk '/^# file: / { path = substr($0, 9) } /=/ { print "file\\t" path "\\t" $0 }'
for tool in iptables-legacy ip6tables-legacy iptables-nft ip6tables-nft; do
  $tool-save 2>/dev/null | sed -e '/^#/d' -e 's/\\[[0-9]*:[0-9]*\\]//' | sed "s/^/rule\\t$tool\\t/"
done
nft list ruleset 2>/dev/null | sed -e 's/counter packets [0-9]* bytes [0-9]*/counter/' -e 's/^/rule\\tnft\\t/'
grep -r . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf 2>/dev/null | sed -e '/stable_secret/d' -e 's/^/sysctl\\t/' -e 's/:/\\t/'
`;

/** Reads the state of a host; a rule's key is its tool. */
export async function hostState(host: LabHost): Promise<HostState> {
  const state = new Map<string, string>();
  for (const line of withoutEmptyTables(await host.must(SCRIPT))) {
    const [kind = "", name = "", ...rest] = line.split("\t");
    if (kind === "") continue;
    const key = `${kind} ${name}`;
    state.set(key, `${state.get(key) ?? ""}${rest.join("\t")}\n`);
  }
  return state;
}

// A built-in table that came into being cannot be taken away again by iptables; empty, with every policy ACCEPT, it is as good as none.
function withoutEmptyTables(text: string): readonly string[] {
  const blocks = text.split(/^(?=rule\t\S+\t(?:\*|table ))/m);
  const emptyLine =
    /^(?:\*\w+|:\w+ ACCEPT.*|COMMIT|table ip6? \w+ \{|\t?chain \w+ \{|\t*type \w+ hook .* policy accept;|\t?\}|)$/;
  return blocks.flatMap((block) => {
    const lines = block.split("\n");
    const isRule = (line: string): boolean => line.startsWith("rule\t");
    const isEmpty =
      isRule(block) && lines.filter(isRule).every((line) => emptyLine.test(line.replace(/^rule\t\S+\t/, "").trimEnd()));
    return isEmpty ? lines.filter((line) => !isRule(line)) : lines;
  });
}

/** What differs between two states, one line each; empty when a host is as it was. */
export function stateDifference(before: HostState, after: HostState): readonly string[] {
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort();
  return keys.flatMap((key) =>
    before.get(key) === after.get(key) ? [] : [`${key}: ${before.get(key) ?? "(absent)"} -> ${after.get(key) ?? "(absent)"}`],
  );
}

/** The files that differ between two states. */
export function changedFiles(before: HostState, after: HostState): readonly string[] {
  return stateDifference(before, after).flatMap((line) => /^file ([^:]*):/.exec(line)?.[1] ?? []);
}
