import type { Gateway } from "../gateway/gateway.ts";
import { promiseOf } from "../gateway/kernel-promise.ts";
import { xfrmProbes, xfrmStatProbe, xfrmStatProbes } from "../kernel/state.ts";
import { isTrapped, tunnelFaults } from "../kernel/tunnel-policies.ts";
import { counterMeaning, grown, type XfrmStat } from "../kernel/xfrm-stat.ts";
import { daemonProbes } from "../libreswan/state.ts";
import type { XfrmHealth } from "../model/specs.generated.ts";
import type { Kind } from "./kind.ts";

/** No error counter of the kernel's IPsec grows, and its policies and SAs match what the daemon has loaded. A check without a repair. */
export const xfrmHealth: Kind<XfrmHealth> = {
  name: "xfrm_health",
  probes: () => [xfrmStatProbe, ...daemonProbes, ...xfrmProbes, ...xfrmStatProbes],
  assess: ({ spec }, gateway) => {
    if (gateway.kernel.xfrm !== "read") {
      const reason =
        gateway.kernel.xfrm === "denied" ? "this user may not read the kernel's IPsec policies" : "`ip xfrm` does not work here";
      return { changes: [], notes: [], blocked: { reason, unblock: "run with `become: true`; the host needs iproute2" } };
    }
    const growth = growthOf(gateway, new Set(spec.ignore));
    const faults = [...growth.faults, ...kernelFaults(gateway)];
    const notes = [...growth.notes, ...standing(gateway, growth.named)];
    return { changes: [], notes, ...(faults.length === 0 ? {} : { violated: faults.join("; ") }) };
  },
};

interface Growth {
  readonly faults: readonly string[];
  readonly notes: readonly string[];
  /** Counters that were spoken of. */
  readonly named: ReadonlySet<string>;
}

/** Counters that grew since the run before, or within this one. */
function growthOf(gateway: Gateway, ignored: ReadonlySet<string>): Growth {
  const { recorded, first, last } = gateway.kernel.xfrmStat;
  const within = grown(first, last);
  const since: XfrmStat = recorded.size === 0 ? new Map() : grown(recorded, last);
  const names = [...new Set([...within.keys(), ...since.keys()])].filter((name) => !ignored.has(name));
  const told = names.map((name) => ({ name, text: growthText(name, within.get(name), since.get(name)) }));
  const isHarmless = (name: string): boolean => name === "XfrmOutNoStates" && waitsForTraffic(gateway);
  return {
    faults: told.filter(({ name }) => !isHarmless(name)).map(({ text }) => text),
    notes: told.filter(({ name }) => isHarmless(name)).map(({ text }) => `${text} (an on-demand tunnel loses its first packet)`),
    named: new Set([...names, ...ignored]),
  };
}

function growthText(name: string, within: bigint | undefined, since: bigint | undefined): string {
  const { meaning, advice } = counterMeaning(name);
  const how = within === undefined ? `grew by ${since ?? 0n} since the last run` : `grew by ${within} during this run`;
  return `${name} ${how}: ${meaning}; ${advice}`;
}

function waitsForTraffic({ daemon }: Gateway): boolean {
  return [...daemon.conns.values()].some(({ routing }) => routing === "trap");
}

/** What stands still is history. */
function standing({ kernel }: Gateway, named: ReadonlySet<string>): readonly string[] {
  return [...kernel.xfrmStat.last]
    .filter(([name, count]) => count > 0n && !named.has(name))
    .map(([name, count]) => `${name} is ${count} since the boot and stands still: ${counterMeaning(name).meaning}`);
}

/** Every tunnel of the daemon has its policies and keys, and every trap its policy. */
function kernelFaults({ daemon, kernel }: Gateway): readonly string[] {
  return [...daemon.conns.values()].flatMap((conn) => {
    const name = `${conn.name}${conn.instance}`;
    if (conn.isComing) return [];
    if (conn.routing === "tunnel") return tunnelFaults(promiseOf(conn), kernel).map((fault) => `${name}: ${fault}`);
    const hasTrap = conn.routing !== "trap" || isTrapped(promiseOf(conn), kernel);
    return hasTrap ? [] : [`${name}: the daemon waits for its traffic, and the kernel has no trap policy`];
  });
}
