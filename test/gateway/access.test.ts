import { describe, expect, test } from "vitest";
import { risksManagement } from "../../src/gateway/access.ts";
import { readGateway } from "../../src/gateway/effect.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import type { FirewallBatch, Step } from "../../src/model/step.ts";
import { factsOf } from "../network/namespace.ts";

const SSH = "198.51.100.50 50022 198.51.100.7 2222";

const NETWORK = `4: bond0: <MASTER,UP,LOWER_UP> mtu 1500 state UP
    inet 192.0.2.1/24 scope global bond0
7: mgmt0: <UP,LOWER_UP> mtu 1500 state UP
    inet 198.51.100.7/24 scope global mgmt0
    inet6 2001:db8::7/64 scope global
== route
default via 192.0.2.254 dev bond0
198.51.100.0/24 dev mgmt0
== route6
2001:db8::/64 dev mgmt0 proto kernel
default via fe80::1 dev mgmt0 proto ra metric 1024
`;

function gatewayOf(readings: Readonly<Record<string, string>>, ssh = SSH): Gateway {
  return readGateway(factsOf({ system: `ssh=${ssh}\n`, network: NETWORK, ...readings }));
}

function filterOf(rules: readonly string[], policy = "ACCEPT"): Readonly<Record<string, string>> {
  return {
    "iptables-nft ipv4": [
      "*filter",
      `:INPUT ${policy}`,
      ":FORWARD ACCEPT",
      ":OUTPUT ACCEPT",
      ":guard -",
      ...rules,
      "COMMIT",
      "",
    ].join("\n"),
  };
}

function batch(...edits: FirewallBatch["edits"]): FirewallBatch {
  return { do: "firewall-batch", backend: "iptables-nft", family: "ipv4", table: "filter", edits };
}
const append = (chain: string, rule: string): FirewallBatch => batch({ edit: "insert", chain, rule, before: null });

describe("rules", () => {
  const guarded = [
    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A INPUT -p tcp -m tcp --dport 2222 -j ACCEPT",
  ];

  const cases: readonly (readonly [string, Gateway, readonly Step[], RegExp | undefined])[] = [
    ["IKE let in", gatewayOf(filterOf(guarded, "DROP")), [append("INPUT", "-p udp -m udp --dport 500 -j ACCEPT")], undefined],
    [
      "IKE no longer let in",
      gatewayOf(filterOf(guarded, "DROP")),
      [append("INPUT", "-p udp -m udp --dport 500 -j DROP")],
      undefined,
    ],
    ["another port dropped", gatewayOf(filterOf([])), [append("INPUT", "-p tcp -m tcp --dport 22 -j DROP")], undefined],
    ["another client dropped", gatewayOf(filterOf([])), [append("INPUT", "-s 198.51.100.51/32 -j DROP")], undefined],
    [
      "our port dropped",
      gatewayOf(filterOf([])),
      [append("INPUT", "-p tcp -m tcp --dport 2222 -j DROP")],
      /^SSH from 198\.51\.100\.50 to 198\.51\.100\.7 port 2222 may no longer pass iptables filter INPUT \(-p tcp .*-j DROP\)$/,
    ],
    ["our client rejected", gatewayOf(filterOf([])), [append("INPUT", "-s 198.51.100.0/24 -j REJECT")], /REJECT/],
    [
      "our port dropped behind the rule that accepts it",
      gatewayOf(filterOf(guarded)),
      [append("INPUT", "-p tcp -m tcp --dport 2222 -j DROP")],
      undefined,
    ],
    [
      "the rule that accepts us taken out before a policy that drops",
      gatewayOf(filterOf(guarded, "DROP")),
      [batch({ edit: "delete", chain: "INPUT", rule: { position: 2 } })],
      /may no longer pass iptables filter INPUT \(its policy drops\)/,
    ],
    [
      "a drop behind one that may drop us already",
      gatewayOf(filterOf(["-A INPUT -m recent --update --seconds 60 --name bad --rsource -j DROP"])),
      [append("INPUT", "-p tcp -j DROP")],
      /INPUT \(-p tcp -j DROP\)/,
    ],
    [
      "a drop in a chain that is jumped to",
      gatewayOf(filterOf(["-A INPUT -j guard"])),
      [append("guard", "-p tcp -j DROP")],
      /INPUT \(-j guard\)/,
    ],
    ["answers dropped", gatewayOf(filterOf([])), [append("OUTPUT", "-d 198.51.100.50/32 -j DROP")], /filter OUTPUT/],
    ["forwarded packets dropped", gatewayOf(filterOf([])), [append("FORWARD", "-j DROP")], undefined],
    [
      "a drop that a later batch takes back",
      gatewayOf(filterOf([])),
      [
        append("INPUT", "-p tcp -m comment --comment x -j DROP"),
        batch({ edit: "delete", chain: "INPUT", rule: { comment: "x", rule: "-p tcp -m comment --comment x -j DROP" } }),
      ],
      undefined,
    ],
  ];
  test.each(cases)("%s", (_what, gateway, steps, reason) => {
    if (reason === undefined) expect(risksManagement(gateway, steps)).toBeUndefined();
    else expect(risksManagement(gateway, steps)).toMatch(reason);
  });

  test("of nftables count as well", () => {
    const chain = {
      family: "inet",
      table: "fw",
      name: "input",
      handle: 1,
      type: "filter",
      hook: "input",
      prio: 0,
      policy: "accept",
    };
    const nft = JSON.stringify({ nftables: [{ table: { family: "inet", name: "fw", handle: 1 } }, { chain }] });
    const drop = (rule: string): FirewallBatch => ({
      do: "firewall-batch",
      backend: "nftables",
      family: "inet",
      table: "fw",
      edits: [{ edit: "insert", chain: "input", rule, before: null }],
    });
    expect(risksManagement(gatewayOf({ nft }), [drop("tcp dport 2222 drop")])).toMatch(
      /may no longer pass nftables inet fw input/,
    );
    expect(risksManagement(gatewayOf({ nft }), [drop("tcp dport 22 drop")])).toBeUndefined();
  });
});

