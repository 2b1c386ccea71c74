/** One bond as the kernel runs it. */
export interface Bond {
  readonly name: string;
  /** The mode's name as in bond options: `active-backup`, `802.3ad`, …; the kernel's own words when they are new to us. */
  readonly mode: string;
  /** The port that carries the traffic; only modes that have one name it. */
  readonly activePort?: string;
  readonly ports: readonly BondPort[];
}

interface BondPort {
  readonly name: string;
  readonly up: boolean;
}

/** The bonding modes by the number that configuration files may use for them. */
const BOND_MODES = ["balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"] as const;

const MODE_TEXTS: readonly (readonly [string, string])[] = [
  ["fault-tolerance (active-backup)", "active-backup"],
  ["load balancing (round-robin)", "balance-rr"],
  ["load balancing (xor)", "balance-xor"],
  ["fault-tolerance (broadcast)", "broadcast"],
  ["IEEE 802.3ad Dynamic link aggregation", "802.3ad"],
  ["transmit load balancing", "balance-tlb"],
  ["adaptive load balancing", "balance-alb"],
];

/** Reads one file of `/proc/net/bonding`; undefined when the text is none. */
export function parseBond(name: string, text: string): Bond | undefined {
  const [head = "", ...sections] = text.split(/^Slave Interface: /m);
  const told = field(head, "Bonding Mode");
  if (told === undefined) return undefined;
  // The kernel appends details: `fault-tolerance (active-backup) (fail_over_mac active)`.
  const mode = MODE_TEXTS.find(([words]) => told.startsWith(words))?.[1] ?? told;
  const active = field(head, "Currently Active Slave");
  return {
    name,
    mode,
    ...(active === undefined || active === "None" ? {} : { activePort: active }),
    ports: sections.map((section) => ({
      name: (section.split("\n")[0] ?? "").trim(),
      up: field(section, "MII Status") === "up",
    })),
  };
}

/** A mode as options spell it, by name or by number, as its name. */
export function bondModeName(spelled: string): string {
  return /^[0-6]$/.test(spelled) ? (BOND_MODES[Number(spelled)] ?? spelled) : spelled;
}

function field(text: string, label: string): string | undefined {
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${label}:`));
  return line?.slice(label.length + 1).trim();
}
