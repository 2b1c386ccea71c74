import { describe, expect, test } from "vitest";
import { readGateway } from "../../src/gateway/effect.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import { type ConnSelector, tunnelsOf } from "../../src/gateway/tunnels.ts";
import { formatNetwork } from "../../src/text/address.ts";
import { factsOf } from "../kinds/cases.ts";

const NETWORK = `1: lo: <LOOPBACK,UP> mtu 65536 state UNKNOWN
    inet 127.0.0.1/8 scope host lo
2: eth0: <UP,LOWER_UP> mtu 1500 state UP
    inet 192.0.2.1/24 scope global eth0
    inet6 2001:db8::1/64 scope global
    inet6 fe80::1/64 scope link
== route
default via 192.0.2.254 dev eth0
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.1
== route6
default via 2001:db8::ff dev eth0
`;

function gatewayOf(conns: string, version = "4.10"): Gateway {
  const readings = { network: NETWORK, "libreswan.version": `Libreswan ${version}` };
  return readGateway(factsOf({ readings, files: { "/etc/ipsec.conf": conns } }));
}

/** The pairs as `conn: local -> remote (host -> host)`, and the problems as `conn! reason`. */
function pairs(conns: string, selector: ConnSelector = { conn: "t" }, version?: string): readonly string[] {
  const { tunnels, problems } = tunnelsOf(gatewayOf(conns, version), selector);
  return [
    ...tunnels.map(
      ({ conn, local, remote, localHost, remoteHost }) =>
        `${conn}: ${formatNetwork(local)} -> ${formatNetwork(remote)} (${localHost} -> ${remoteHost})`,
    ),
    ...problems.map(({ conn, reason }) => `${conn}! ${reason}`),
  ];
}

const conn = (...lines: readonly string[]): string => `conn t\n${lines.map((line) => `\t${line}\n`).join("")}`;

describe("the pairs of a conn", () => {
  test("go from local to remote, whichever side is left", () => {
    const wanted = ["t: 10.0.1.0/24 -> 10.0.2.0/24 (192.0.2.1 -> 192.0.2.2)"];
    expect(pairs(conn("left=192.0.2.1", "right=192.0.2.2", "leftsubnet=10.0.1.0/24", "rightsubnet=10.0.2.0/24"))).toEqual(wanted);
    expect(pairs(conn("left=192.0.2.2", "right=192.0.2.1", "leftsubnet=10.0.2.9/24", "rightsubnet=10.0.1/24"))).toEqual(wanted);
    expect(pairs(conn("left=%defaultroute", "right=192.0.2.2", "leftsubnet=10.0.1.0/24", "rightsubnet=10.0.2.0/24"))).toEqual(
      wanted,
    );
    expect(pairs(conn("left=%eth0", "right=192.0.2.2", "leftsubnet=10.0.1.0/24", "rightsubnet=10.0.2.0/24"))).toEqual(wanted);
  });

  test("are every local with every remote network", () => {
    expect(
      pairs(
        conn(
          "left=192.0.2.1",
          "right=192.0.2.2",
          "leftsubnets={10.0.1.0/24 10.0.3.0/24}",
          "rightsubnets=10.0.2.0/24,10.0.4.0/24,",
        ),
      ),
    ).toEqual([
      "t: 10.0.1.0/24 -> 10.0.2.0/24 (192.0.2.1 -> 192.0.2.2)",
      "t: 10.0.1.0/24 -> 10.0.4.0/24 (192.0.2.1 -> 192.0.2.2)",
      "t: 10.0.3.0/24 -> 10.0.2.0/24 (192.0.2.1 -> 192.0.2.2)",
      "t: 10.0.3.0/24 -> 10.0.4.0/24 (192.0.2.1 -> 192.0.2.2)",
    ]);
    expect(
      pairs(
        conn("left=192.0.2.1", "right=192.0.2.2", "leftsubnet=10.0.1.0/24/tcp/80,10.0.3.0/24", "rightsubnet=10.0.2.5"),
        undefined,
        "5.2",
      ),
    ).toEqual([
      "t: 10.0.1.0/24 -> 10.0.2.5/32 (192.0.2.1 -> 192.0.2.2)",
      "t: 10.0.3.0/24 -> 10.0.2.5/32 (192.0.2.1 -> 192.0.2.2)",
    ]);
  });

  test("are the hosts alone where no subnet is set, in either family", () => {
    expect(pairs(conn("left=192.0.2.1", "right=192.0.2.2"))).toEqual([
      "t: 192.0.2.1/32 -> 192.0.2.2/32 (192.0.2.1 -> 192.0.2.2)",
    ]);
    expect(pairs(conn("left=2001:db8::2", "right=2001:db8:0::1"))).toEqual([
      "t: 2001:db8::1/128 -> 2001:db8::2/128 (2001:db8:0::1 -> 2001:db8::2)",
    ]);
    expect(pairs(conn("left=%defaultroute6", "right=2001:db8::2"))).toEqual([
      "t: 2001:db8::1/128 -> 2001:db8::2/128 (2001:db8::1 -> 2001:db8::2)",
    ]);
  });

  test("take what also= and %default give, as an earlier edit leaves it", () => {
    const text = `conn %default\n\trightsubnet=10.0.2.0/24\nconn net\n\tleftsubnet=10.0.1.0/24\n${conn("left=192.0.2.1", "right=vpn.example.com", "also=net")}`;
    expect(pairs(text)).toEqual(["t: 10.0.1.0/24 -> 10.0.2.0/24 (192.0.2.1 -> vpn.example.com)"]);
  });
});

