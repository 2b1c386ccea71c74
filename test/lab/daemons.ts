import type { LabHost } from "./host.ts";

/**
 * Starts Libreswan's real daemon on the host, with the configuration it has. It loads, unloads, routes and reports conns; where
 * the kernel has no ESP it gets no further than negotiating.
 */
export async function startPluto(host: LabHost): Promise<void> {
  await host.must(`ipsec initnss >/dev/null 2>&1 || :
mkdir -p /run/pluto
/usr/libexec/ipsec/pluto --config /etc/ipsec.conf --nofork >/var/log/pluto.out 2>&1 </dev/null &
tries=0
until ipsec whack --status >/dev/null 2>&1 && ipsec whack --status | grep -q '^000 Total IPsec connections'; do
  tries=$((tries + 1)); [ $tries -lt 100 ] || { cat /var/log/pluto.out >&2; exit 1; }
  sleep 0.05
done`);
}

/** Starts the real firewalld on the host, on a D-Bus of its own, with eth0 in the zone external, which masquerades. */
export async function startFirewalld(host: LabHost): Promise<void> {
  await host.must(`mkdir -p /run/dbus
dbus-daemon --system --fork >/dev/null 2>&1
firewall-offline-cmd --zone=external --add-interface=eth0 >/dev/null
firewall-offline-cmd --zone=trusted --add-interface=lan0 >/dev/null
firewalld >/var/log/firewalld.out 2>&1
tries=0
until firewall-cmd --state >/dev/null 2>&1; do
  tries=$((tries + 1)); [ $tries -lt 50 ] || { cat /var/log/firewalld.out >&2; exit 1; }
  sleep 0.1
done`);
}
