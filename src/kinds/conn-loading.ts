import type { Gateway } from "../gateway/gateway.ts";
import { isUp, loadSteps } from "../gateway/loaded.ts";
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
