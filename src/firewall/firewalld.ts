import type { Facts, Probe } from "../model/fact.ts";
import type { Step } from "../model/step.ts";
import { type Family, overlaps, parseNetwork } from "../text/address.ts";

/** A zone or policy as `firewall-cmd --list-all-zones` and `--list-all-policies` print it. */
export interface FirewalldZone {
  readonly name: string;
  readonly target: string;
  readonly interfaces: readonly string[];
  readonly sources: readonly string[];
  readonly services: readonly string[];
  readonly ports: readonly string[];
  readonly protocols: readonly string[];
  readonly masquerade: boolean;
  readonly richRules: readonly string[];
}

/** A rule that firewalld passes to iptables unread; `rule` holds its arguments as one line. */
export interface DirectRule {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  readonly priority: number;
  readonly rule: string;
}

/** What firewalld enforces now, or what it will enforce after a reload. */
export interface FirewalldConfiguration {
  readonly zones: readonly FirewalldZone[];
  readonly direct: readonly DirectRule[];
}

/** A running firewalld: run time and permanent configuration are separate, and only the second survives a reload. */
export interface FirewalldState {
  readonly backend: "nftables" | "iptables";
  readonly defaultZone: string;
  readonly runtime: FirewalldConfiguration;
  readonly permanent: FirewalldConfiguration;
  /** The permanent policies, which may masquerade as zones do. */
  readonly policies: readonly FirewalldZone[];
}

/** Each `firewall-cmd` starts a Python of 250 ms, so nothing is asked where no firewalld runs. */
export const firewalldProbes: readonly Probe[] = [
  {
    key: "firewalld",
    command: [
      "if grep -qsx firewalld /proc/[0-9]*/comm; then",
      `echo "== backend"; sed -n 's/^FirewallBackend=//p' /etc/firewalld/firewalld.conf`,
      `echo "== default"; sed -n 's/^DefaultZone=//p' /etc/firewalld/firewalld.conf`,
      `echo "== runtime zones"; firewall-cmd --list-all-zones`,
      `echo "== runtime direct"; firewall-cmd --direct --get-all-rules`,
      `echo "== permanent zones"; firewall-cmd --permanent --list-all-zones`,
      `echo "== policies"; firewall-cmd --permanent --list-all-policies`,
      `echo "== permanent direct"; firewall-cmd --permanent --direct --get-all-rules`,
      "fi",
    ].join("\n"),
  },
];

/** The state of firewalld; undefined where it does not run. */
export function readFirewalld(facts: Facts): FirewalldState | undefined {
  const sections = readSections(facts.readings.get("firewalld")?.text ?? "");
  if (!sections.has("default")) return undefined;
  const configuration = (when: string): FirewalldConfiguration => ({
    zones: readZones(sections.get(`${when} zones`) ?? ""),
    direct: (sections.get(`${when} direct`) ?? "").split("\n").flatMap(readDirectRule),
  });
  return {
    backend: sections.get("backend")?.trim() === "iptables" ? "iptables" : "nftables",
    defaultZone: sections.get("default")?.trim() || "public",
    runtime: configuration("runtime"),
    permanent: configuration("permanent"),
    policies: readZones(sections.get("policies") ?? ""),
  };
}

/** firewalld after a step; only `firewall-cmd` steps that add or remove a direct rule, service or rich rule change it. */
export function afterFirewalldStep(state: FirewalldState | undefined, step: Step): FirewalldState | undefined {
  if (!state || step.do !== "firewall-cmd") return state;
  const permanent = step.args[0] === "--permanent";
  const args = permanent ? step.args.slice(1) : step.args;
  return permanent
    ? { ...state, permanent: afterCommand(state.permanent, args) }
    : { ...state, runtime: afterCommand(state.runtime, args) };
}

/** The zone whose rules judge packets that come in on an interface. */
export function zoneOfInterface(state: FirewalldState, device: string): FirewalldZone | undefined {
  const { zones } = state.runtime;
  return zones.find((zone) => zone.interfaces.includes(device)) ?? zones.find((zone) => zone.name === state.defaultZone);
}

