import { describe, expect, test } from "vitest";
import { routeTo } from "../../src/network/address-table.ts";
import { addressProbes, bondProbes, readNetwork } from "../../src/network/state.ts";
import { factsInNamespace, factsOf } from "./namespace.ts";

const SETUP = `
ip link set lo up
ip link add wan0 type veth peer name far0
ip link set wan0 up
ip link set far0 up mtu 1400
ip addr add 192.0.2.1/24 dev wan0
ip -6 addr add 2001:db8::1/64 dev wan0 nodad
ip addr add 10.9.9.1 peer 10.9.9.2 dev far0
ip link add br0 type bridge
ip link set far0 master br0
ip route add default via 192.0.2.254 metric 100
ip route add default dev far0 metric 50
ip route add 192.168.0.0/16 dev wan0 src 192.0.2.1 mtu 1400
ip route add blackhole 172.16.0.0/12
ip route add 198.51.100.0/24 nexthop via 192.0.2.2 dev wan0 weight 1 nexthop dev far0 weight 2
ip -6 route add default via 2001:db8::2
`;

describe.each(["dash", "busybox sh"])("the address probe under %s", (shell) => {
  const network = readNetwork(factsInNamespace(SETUP, addressProbes, { shell }));

  test("finds every address with its device, the peer's prefix where the address has none", () => {
    expect(network.addresses).toContainEqual({
      device: "wan0",
      address: "192.0.2.1",
      prefix: 24,
      family: "ipv4",
      scope: "global",
    });
    expect(network.addresses).toContainEqual({
      device: "wan0",
      address: "2001:db8::1",
      prefix: 64,
      family: "ipv6",
      scope: "global",
    });
    expect(network.addresses).toContainEqual({
      device: "far0",
      address: "10.9.9.1",
      prefix: 32,
      family: "ipv4",
      scope: "global",
    });
  });

  test("finds interfaces with MTU, master and parent", () => {
    expect(network.links.find(({ name }) => name === "far0")).toEqual({
      name: "far0",
      mtu: 1400,
      state: "up",
      master: "br0",
      parent: "wan0",
    });
    expect(network.links.find(({ name }) => name === "br0")?.state).toBe("down");
  });

  test("finds routes with source, MTU, type and each next hop, and the default of each family", () => {
    expect(routeTo(network.routes, "192.168.7.7")).toMatchObject({ device: "wan0", source: "192.0.2.1", mtu: 1400 });
    expect(routeTo(network.routes, "172.16.1.1")).toMatchObject({ type: "blackhole" });
    expect(
      network.routes.filter(({ destination }) => destination.address === "198.51.100.0").map(({ device, via }) => [device, via]),
    ).toEqual([
      ["wan0", "192.0.2.2"],
      ["far0", undefined],
    ]);
    expect(network.defaultRoute.ipv4).toMatchObject({ device: "far0", metric: 50 });
    expect(network.defaultRoute.ipv6).toMatchObject({ device: "wan0", via: "2001:db8::2" });
  });
});

test("busybox's own ip is read as well", () => {
  const own = [{ key: "network", command: (addressProbes[0]?.command ?? "").replaceAll("ip ", "busybox ip ") }];
  const network = readNetwork(factsInNamespace(SETUP.replace(/^ip route add (blackhole|198).*$/gm, ""), own));
  expect(network.addresses).toContainEqual({ device: "wan0", address: "192.0.2.1", prefix: 24, family: "ipv4", scope: "global" });
  expect(network.links.find(({ name }) => name === "far0")).toMatchObject({ mtu: 1400, state: "up", master: "br0" });
  expect(network.links.find(({ name }) => name === "br0")).toMatchObject({ state: "down" });
  expect(network.defaultRoute.ipv4).toMatchObject({ device: "far0" });
});

test("the bond probes read features of a real interface and the way of the management connection", () => {
  const env = { SSH_CONNECTION: "192.0.2.77 50022 192.0.2.1 22" };
  const network = readNetwork(factsInNamespace(SETUP, bondProbes, { env }));
  expect(network.managementDevice).toBe("wan0");
  expect(network.drivers.get("wan0")).toBe("veth");
  expect(network.features.get("wan0")?.get("esp-hw-offload")).toEqual({ on: false, fixed: true });
  expect(network.bonds.size).toBe(0);
  expect(network.nmRunning).toBe(false);
});

test("a host without ip, nmcli or ethtool is an empty state", () => {
  expect(readNetwork(factsOf({}))).toEqual({
    addresses: [],
    links: [],
    routes: [],
    defaultRoute: {},
    features: new Map(),
    drivers: new Map(),
    bonds: new Map(),
    profiles: [],
    nmRunning: false,
  });
});
