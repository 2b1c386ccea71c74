import type { Facts, Probe } from "../model/fact.ts";

/** The facts that every run gathers: who the host is, what boots it, who we are there and which way we came. */
export interface SystemState {
  readonly hostname: string;
  readonly os: { readonly id: string; readonly version: string; readonly family: string };
  readonly kernel: string;
  readonly machineId: string;
  readonly bootId: string;
  /** What process 1 is: `systemd`, another name, or `none` where no init runs (a container). */
  readonly init: string;
  readonly uid: number;
  /** The management connection as sshd sees it (`SSH_CONNECTION`), undefined with a local connection. */
  readonly connection:
    | { readonly client: string; readonly clientPort: number; readonly server: string; readonly serverPort: number }
    | undefined;
  /** Programs found on the PATH, of those the engine asks for. */
  readonly tools: ReadonlySet<string>;
}

const TOOLS =
  "systemctl service nft iptables-save iptables-legacy-save iptables-nft-save ip6tables-save firewall-cmd conntrack ipsec nmcli ethtool ip sysctl systemd-run tcpdump ping chcon busctl";

const FILES: Readonly<Record<string, string>> = {
  "/proc/sys/kernel/hostname": "hostname",
  "/proc/sys/kernel/osrelease": "kernel",
  "/etc/machine-id": "machine_id",
  "/proc/sys/kernel/random/boot_id": "boot_id",
  "/proc/1/comm": "init",
};

export const systemProbes: readonly Probe[] = [
  {
    key: "system",
    command: [
      "[ -d /run/systemd/system ] && echo init=systemd",
      // One program reads all files: starting one costs the host a millisecond.
      `grep -s . ${Object.keys(FILES).join(" ")} /etc/os-release | sed -n ${[
        ...Object.entries(FILES).map(([path, key]) => `-e 's,^${path}:,${key}=,p'`),
        ...["ID", "VERSION_ID", "ID_LIKE"].map((key) => `-e '/^[^:]*:${key}=/{s/"//g;s,^[^:]*:,os_,p;}'`),
      ].join(" ")}`,
      `echo "uid=$(id -u)"`,
      `echo "ssh=$SSH_CONNECTION"`,
      `for t in ${TOOLS}; do command -v "$t" >/dev/null 2>&1 && echo "tool=$t"; done; true`,
    ].join("\n"),
  },
];

export function readSystem(facts: Facts): SystemState {
  const lines = (facts.readings.get("system")?.text ?? "").split("\n");
  const value = (key: string): string => {
    const line = lines.find((candidate) => candidate.startsWith(`${key}=`));
    return line === undefined ? "" : line.slice(key.length + 1);
  };
  const ssh = value("ssh").split(" ");
  const [client, clientPort, server, serverPort] = ssh;
  const id = value("os_ID");
  return {
    hostname: value("hostname"),
    os: { id, version: value("os_VERSION_ID"), family: /rhel|fedora|centos/.test(`${id} ${value("os_ID_LIKE")}`) ? "rhel" : id },
    kernel: value("kernel"),
    machineId: value("machine_id"),
    bootId: value("boot_id"),
    init: value("init") || "none",
    uid: Number(value("uid") || "-1"),
    connection: client && server ? { client, clientPort: Number(clientPort), server, serverPort: Number(serverPort) } : undefined,
    tools: new Set(lines.filter((line) => line.startsWith("tool=")).map((line) => line.slice(5))),
  };
}
