import type { Config } from "../libreswan/config.ts";
import type { FileEdit } from "../libreswan/edit.ts";
import { rejection } from "../libreswan/edit.ts";
import { treeOf } from "../libreswan/probes.ts";
import { loadedConns } from "../libreswan/state.ts";
import type { ConfTree } from "../libreswan/tree.ts";
import type { Version } from "../libreswan/version.ts";
import type { Step } from "../model/step.ts";
import type { Gateway } from "./gateway.ts";
import { configNow, connOnDisk, isUp, loadSteps, startupOf } from "./loaded.ts";

export interface Obstacle {
  readonly reason: string;
  readonly unblock: string;
}

/** The configuration that a kind may edit. */
export interface Editable {
  readonly tree: ConfTree;
  readonly config: Config;
  readonly version: Version;
}

/** The gateway's configuration, or why nobody may edit it. */
export function editableConf(gateway: Gateway): Editable | Obstacle {
  const { daemon } = gateway;
  const config = configNow(gateway);
  if (config === undefined || daemon.version === undefined) {
    return daemon.flavour === "strongswan"
      ? { reason: "the host runs strongSwan, whose ipsec.conf means something else", unblock: "take the host out of the play" }
      : { reason: "there is no Libreswan on the host", unblock: "install libreswan" };
  }
  const tree = treeOf(gateway.files);
  if (!tree.files.has(tree.main)) return { reason: `${tree.main} does not exist`, unblock: "install libreswan's configuration" };
  const rejected = rejection(config);
  return rejected === undefined
    ? { tree, config, version: daemon.version }
    : { reason: rejected.refused, unblock: rejected.help };
}

/** The steps that write edited files, each checked by the gateway's own Libreswan before the swap, and their undo. */
export function writeSteps(
  files: readonly FileEdit[],
  gateway: Gateway,
): { readonly steps: readonly Step[]; readonly undo: readonly Step[] } | Obstacle {
  const steps: Step[] = [];
  for (const { path, before, after } of files) {
    const encoding = gateway.files.get(path)?.encoding ?? "utf8";
    if (after === null) {
      steps.push({ do: "remove-file", path, before: before ?? "" });
      continue;
    }
    if (encoding === "latin1" && /[^\x00-\xff]/.test(after)) {
      return {
        reason: `${path} is not UTF-8, so what is to be written does not fit into it`,
        unblock: "convert the file to UTF-8",
      };
    }
    const created = before === null ? { create_mode: "0644" } : {};
    steps.push({ do: "write-file", path, before, after, encoding, check: "libreswan", ...created });
  }
  return { steps, undo: files.map(({ path }) => ({ do: "restore-file", path })) };
}

/** What speaks against the line ends of edited files: Libreswan takes the CR of CR LF for a part of most values. */
export function lineEndNotes(files: readonly FileEdit[]): readonly string[] {
  return files
    .filter(({ after }) => after?.includes("\r\n"))
    .map(({ path }) => `${path} has CR LF line ends, whose CR Libreswan takes for a part of most values: convert it to LF`);
}

/** What has to be done so that the daemon has conns as they stand on disk, and what that interrupts. */
export interface Reload {
  readonly steps: readonly Step[];
  /** Conns whose tunnels go down for it. */
  readonly interrupts: readonly string[];
}

/** Loads anew the conns that the daemon has, or shall have; `gateway` is the one that the files are already written on. */
export function reload(names: readonly string[], gateway: Gateway): Reload {
  if (gateway.daemon.answer !== "answered") return { steps: [], interrupts: [] };
  const wanted = names.filter((name) => isWanted(name, gateway));
  return {
    steps: wanted.flatMap((name) => loadSteps(gateway, name)),
    interrupts: wanted.filter((name) => isUp(gateway.daemon, name)),
  };
}

/** Why nothing is loaded anew, where the daemon does not answer. */
export function silenceNote(gateway: Gateway): readonly string[] {
  switch (gateway.daemon.answer) {
    case "answered":
      return [];
    case "down":
      return ["pluto does not run, so there is nothing to load anew; it reads the files when it starts"];
    default:
      return ["pluto does not answer, so whether it has the conn as on disk is not known and nothing is loaded anew"];
  }
}

function isWanted(name: string, gateway: Gateway): boolean {
  const conn = connOnDisk(gateway, name);
  const { version } = gateway.daemon;
  if (version === undefined || conn?.loaded !== true) return false;
  return loadedConns(gateway.daemon, name).length > 0 || startupOf(conn, version) !== "ignore";
}