/** The zone whose rules judge packets from a peer: a zone bound to its address wins over the interface's. */
export function zoneOfPeer(state: FirewalldState, peer: string, device: string): FirewalldZone | undefined {
  const address = parseNetwork(peer);
  const bound = state.runtime.zones.find((zone) =>
    zone.sources.some((source) => {
      const network = parseNetwork(source);
      return address !== undefined && network !== undefined && overlaps(network, address);
    }),
  );
  return bound ?? zoneOfInterface(state, device);
}

/** The line by which firewalld knows a direct rule. */
export function directRuleText(rule: DirectRule): string {
  return `${rule.family} ${rule.table} ${rule.chain} ${rule.priority} ${rule.rule}`;
}

function readSections(text: string): ReadonlyMap<string, string> {
  const sections = new Map<string, string>();
  for (const part of text.split(/^== /m).slice(1)) {
    const end = part.indexOf("\n");
    sections.set(end < 0 ? part : part.slice(0, end), end < 0 ? "" : part.slice(end + 1));
  }
  return sections;
}

function readZones(text: string): readonly FirewalldZone[] {
  return text
    .split(/^(?=\S)/m)
    .filter((block) => block.trim() !== "")
    .map(readZone);
}

function readZone(block: string): FirewalldZone {
  const [header = "", ...lines] = block.split("\n");
  const values = new Map<string, string[]>();
  let key = "";
  for (const line of lines) {
    const pair = /^ {2}([a-z -]+): ?(.*)$/.exec(line);
    if (pair?.[1] !== undefined) {
      key = pair[1];
      values.set(key, pair[2] ? [pair[2]] : []);
    } else if (line.startsWith("\t")) values.get(key)?.push(line.trim());
  }
  const words = (name: string): readonly string[] =>
    (values.get(name) ?? []).flatMap((value) => value.split(" ").filter(Boolean));
  return {
    name: header.split(" ")[0] ?? "",
    target: values.get("target")?.[0] ?? "default",
    interfaces: words("interfaces"),
    sources: words("sources"),
    services: words("services"),
    ports: words("ports"),
    protocols: words("protocols"),
    masquerade: values.get("masquerade")?.[0] === "yes",
    richRules: values.get("rich rules") ?? [],
  };
}

function readDirectRule(line: string): readonly DirectRule[] {
  const [, family, table, chain, priority, rule] = /^(ipv4|ipv6) (\S+) (\S+) (-?\d+) (.+)$/.exec(line.trim()) ?? [];
  if ((family !== "ipv4" && family !== "ipv6") || !table || !chain || !rule) return [];
  return [{ family, table, chain, priority: Number(priority), rule }];
}

function afterCommand(configuration: FirewalldConfiguration, args: readonly string[]): FirewalldConfiguration {
  if (args[0] === "--direct") {
    const rules = readDirectRule(args.slice(2).join(" "));
    const others = configuration.direct.filter((rule) => !rules.some((one) => directRuleText(one) === directRuleText(rule)));
    return { ...configuration, direct: args[1] === "--add-rule" ? [...others, ...rules] : others };
  }
  const name = args[0]?.startsWith("--zone=") ? args[0].slice(7) : undefined;
  const [, verb, list, value] = /^--(add|remove)-(service|rich-rule)=(.*)$/s.exec(args[1] ?? "") ?? [];
  if (name === undefined || value === undefined) return configuration;
  const edit = (values: readonly string[]): readonly string[] => {
    const others = values.filter((one) => one !== value);
    return verb === "add" ? [...others, value].sort() : others;
  };
  return {
    ...configuration,
    zones: configuration.zones.map((zone) => {
      if (zone.name !== name) return zone;
      return list === "service" ? { ...zone, services: edit(zone.services) } : { ...zone, richRules: edit(zone.richRules) };
    }),
  };
}
