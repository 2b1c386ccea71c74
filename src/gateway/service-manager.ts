import type { Step } from "../model/step.ts";
import type { Gateway } from "./gateway.ts";

/** What process 1 is on hosts whose init starts services, by units or by scripts. */
const INITS = ["systemd", "init", "openrc-init", "runit", "s6-svscan"];

/** Why steps that start, stop or enable a service cannot work here; undefined where they can, or where there are none. */
export function serviceObstacle(
  { system }: Gateway,
  steps: readonly Step[],
): { readonly reason: string; readonly unblock: string } | undefined {
  if (INITS.includes(system.init) || !steps.some((step) => step.do === "service")) return undefined;
  return {
    reason: `no init runs here that starts or stops services (process 1 is ${system.init})`,
    unblock: "start and stop pluto with whatever runs this host, such as its container",
  };
}
