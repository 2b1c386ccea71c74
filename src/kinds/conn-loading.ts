import type { Gateway } from "../gateway/gateway.ts";
import { connOnDisk, isUp, loadSteps } from "../gateway/loaded.ts";
import { valuesOf } from "../libreswan/config.ts";
import { ikeVersion } from "../libreswan/options.ts";
import { loadedConns } from "../libreswan/state.ts";
import type { Change } from "../model/plan.ts";

/** The change that makes the daemon hold a conn as it stands on disk. The conn goes down with it, and comes up again if it was. */
export function loadChange(name: string, reasons: readonly string[], gateway: Gateway): Change {
  const isLoaded = loadedConns(gateway.daemon, name).length > 0;
  const wasUp = isUp(gateway.daemon, name);
  return {
    action: isLoaded ? "update" : "create",
    target: `conn ${name}`,
    property: "loaded",
    before: isLoaded ? "otherwise than on disk" : "no",
    after: "as on disk",
    reason: reasons.join("; "),
    impact: wasUp ? "flap" : "none",
    risks_access: false,
    interrupts: wasUp ? [name] : [],
    steps: [],
    undo: isLoaded ? [] : [{ do: "unload-conn", conn: name }],
    finally: loadSteps(gateway, name),
  };
}

/** Why pluto, as it runs, refuses to load the conn: its global policy keeps IKEv1 out, and only a restart changes that. */
export function loadObstacle(name: string, gateway: Gateway): { readonly reason: string; readonly unblock: string } | undefined {
  const { version, status, isFreshlyStarted } = gateway.daemon;
  const policy = status.setup.get("ikev1-policy");
  const onDisk = connOnDisk(gateway, name);
  if (isFreshlyStarted || version === undefined || onDisk === undefined || policy === undefined || policy === "accept")
    return undefined;
  if (ikeVersion(valuesOf(onDisk, version), version) === "ikev2") return undefined;
  return {
    reason: `${name} speaks IKEv1, and pluto runs with ikev1-policy=${policy}: it would not load`,
    unblock: "set `ikev1-policy: accept` with libreswan_setup before this (it restarts the service), or move the conn to IKEv2",
  };
}
