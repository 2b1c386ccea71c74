import type { PromisedTunnel } from "../kernel/tunnel-policies.ts";
import type { StatusConn, StatusEnd } from "../libreswan/status.ts";

/** What a conn, as the daemon holds it, promises of the kernel. */
export function promiseOf(conn: StatusConn): PromisedTunnel {
  return {
    name: conn.name,
    local: networkOf(conn.ours),
    remote: networkOf(conn.theirs),
    ourHost: conn.ours.host,
    theirHost: conn.theirs.host,
    mode: conn.policy.size > 0 && !conn.policy.has("TUNNEL") ? "transport" : "tunnel",
  };
}

/** The client network without the protocol and port that may follow it: `10.0.1.0/24/TCP/80`. */
function networkOf({ client, host }: StatusEnd): string {
  return client === undefined ? host : client.split("/").slice(0, 2).join("/");
}
