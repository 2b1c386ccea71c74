import type { Gateway } from "../gateway/gateway.ts";

/** Why nothing can be asked of pluto, and what would help; undefined when it answers. */
export function daemonObstacle(gateway: Gateway): { readonly reason: string; readonly unblock: string } | undefined {
  const { daemon } = gateway;
  if (daemon.flavour === "none") return { reason: "Libreswan is not installed", unblock: "install the libreswan package" };
  if (daemon.flavour !== "libreswan")
    return { reason: `\`ipsec\` is not Libreswan's here (${daemon.flavour})`, unblock: "this program manages Libreswan alone" };
  switch (daemon.answer) {
    case "answered":
      return undefined;
    case "down":
      return {
        reason: "the ipsec service does not run",
        unblock: "put an ipsec_service resource before this one, or start the service",
      };
    case "denied":
      return { reason: "this user may not ask pluto for its status", unblock: "run with `become: true`" };
    case "silent":
      return { reason: "pluto runs and does not answer within 10 seconds", unblock: "look at its log, and restart the service" };
  }
}
