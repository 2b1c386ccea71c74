import { type Config, type Conn, connOf, optionOf } from "../libreswan/config.ts";
import { rejection } from "../libreswan/edit.ts";
import type { Version } from "../libreswan/version.ts";
import { type Network, parseNetwork } from "../text/address.ts";
import { didYouMean } from "../text/suggest.ts";
import { orientedEnds } from "./ends.ts";
import type { Gateway } from "./gateway.ts";
import { configNow } from "./loaded.ts";

export { configNow as configOf } from "./loaded.ts";

/** One pair of networks that a conn joins, as this gateway sees it. */
export interface TunnelPair {
  readonly conn: string;
  readonly local: Network;
  readonly remote: Network;
  readonly localHost: string;
  /** An address, or a name that only the DNS knows. */
  readonly remoteHost: string;
}

/** Which conns are meant: one by its name, or all that fit one of some globs. */
export interface ConnSelector {
  readonly conn?: string;
  readonly conns?: readonly string[];
}

export interface ConnProblem {
  /** The conn, or the glob that none fits. */
  readonly conn: string;
  readonly reason: string;
}

export interface Tunnels {
  readonly tunnels: readonly TunnelPair[];
  readonly problems: readonly ConnProblem[];
}

/** Every pair of networks of the selected conns, local to remote; a conn whose pairs nobody can tell is a problem instead. */
export function tunnelsOf(gateway: Gateway, selector: ConnSelector): Tunnels {
  const config = configNow(gateway);
  const asked = [...(selector.conn === undefined ? [] : [selector.conn]), ...(selector.conns ?? [])];
  if (config === undefined)
    return { tunnels: [], problems: asked.map((conn) => ({ conn, reason: "there is no Libreswan on the host" })) };
  const rejected = rejection(config);
  if (rejected !== undefined) return { tunnels: [], problems: asked.map((conn) => ({ conn, reason: rejected.refused })) };
  const named = selector.conn === undefined ? { conns: [], problems: [] } : connByName(config, selector.conn);
  const globbed = (selector.conns ?? []).map((glob) => connsByGlob(config, glob));
  const conns = [...new Set([...named.conns, ...globbed.flatMap((found) => found.conns)])];
  const read = conns.map((conn) => pairsOf(conn, gateway, config.version));
  return {
    tunnels: read.flatMap((found) => found.tunnels),
    problems: [...named.problems, ...globbed.flatMap((found) => found.problems), ...read.flatMap((found) => found.problems)],
  };
}

/** Whether a name fits a glob with `*`, `?` and character sets. */
export function fitsGlob(name: string, glob: string): boolean {
  const source = glob
    .replace(/[\\^$.+()|{}/]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".")
    .replace(/\[!/g, "[^");
  try {
    return new RegExp(`^${source}$`, "su").test(name);
  } catch {
    return name === glob;
  }
}

interface Selected {
  readonly conns: readonly Conn[];
  readonly problems: readonly ConnProblem[];
}

function connByName(config: Config, name: string): Selected {
  const conn = connOf(config, name);
  const known = config.conns.map((candidate) => candidate.name);
  return conn === undefined
    ? {
        conns: [],
        problems: [{ conn: name, reason: `${config.main} and its includes have no conn ${name}${didYouMean(name, known)}` }],
      }
    : { conns: [conn], problems: [] };
}

/** Conns without both ends are there for also= only, and no tunnels. */
function connsByGlob(config: Config, glob: string): Selected {
  const { version } = config;
  const isWhole = (conn: Conn): boolean =>
    ["left", "right"].every((side) => optionOf(conn.options, side, { version, section: "conn" }) !== undefined);
  const names = new Set(config.conns.map(({ name }) => name).filter((name) => fitsGlob(name, glob)));
  const conns = [...names].flatMap((name) => connOf(config, name) ?? []).filter(isWhole);
  return conns.length > 0 ? { conns, problems: [] } : { conns, problems: [{ conn: glob, reason: `no conn fits ${glob}` }] };
}

function pairsOf(conn: Conn, gateway: Gateway, version: Version): Tunnels {
  const problem = (reason: string): Tunnels => ({ tunnels: [], problems: [{ conn: conn.name, reason }] });
  if (!conn.loaded) return problem(`Libreswan drops it: ${conn.reason ?? ""}`);
  const ends = orientedEnds(conn, gateway.network, version);
  if ("reason" in ends) return problem(ends.reason);
  const [ours, theirs] = ends;
  const locals = ours.networks.length > 0 ? ours.networks : hostNetwork(ours.host);
  const remotes = theirs.networks.length > 0 ? theirs.networks : hostNetwork(theirs.host);
  if (remotes.length === 0) return problem(`its peer ${theirs.host} is a name, and only the DNS knows its address`);
  const tunnels = locals.flatMap((local) =>
    remotes
      .filter((remote) => remote.family === local.family)
      .map((remote) => ({ conn: conn.name, local, remote, localHost: ours.host, remoteHost: theirs.host })),
  );
  return tunnels.length > 0 ? { tunnels, problems: [] } : problem("its networks are of different families");
}

function hostNetwork(host: string): readonly Network[] {
  const network = host.includes("/") ? undefined : parseNetwork(host);
  return network === undefined ? [] : [network];
}
