import type { Facts, Probe } from "../model/fact.ts";
import type { Family } from "../text/address.ts";

/** Something that loads a saved rule set when the gateway boots. */
export type Loader =
  | { readonly service: "netfilter-persistent" | "iptables-services"; readonly path: string; readonly family: Family }
  | { readonly service: "nftables"; readonly path: string };

/** Who loads which saved rule set at boot; firewalld keeps its own configuration. */
export interface PersistenceState {
  readonly loaders: readonly Loader[];
  /** What has to be installed or enabled so that rules of either sort survive a boot. */
  readonly remedy: { readonly iptables: string; readonly nftables: string };
}

const IPTABLES_FILES: readonly Loader[] = [
  { service: "netfilter-persistent", path: "/etc/iptables/rules.v4", family: "ipv4" },
  { service: "netfilter-persistent", path: "/etc/iptables/rules.v6", family: "ipv6" },
  { service: "iptables-services", path: "/etc/sysconfig/iptables", family: "ipv4" },
  { service: "iptables-services", path: "/etc/sysconfig/ip6tables", family: "ipv6" },
];

const NFTABLES_FILES: readonly Loader[] = [
  { service: "nftables", path: "/etc/sysconfig/nftables.conf" },
  { service: "nftables", path: "/etc/nftables.conf" },
];

/** nft follows includes 16 deep; a saved rule set of more than 5 is not met. */
const INCLUDE_DEPTH = 5;

/** Which boot services are enabled, the saved files, and what nftables' main file includes. */
export const persistProbes: readonly Probe[] = [
  {
    key: "persistence",
    command: [
      "if [ -d /run/systemd/system ]; then echo init systemd",
      "  systemctl list-unit-files --no-legend --no-pager netfilter-persistent.service iptables.service ip6tables.service nftables.service |",
      `    while read -r unit state _; do echo "unit \${unit%.service} $state"; done`,
      'else read -r init </proc/1/comm; echo "init $init"',
      "  for link in /etc/rc[S2-5].d/S* /etc/runlevels/*/*; do",
      `    case $link in *netfilter-persistent|*iptables|*nftables) [ -e "$link" ] && echo "link $link";; esac`,
      "  done",
      "fi",
      "[ -e /etc/debian_version ] && echo distribution debian",
      "[ -e /etc/redhat-release ] && echo distribution redhat",
      "for plugin in /usr/share/netfilter-persistent/plugins.d/*-ip[46]tables; do",
      '  [ -e "$plugin" ] && echo "plugin $plugin"',
      "done",
      `for saved in ${IPTABLES_FILES.map(({ path }) => path).join(" ")}; do file "$saved"; done`,
      `set -- ${NFTABLES_FILES.map(({ path }) => path).join(" ")}`,
      `depth=0; while [ $# -gt 0 ] && [ $depth -le ${INCLUDE_DEPTH} ]; do`,
      '  list=""; for saved; do',
      '    [ -f "$saved" ] || continue; file "$saved"',
      `    list="$list $(sed -n '/^[[:space:]]*include[[:space:]]*"[^"]*"/{s/^[^"]*"\\([^"]*\\)".*/\\1/;s,^\\./,,;s,^[^/],/etc/&,;p;}' "$saved")"`,
      "  done",
      // Unquoted on purpose: the patterns of include lines become the files they match.
      "  set -- $list; depth=$((depth + 1))",
      "done",
    ].join("\n"),
  },
];

export function readPersistence(facts: Facts): PersistenceState {
  const lines = (facts.readings.get("persistence")?.text ?? "").split("\n");
  const values = (key: string): readonly string[] =>
    lines.flatMap((line) => (line.startsWith(`${key} `) ? [line.slice(key.length + 1)] : []));
  const redhat = values("distribution").includes("redhat");
  const exists = ({ path }: Loader): boolean => facts.files.has(path);
  const [init = ""] = values("init");
  return {
    loaders: INITS.has(init) ? enabledLoaders(values, exists) : loadersWithoutInit(exists, redhat),
    remedy: {
      iptables: redhat
        ? remedy("iptables-services", "iptables (and ip6tables)", values)
        : remedy("iptables-persistent", "netfilter-persistent", values),
      nftables: remedy("nftables", "nftables", values),
    },
  };
}

/** A unit that is there already only has to be enabled. */
function remedy(pack: string, unit: string, values: (key: string) => readonly string[]): string {
  const exists = values("unit").some((line) => line.startsWith(`${unit.split(" ")[0] ?? ""} `));
  return exists ? `enable ${unit}` : `install the package ${pack} and enable ${unit}`;
}

/** Names of process 1 that start services at boot; anything else is a container or a bare namespace. */
const INITS: ReadonlySet<string> = new Set(["systemd", "init", "openrc-init", "runit", "s6-svscan", "dinit", "procd"]);

function enabledLoaders(values: (key: string) => readonly string[], exists: (loader: Loader) => boolean): readonly Loader[] {
  const units = new Map(values("unit").map((line) => [line.split(" ")[0] ?? "", line.split(" ")[1] ?? ""]));
  const links = values("link");
  const starts = (unit: string): boolean =>
    (units.get(unit) ?? "").startsWith("enabled") || links.some((link) => new RegExp(`/(S\\d+)?${unit}$`).test(link));
  const plugins = values("plugin");
  // Debian's netfilter-persistent calls itself iptables.service too.
  const hasPersistent = units.has("netfilter-persistent") || starts("netfilter-persistent");
  const active = (loader: Loader): boolean => {
    if (loader.service === "nftables") return starts("nftables");
    const tool = loader.family === "ipv4" ? "iptables" : "ip6tables";
    if (loader.service === "iptables-services") return !hasPersistent && starts(tool);
    return (
      starts("netfilter-persistent") &&
      plugins.some((plugin) => plugin.endsWith(loader.family === "ipv4" ? "ip4tables" : "ip6tables"))
    );
  };
  return [...IPTABLES_FILES, ...mainScript(exists)].filter(active);
}

/** Where no init runs (a container), a saved file is proof enough that somebody loads it. */
function loadersWithoutInit(exists: (loader: Loader) => boolean, redhat: boolean): readonly Loader[] {
  const known = [...IPTABLES_FILES.filter(exists), ...mainScript(exists)];
  if (known.length === 0) return [];
  const service =
    known.find((loader) => loader.service !== "nftables")?.service ?? (redhat ? "iptables-services" : "netfilter-persistent");
  return [
    ...IPTABLES_FILES.filter((loader) => loader.service === service),
    ...known.filter((loader) => loader.service === "nftables"),
  ];
}

/** Red Hat's service reads its own path, Debian's the other; a host has one of the two services. */
function mainScript(exists: (loader: Loader) => boolean): readonly Loader[] {
  return NFTABLES_FILES.filter(exists).slice(0, 1);
}
