/** Kernel settings by path below /proc/sys: `net/ipv4/ip_forward`, `net/ipv4/conf/eth0.5/rp_filter`. */
export type SysctlValues = ReadonlyMap<string, string>;

/**
 * The path of a setting. As sysctl(8) has it: whichever of `.` and `/` comes first separates, the other one stands for itself
 * swapped, so that `net.ipv4.conf.eth0/5.rp_filter` and `net/ipv4/conf/eth0.5/rp_filter` are the same.
 */
export function sysctlPath(key: string): string {
  const first = /[./]/.exec(key)?.[0];
  return first === "." ? key.replace(/[./]/g, (character) => (character === "." ? "/" : ".")) : key;
}

/** The setting as people write it: with dots, unless an interface name has one. */
export function sysctlKey(path: string): string {
  return path.includes(".") ? path : path.replaceAll("/", ".");
}

/** Reads what `grep -H .` prints of files below /proc/sys: the path, a colon, the value. */
export function parseSysctl(text: string): SysctlValues {
  return new Map(
    text.split("\n").flatMap((line) => {
      const [, path, value] = /^\/proc\/sys\/(.+):(.*)$/.exec(line) ?? [];
      return path === undefined || value === undefined ? [] : [[path, value.trim()] as const];
    }),
  );
}

/** The interfaces that have settings of their own, the loopback aside. */
export function interfacesOf(values: SysctlValues): readonly string[] {
  const names = [...values.keys()].flatMap((path) => /^net\/ipv4\/conf\/([^/]+)\/rp_filter$/.exec(path)?.[1] ?? []);
  return names.filter((name) => name !== "all" && name !== "default" && name !== "lo");
}

/** All settings after one is written. Turning forwarding on or off also turns the acceptance of redirects round. */
export function afterWrite(values: SysctlValues, path: string, value: string): SysctlValues {
  const next = new Map(values).set(path, value);
  const isForwarding = path === "net/ipv4/ip_forward" || path === "net/ipv4/conf/all/forwarding";
  if (!isForwarding || values.get("net/ipv4/ip_forward") === value) return next;
  next.set("net/ipv4/ip_forward", value).set("net/ipv4/conf/all/accept_redirects", value === "0" ? "1" : "0");
  return next;
}