describe("a conn whose pairs nobody can tell is a problem", () => {
  test.each([
    [
      ["left=192.0.2.8", "right=192.0.2.9"],
      "t! it is not oriented: neither left=192.0.2.8 nor right=192.0.2.9 is an address of this host",
    ],
    [["left=192.0.2.1", "right=%any"], "t! right=%any is no fixed address"],
    [
      ["left=192.0.2.1", "right=192.0.2.2", "rightaddresspool=10.9.0.1-10.9.0.9"],
      "t! rightaddresspool= gives its addresses to whoever connects",
    ],
    [["left=192.0.2.1", "right=127.0.0.1"], "t! both left= and right= are addresses of this host"],
    [["left=192.0.2.1"], "t! right= is not set"],
    [["left=192.0.2.1", "right=vpn.example.com"], "t! its peer vpn.example.com is a name, and only the DNS knows its address"],
    [["left=192.0.2.1", "right=192.0.2.2", "type=passthrough"], "t! type=passthrough carries no IPsec traffic"],
    [
      ["left=192.0.2.1", "right=192.0.2.2", "leftsubnet=10.0.0.0/8", "rightsubnet=fd00::/8"],
      "t! its networks are of different families",
    ],
    [
      ["left=192.0.2.1", "right=192.0.2.2", "mtu=1", "mtu=2"],
      "t! Libreswan drops it: duplicate key 'mtu' (/etc/ipsec.conf:4 and /etc/ipsec.conf:5)",
    ],
  ])("%j", (lines, problem) => {
    expect(pairs(conn(...lines))).toEqual([problem]);
  });

  test("as is a name that is not there, with the nearest one", () => {
    expect(pairs(conn("left=192.0.2.1", "right=192.0.2.2"), { conn: "tt" })).toEqual([
      't! /etc/ipsec.conf and its includes have no conn tt (did you mean "t"?)'.replace("t!", "tt!"),
    ]);
  });

  test("and a gateway without Libreswan, or with a configuration that it refuses", () => {
    const bare = readGateway(factsOf({ readings: { network: NETWORK }, files: {} }));
    expect(tunnelsOf(bare, { conn: "t" }).problems).toEqual([{ conn: "t", reason: "there is no Libreswan on the host" }]);
    expect(pairs(conn("nosuch=1"))).toEqual([expect.stringContaining("/etc/ipsec.conf:2")]);
  });
});

describe("globs", () => {
  const site = (name: string, peer: string): string => `conn ${name}\n\tleft=192.0.2.1\n\tright=${peer}\n`;
  const text = `conn site-base\n\tesp=aes-sha1\n${site("site-a", "192.0.2.2")}${site("site-b", "%any")}${site("other", "192.0.2.4")}`;

  test("take every conn with both ends that fits", () => {
    expect(pairs(text, { conns: ["site-*", "o?her", "site-[a]"] })).toEqual([
      "site-a: 192.0.2.1/32 -> 192.0.2.2/32 (192.0.2.1 -> 192.0.2.2)",
      "other: 192.0.2.1/32 -> 192.0.2.4/32 (192.0.2.1 -> 192.0.2.4)",
      "site-b! right=%any is no fixed address",
    ]);
  });

  test("that fit nothing are a problem", () => {
    expect(pairs(text, { conns: ["branch-*", "[", "a.b"] })).toEqual([
      "branch-*! no conn fits branch-*",
      "[! no conn fits [",
      "a.b! no conn fits a.b",
    ]);
  });
});