describe("interfaces", () => {
  const profiles = "running\n== bond0\nconnection.uuid:u1\nconnection.id:up\nconnection.interface-name:bond0\n";
  const activate: Step = { do: "nm-activate", connection: "u1" };
  test("activating the one that carries us is a risk, another one not", () => {
    const here = "198.51.100.50 50022 192.0.2.1 22";
    expect(risksManagement(gatewayOf({ "network.profiles": profiles }, here), [activate])).toMatch(/crosses bond0/);
    expect(risksManagement(gatewayOf({ "network.profiles": profiles }), [activate])).toBeUndefined();
  });
  test("activating an unknown profile is a risk", () => {
    expect(risksManagement(gatewayOf({}), [activate])).toMatch(/nobody can tell which interface/);
  });
});

describe("services", () => {
  const service = (unit: string, verb: "start" | "stop" | "restart" | "enable" | "disable"): Step => ({
    do: "service",
    unit,
    verb,
  });
  test.each([
    service("sshd.service", "restart"),
    service("ssh", "stop"),
    service("NetworkManager", "restart"),
    service("nftables.service", "start"),
  ])("$unit $verb is a risk", (step) => {
    expect(risksManagement(gatewayOf({}), [step])).toMatch(/may cut the management connection/);
  });
  test.each([service("ipsec", "restart"), service("nftables", "enable"), service("sshd-keygen", "restart")])(
    "$unit $verb is none",
    (step) => {
      expect(risksManagement(gatewayOf({}), [step])).toBeUndefined();
    },
  );
});

describe("a management connection through a tunnel", () => {
  const status = '"mgmt": 198.51.100.0/24===192.0.2.1...192.0.2.2===10.50.0.0/16; routed-tunnel; my_ip=unset; their_ip=unset;\n';
  const tunnelled = gatewayOf({ "libreswan.status": status }, "10.50.1.1 50022 198.51.100.7 22");
  test.each([
    { do: "load-conn", conn: "mgmt" },
    { do: "terminate-conn", conn: "mgmt" },
    { do: "service", unit: "ipsec.service", verb: "restart" },
  ] satisfies readonly Step[])("is cut by $do", (step) => {
    expect(risksManagement(tunnelled, [step])).toMatch(/crosses the tunnel mgmt/);
  });
  test("is not touched by another conn, nor by one that it does not use", () => {
    expect(risksManagement(tunnelled, [{ do: "load-conn", conn: "other" }])).toBeUndefined();
    expect(risksManagement(gatewayOf({ "libreswan.status": status }), [{ do: "load-conn", conn: "mgmt" }])).toBeUndefined();
  });
});

describe("settings of the kernel", () => {
  const sysctl = (key: string, value: string): Step => ({ do: "sysctl", key, value });
  test("strict reverse-path filtering is a risk where answers take another interface", () => {
    const asymmetric = gatewayOf({}, "203.0.113.9 50022 198.51.100.7 22");
    expect(risksManagement(asymmetric, [sysctl("net.ipv4.conf.all.rp_filter", "1")])).toMatch(
      /comes in by mgmt0 while the route back leaves by bond0/,
    );
    expect(risksManagement(asymmetric, [sysctl("net.ipv4.conf.mgmt0.rp_filter", "1")])).toMatch(/strict/);
    expect(risksManagement(asymmetric, [sysctl("net.ipv4.conf.bond0.rp_filter", "1")])).toBeUndefined();
    expect(risksManagement(asymmetric, [sysctl("net.ipv4.conf.all.rp_filter", "2")])).toBeUndefined();
    expect(risksManagement(gatewayOf({}), [sysctl("net.ipv4.conf.all.rp_filter", "1")])).toBeUndefined();
  });

  test("IPv6 forwarding is a risk where a router announced the way back, unless accept_ra is 2", () => {
    const forwarding = sysctl("net.ipv6.conf.all.forwarding", "1");
    const far = "2001:db8:9::1 50022 2001:db8::7 22";
    expect(risksManagement(gatewayOf({}, far), [forwarding])).toMatch(/a router announced on mgmt0/);
    const listens = { "kernel.sysctl": "/proc/sys/net/ipv6/conf/mgmt0/accept_ra:2\n" };
    expect(risksManagement(gatewayOf(listens, far), [forwarding])).toBeUndefined();
    expect(risksManagement(gatewayOf({}, "2001:db8::9 50022 2001:db8::7 22"), [forwarding])).toBeUndefined();
    expect(risksManagement(gatewayOf({}), [forwarding, sysctl("net.ipv4.ip_forward", "1")])).toBeUndefined();
  });
});

test("a local connection cannot be cut", () => {
  const steps: readonly Step[] = [append("INPUT", "-j DROP"), { do: "nm-activate", connection: "u1" }];
  expect(risksManagement(gatewayOf(filterOf([]), ""), steps)).toBeUndefined();
});
