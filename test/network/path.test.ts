import { describe, expect, test } from "vitest";
import { addressesOn, dependents, interruptionRisk } from "../../src/network/path.ts";
import { readNetwork } from "../../src/network/state.ts";
import { factsOf } from "./namespace.ts";

const ADDRESSES = `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN
    inet 127.0.0.1/8 scope host lo
2: enp1s0: <BROADCAST,MULTICAST,SLAVE,UP,LOWER_UP> mtu 1500 qdisc mq master bond0 state UP
3: enp2s0: <BROADCAST,MULTICAST,SLAVE,UP,LOWER_UP> mtu 1500 qdisc mq master bond0 state UP
4: bond0: <BROADCAST,MULTICAST,MASTER,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP
    inet 192.0.2.1/24 scope global bond0
5: bond0.5@bond0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br5 state UP
6: br5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP
    inet 10.5.0.1/24 scope global br5
7: mgmt0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP
    inet 198.51.100.7/24 scope global mgmt0
    inet6 2001:db8::7/64 scope global
    inet6 fe80::7/64 scope link
== route
default via 192.0.2.254 dev bond0
198.51.100.0/24 dev mgmt0 scope link src 198.51.100.7
== route6
2001:db8::/64 dev mgmt0 metric 256
`;
const network = readNetwork(factsOf({ network: ADDRESSES }));
const risk = (server: string, client: string): string | undefined => interruptionRisk(network, "bond0", { server, client });

test("ports, VLANs and the bridges above them go down with a bond", () => {
  expect([...dependents(network, "bond0")].sort()).toEqual(["bond0", "bond0.5", "br5", "enp1s0", "enp2s0"]);
  expect(addressesOn(network, "bond0").map(({ address }) => address)).toEqual(["192.0.2.1", "10.5.0.1"]);
});

test("interfaces that name each other, as the ends of a veth pair do, end the walk", () => {
  const pair = readNetwork(factsOf({ network: "2: a@b: <UP> mtu 1500\n3: b@a: <UP> mtu 1500\n" }));
  expect([...dependents(pair, "a")]).toEqual(["a", "b"]);
});

describe("whether taking bond0 down may cut the management connection", () => {
  test("it crosses the bond itself", () => {
    expect(risk("192.0.2.1", "192.0.2.77")).toBe("the management connection to 192.0.2.1 crosses bond0");
  });
  test("it crosses a bridge over a VLAN of the bond", () => {
    expect(risk("10.5.0.1", "198.51.100.50")).toBe("the management connection to 10.5.0.1 crosses br5, which depends on bond0");
  });
  test("it comes in elsewhere, and answers leave by the bond", () => {
    expect(risk("198.51.100.7", "203.0.113.9")).toBe("answers to the management client 203.0.113.9 leave by bond0");
  });
  test("the kernel's own word on the route back counts more than the main table", () => {
    const told = { ...network, managementDevice: "bond0" };
    expect(interruptionRisk(told, "bond0", { server: "198.51.100.7", client: "198.51.100.50" })).toMatch(/leave by bond0/);
    const other = { ...network, managementDevice: "mgmt0" };
    expect(interruptionRisk(other, "bond0", { server: "198.51.100.7", client: "203.0.113.9" })).toBeUndefined();
  });
  test("an address that no interface has proves nothing", () => {
    expect(risk("203.0.113.1", "198.51.100.50")).toMatch(/no interface of the host has 203\.0\.113\.1/);
  });
  test("a client without a route proves nothing", () => {
    expect(risk("2001:db8::7", "2001:db8:1::1")).toMatch(/the route back to 2001:db8:1::1 is not known/);
  });
  test("another interface carries it both ways", () => {
    expect(risk("198.51.100.7", "198.51.100.50")).toBeUndefined();
    expect(risk("2001:db8::7", "2001:db8::50")).toBeUndefined();
  });
  test("the zone of a link-local address names the interface", () => {
    expect(risk("fe80::7%bond0", "fe80::1%bond0")).toMatch(/crosses bond0/);
  });
  test("a local connection cannot be cut", () => {
    expect(interruptionRisk(network, "bond0", undefined)).toBeUndefined();
  });
});
