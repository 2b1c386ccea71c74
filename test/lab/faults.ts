import { quote } from "../../src/text/shell.ts";
import { LOCAL_NETWORK, REMOTE_NETWORK } from "./gateway.ts";
import type { LabHost } from "./host.ts";

/** How a gateway masquerades what leaves by eth0, and where its exemption for the tunnel stands. */
export interface Masquerade {
  readonly backend: "iptables-legacy" | "iptables-nft" | "nft-ip" | "nft-inet";
  /** `user`: the base chain jumps to a chain that masquerades. */
  readonly chain?: "base" | "user";
  /** `below` is the classic fault: there, listed, and without effect. */
  readonly exemption?: "none" | "above" | "below";
  /** Whether a saved ruleset says the same as the kernel, which is how a sane gateway looks (true). */
  readonly saved?: boolean;
}

/**
 * Gives a host a NAT ruleset: the masquerade, the exemption, and foreign rules with counters around them, which no repair may
 * touch. Reads well in a failed test: it loads one text with the backend's own restore command.
 */
export async function masquerade(host: LabHost, wanted: Masquerade): Promise<void> {
  const { backend, saved = true } = wanted;
  const native = backend === "nft-ip" || backend === "nft-inet";
  const ruleset = native ? nftRuleset(wanted) : iptablesRuleset(wanted);
  await host.must(native ? "nft -f -" : `${backend}-restore --counters`, ruleset);
  if (!saved) return;
  if (native) await host.write("/etc/nftables.conf", `#!/usr/sbin/nft -f\nflush ruleset\n\n${ruleset}`);
  else await host.must("mkdir -p /etc/iptables; cat >/etc/iptables/rules.v4", ruleset.replaceAll(/^\[\d+:\d+\] /gm, ""));
}

function iptablesRuleset({ chain = "base", exemption = "none" }: Masquerade): string {
  const exempt = `-A POSTROUTING -s ${LOCAL_NETWORK} -d ${REMOTE_NETWORK} -j RETURN`;
  return [
    "*nat",
    ":PREROUTING ACCEPT [0:0]",
    ":INPUT ACCEPT [0:0]",
    ":OUTPUT ACCEPT [0:0]",
    ":POSTROUTING ACCEPT [0:0]",
    ...(chain === "user" ? [":WAN - [0:0]"] : []),
    "[11:660] -A PREROUTING -i eth0 -p tcp -m tcp --dport 8443 -j DNAT --to-destination 10.0.2.80:443",
    ...(exemption === "above" ? [`[4:240] ${exempt}`] : []),
    ...(chain === "user" ? ["[7:420] -A POSTROUTING -o eth0 -j WAN"] : ["[7:420] -A POSTROUTING -o eth0 -j MASQUERADE"]),
    ...(exemption === "below" ? [`[0:0] ${exempt}`] : []),
    '[3:252] -A POSTROUTING -s 10.99.0.0/16 -m comment --comment "guests, see wiki" -j ACCEPT',
    ...(chain === "user" ? ["[7:420] -A WAN -j MASQUERADE"] : []),
    "COMMIT",
    "*filter",
    ":INPUT ACCEPT [0:0]",
    ":FORWARD ACCEPT [0:0]",
    ":OUTPUT ACCEPT [0:0]",
    "[21:1764] -A FORWARD -i eth0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "COMMIT",
    "",
  ].join("\n");
}

function nftRuleset({ backend, chain = "base", exemption = "none" }: Masquerade): string {
  const exempt = (packets: number) =>
    `    ip saddr ${LOCAL_NETWORK} ip daddr ${REMOTE_NETWORK} counter packets ${packets} bytes ${packets * 60} return`;
  const wan = 'oifname "eth0" counter packets 7 bytes 420';
  return [
    `table ${backend === "nft-inet" ? "inet" : "ip"} nat {`,
    ...(chain === "user" ? ["  chain wan {", "    counter packets 7 bytes 420 masquerade", "  }"] : []),
    "  chain postrouting {",
    "    type nat hook postrouting priority srcnat; policy accept;",
    ...(exemption === "above" ? [exempt(4)] : []),
    chain === "user" ? `    ${wan} jump wan` : `    ${wan} masquerade`,
    ...(exemption === "below" ? [exempt(0)] : []),
    '    ip saddr 10.99.0.0/16 counter packets 3 bytes 252 accept comment "guests, see wiki"',
    "  }",
    "}",
    "table inet filter {",
    "  chain forward {",
    "    type filter hook forward priority filter; policy accept;",
    '    iifname "eth0" ct state established,related counter packets 21 bytes 1764 accept',
    "  }",
    "}",
    "",
  ].join("\n");
}

/** Makes a folder of the host read-only, as a broken disk does. */
export async function makeReadOnly(host: LabHost, path: string): Promise<void> {
  await host.must(`mount --bind ${quote(path)} ${quote(path)} && mount -o remount,bind,ro ${quote(path)}`);
}

/** Puts a folder of the host on a disk of its own without a free byte; what it holds stays. */
export async function fillDisk(host: LabHost, path: string): Promise<void> {
  const folder = quote(path);
  await host.must(`mkdir -p ${folder}
mkdir /run/full && cp -a ${folder}/. /run/full/
mount -t tmpfs -o size=$(($(du -sk /run/full | cut -f1) + 256))k,mode=755 full ${folder}
cp -a /run/full/. ${folder}/ && rm -r /run/full
cat /dev/zero >${quote(`${path}/filler`)} 2>/dev/null || :`);
}

/** Takes programs away from the host, as on a machine where their packages are not installed. */
export async function uninstall(host: LabHost, ...programs: readonly string[]): Promise<void> {
  const names = programs.map(quote).join(" ");
  await host.must(
    `for name in ${names}; do for dir in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin; do rm -f "$dir/$name"; done; done`,
  );
}

/** Gives a user a login shell that prints garbage, on both outputs, before it does what it was asked. */
export async function chatter(host: LabHost, user: "root" | "admin"): Promise<void> {
  const shell = "/usr/local/bin/chatty-sh";
  await host.write(
    shell,
    `#!/bin/sh\nprintf 'Welcome!\\033]0;title\\007 \\377\\376\\nno newline'\necho 'stty: oops' >&2\nexec /bin/sh "$@"\n`,
  );
  await host.must(`chmod 755 ${shell}; sed -i 's|^\\(${user}:.*:\\).*|\\1${shell}|' /etc/passwd`);
}
