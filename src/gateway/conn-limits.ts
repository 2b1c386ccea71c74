import { type Config, type Conn, optionOf, valuesOf } from "../libreswan/config.ts";
import { ikeVersion } from "../libreswan/options.ts";
import { parseProposals } from "../libreswan/proposals.ts";
import { isAtLeast } from "../libreswan/version.ts";
import { ESP_OFFLOAD } from "../network/offload.ts";
import type { Obstacle } from "./conf-change.ts";
import { orientedEnds } from "./ends.ts";
import type { Gateway } from "./gateway.ts";

/** Why a conn as it would be can't work, in what the named keys decide; undefined where nothing speaks against it. */
export function impossible(
  conn: Conn,
  keys: readonly string[],
  { config, gateway }: { readonly config: Config; readonly gateway: Gateway },
): Obstacle | undefined {
  const touches = (...names: readonly string[]): boolean => keys.some((key) => names.includes(key.toLowerCase()));
  const exchange = touches("ikev2", "keyexchange", "ike") ? exchangeObstacle(conn, config) : undefined;
  return exchange ?? (touches("nic-offload") ? offloadObstacle(conn, config, gateway) : undefined);
}

function exchangeObstacle(conn: Conn, config: Config): Obstacle | undefined {
  const { version } = config;
  const get = valuesOf(conn, version);
  if (ikeVersion(get, version) !== "ikev1") return undefined;
  const ike = get("ike");
  const read = ike === undefined ? undefined : parseProposals("ike", ike, version);
  const combined = read?.ok
    ? read.proposals.flatMap(({ encrypt }) => encrypt).find((name) => /GCM|CCM|CHACHA/i.test(name))
    : undefined;
  if (combined !== undefined) {
    return {
      reason: `ike=${ike ?? ""} offers ${combined}, which IKEv1 can't use for its own packets`,
      unblock: "give an ike= without AES-GCM, such as aes-sha2,aes-sha1;modp2048 (esp= may keep it), or stay with IKEv2",
    };
  }
  const policy = optionOf(config.setup, "ikev1-policy", { version, section: "setup" })?.value.toLowerCase();
  const isOpen = policy === "accept" || (policy === undefined && !isAtLeast(version, "5.0"));
  if (isOpen) return undefined;
  return {
    reason: `Libreswan ${version.text} loads no IKEv1 conn while ikev1-policy is ${policy ?? "drop"}`,
    unblock: "set ikev1-policy: accept with libreswan_setup before, which restarts the service, or move the peer to IKEv2",
  };
}

/** From 5.0 on a conn with nic-offload is oriented only on an interface that offloads, so the order of things matters. */
function offloadObstacle(conn: Conn, config: Config, gateway: Gateway): Obstacle | undefined {
  const { version } = config;
  const get = valuesOf(conn, version);
  const value = get("nic-offload")?.toLowerCase();
  if (value === undefined || value === "no" || !isAtLeast(version, "5.0")) return undefined;
  if (value === "packet" && get("type")?.toLowerCase() !== "transport") {
    return { reason: "nic-offload=packet works with type=transport only", unblock: "use nic-offload: crypto" };
  }
  const ends = orientedEnds(conn, gateway.network, version);
  if ("reason" in ends)
    return {
      reason: `which interface would offload ${conn.name} can't be told: ${ends.reason}`,
      unblock: "correct left= or right=",
    };
  const [{ host }] = ends;
  const device = gateway.network.addresses.find(({ address }) => address === host)?.device ?? host;
  const feature = gateway.network.features.get(device)?.get(ESP_OFFLOAD);
  if (feature?.on === true) return undefined;
  return {
    reason: `${ESP_OFFLOAD} of ${device} is ${feature === undefined ? "not known" : feature.fixed ? "off and can't be switched on" : "off"}, and Libreswan ${version.text} would then leave ${conn.name} unoriented`,
    unblock:
      feature === undefined
        ? "install ethtool on the host"
        : feature.fixed
          ? "use nic-offload: no"
          : `switch it on first (bond_esp_offload for a bond, else ethtool -K ${device} ${ESP_OFFLOAD} on)`,
  };
}
