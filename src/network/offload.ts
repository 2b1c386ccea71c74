/** A device feature as `ethtool -k` prints it. */
export interface Feature {
  readonly on: boolean;
  /** The driver does not let it be changed; `off [fixed]` on a port means that it cannot. */
  readonly fixed: boolean;
  /** What was asked for where the kernel holds another value: `off [requested on]`. */
  readonly requested?: boolean;
}

/** The feature that lets an interface encrypt ESP in hardware. */
export const ESP_OFFLOAD = "esp-hw-offload";

/** Reads `ethtool -k DEVICE`. */
export function parseFeatures(text: string): ReadonlyMap<string, Feature> {
  const features = new Map<string, Feature>();
  for (const line of text.split("\n")) {
    const found = /^\s*([a-z0-9_-]+): (on|off)(?: \[(fixed|requested on|requested off)\])?\s*$/.exec(line);
    const [, name, value, remark] = found ?? [];
    if (name === undefined) continue;
    const requested = remark?.startsWith("requested") ? { requested: remark.endsWith("on") } : {};
    features.set(name, { on: value === "on", fixed: remark === "fixed", ...requested });
  }
  return features;
}

/** ESP packets that an interface's hardware has encrypted and decrypted. */
export interface OffloadCounters {
  readonly sent: bigint;
  readonly received: bigint;
  /** The counters' own names, for people. */
  readonly names: readonly [string, string];
}

/** How drivers call the packet counters of ESP offload: sent, received. */
const COUNTER_NAMES: readonly (readonly [string, string])[] = [
  ["tx_ipsec", "rx_ipsec"],
  ["ipsec_tx_pkts", "ipsec_rx_pkts"],
  ["ipsec_enc_out_packets", "ipsec_dec_in_packets"],
];

/** Reads `ethtool -S PORT`; undefined where the driver counts no offloaded packets under a name we know. */
export function parseOffloadCounters(text: string): OffloadCounters | undefined {
  const counters = new Map<string, bigint>();
  for (const line of text.split("\n")) {
    const found = /^\s*((?:tx|rx)_ipsec|ipsec_[a-z_]+):\s*(\d+)\s*$/.exec(line);
    const [, name, value] = found ?? [];
    if (name !== undefined && value !== undefined) counters.set(name, BigInt(value));
  }
  for (const names of COUNTER_NAMES) {
    const sent = counters.get(names[0]);
    const received = counters.get(names[1]);
    if (sent !== undefined && received !== undefined) return { sent, received, names };
  }
  return undefined;
}
