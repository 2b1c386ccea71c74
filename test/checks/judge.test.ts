import { describe, expect, test } from "vitest";
import { checkProbes, judgeChecks } from "../../src/checks/check.ts";
import { judgeCleartext } from "../../src/checks/cleartext.ts";
import { judgeOffload } from "../../src/checks/offload.ts";
import { judgePing } from "../../src/checks/ping.ts";
import { judgeTraffic, movement } from "../../src/checks/traffic.ts";
import type { Check } from "../../src/model/check.ts";
import { factsOf } from "../network/namespace.ts";

const AT = { file: "play.yml", line: 1, column: 1 };
const part = (text: string, exit = 0) => ({ text, exit });
const traffic = (serial: number, inBytes: number, outBytes: number, name = "myvpn") =>
  `006 #${serial}: "${name}", type=ESP, add_time=1595296930, inBytes=${inBytes}, outBytes=${outBytes}, id='@east'\n`;
const ANSWERED = part("5 packets transmitted, 5 received, 0% packet loss, time 4006ms");

describe("whether bytes moved", () => {
  test.each([
    ["both ways", traffic(2, 100, 200), traffic(2, 184, 284), { incoming: true, outgoing: true }],
    ["out only", traffic(2, 100, 200), traffic(2, 100, 284), { incoming: false, outgoing: true }],
    ["not at all", traffic(2, 100, 200), traffic(2, 100, 200), { incoming: false, outgoing: false }],
    ["across the wrap of 4.x", traffic(2, 4294967290, 4294967200), traffic(2, 78, 1), { incoming: true, outgoing: true }],
    ["on the SA that a re-key made", traffic(2, 100, 200), traffic(3, 84, 84), { incoming: true, outgoing: true }],
    ["on no byte since a re-key", traffic(2, 100, 200), traffic(3, 0, 0), { incoming: false, outgoing: false }],
    [
      "on one of a conn's subnets",
      traffic(2, 1, 1, "myvpn/1x1"),
      traffic(2, 1, 1, "myvpn/1x1") + traffic(3, 8, 8, "myvpn/1x2"),
      { incoming: true, outgoing: true },
    ],
    [
      "on a conn of like name",
      traffic(2, 100, 200),
      traffic(2, 100, 200) + traffic(9, 9, 9, "myvpn2"),
      { incoming: false, outgoing: false },
    ],
    ["on nothing", traffic(2, 100, 200), "", undefined],
  ])("%s", (_what, before, after, expected) => {
    expect(movement("myvpn", before, after)).toEqual(expected);
  });
});

describe("ping", () => {
  const spec = { destination: "10.0.2.1", size: 56, dont_fragment: false, count: 5, through: "myvpn" };

  test("through a conn holds where its SA counted both ways", () => {
    expect(judgePing(spec, { run: ANSWERED, before: part(traffic(2, 0, 0)), after: part(traffic(2, 420, 420)) })).toEqual({
      passed: true,
      detail: "5 of 5 echo requests answered, through myvpn",
    });
  });

  test("answers past the SA are a leak of ours, not the peer's fault", () => {
    expect(judgePing(spec, { run: ANSWERED, before: part(traffic(2, 0, 0)), after: part(traffic(2, 0, 0)) })).toEqual({
      passed: false,
      detail: "5 of 5 echo requests answered, but the byte counters of myvpn did not move: the packets bypass the tunnel",
    });
    expect(judgePing(spec, { run: ANSWERED, before: part("", 1), after: part("", 1) }).detail).toMatch(
      /no established SA: the packets crossed in the clear/,
    );
  });

  test("the first packet may be lost, a second one not", () => {
    const lost = (received: number) => part(`5 packets transmitted, ${received} received, x% packet loss`);
    const { through: _, ...plain } = spec;
    expect(judgePing(plain, { run: lost(4) }).passed).toBe(true);
    expect(judgePing(plain, { run: lost(3) })).toEqual({
      passed: false,
      detail: "3 of 5 echo requests to 10.0.2.1 answered",
      needsPeer: true,
    });
    expect(judgePing({ ...plain, count: 1 }, { run: part("1 packets transmitted, 0 received, +1 errors") }).passed).toBe(false);
  });

  test("a program that is not there, or a busybox ping without -M, is said", () => {
    expect(judgePing(spec, { run: part("ping: not found", 127) }).detail).toBe("ping is not installed on the host");
    expect(judgePing(spec, { run: part("ping: invalid option -- 'M'\nBusyBox v1.35.0 multi-call binary.", 1) }).detail).toMatch(
      /options of iputils/,
    );
    expect(judgePing(spec, { run: undefined })).toMatchObject({ passed: false, needsPeer: true });
  });
});

describe("tunnel_counters", () => {
  const spec = { conn: "myvpn" };
  test("hold where both directions grew", () => {
    expect(judgeTraffic(spec, part(traffic(2, 1, 1)), part(traffic(2, 2, 2))).passed).toBe(true);
  });
  test("name the direction that stood still", () => {
    expect(judgeTraffic(spec, part(traffic(2, 1, 1)), part(traffic(2, 1, 2)))).toEqual({
      passed: false,
      detail: "no bytes in through myvpn while the probes ran",
      needsPeer: true,
    });
  });
  test("say that the conn is down", () => {
    expect(judgeTraffic(spec, part("", 1), part("", 1)).detail).toBe("myvpn has no established SA");
  });
});

describe("offload_counters", () => {
  const spec = { bond: "bond0", during: "far" };
  const ping = { passed: true, detail: "" };
  const sample = (port: string, tx: number, rx: number) => part(`port ${port}\n     tx_ipsec: ${tx}\n     rx_ipsec: ${rx}\n`);

  test("hold where the active port counted both ways", () => {
    expect(judgeOffload(spec, { before: sample("enp1s0", 10, 10), after: sample("enp1s0", 15, 15), ping })).toEqual({
      passed: true,
      detail: "enp1s0: tx_ipsec +5, rx_ipsec +5",
    });
  });

  test.each([
    [
      "one direction only",
      sample("enp1s0", 10, 10),
      sample("enp1s0", 15, 10),
      ping,
      /tx_ipsec \+5, rx_ipsec \+0 during the ping/,
    ],
    [
      "a failover in between",
      sample("enp1s0", 10, 10),
      sample("enp2s0", 90, 90),
      ping,
      /changed its active port from enp1s0 to enp2s0/,
    ],
    ["no active port", part("port None\n"), part("port None\n"), ping, /bond0 has no active port/],
    ["no such bond", part("sed: can't read\nport \n"), part("sed: can't read\nport \n"), ping, /bond0 has no active port/],
    [
      "no counters and no offloaded SA",
      part("port e1\n"),
      part("port e1\n"),
      ping,
      /no IPsec counters, and the kernel has no SAs/,
    ],
    ["a ping that failed", sample("e", 1, 1), sample("e", 2, 2), { passed: false, detail: "" }, /the ping far does not hold/],
    ["a ping that is not there", sample("e", 1, 1), sample("e", 2, 2), undefined, /no ping of this play is named far/],
    ["no ethtool", part("", 127), part("", 127), ping, /ethtool is not installed/],
  ])("do not hold with %s", (_what, before, after, during, detail) => {
    const verdict = judgeOffload(spec, { before, after, ping: during });
    expect(verdict.passed).toBe(false);
    expect(verdict.detail).toMatch(detail);
  });

  test("fall back on the kernel's SAs where the driver counts nothing", () => {
    const sas = part("port e1\n\tcrypto offload parameters: dev bond0 dir out\n\tcrypto offload parameters: dev bond0 dir in\n");
    expect(judgeOffload(spec, { before: sas, after: sas, ping }).passed).toBe(true);
  });
});

describe("no_cleartext", () => {
  const spec = { conn: "myvpn", interface: "eth0" };
  const head = "tcpdump: verbose output suppressed\nlistening on eth0, link-type EN10MB\n";
  const conn = part('"myvpn": 10.0.1.0/24===192.0.2.1...192.0.2.2===10.0.2.0/24; routed-tunnel; my_ip=unset; their_ip=unset;\n');
  const six = part('000 "myvpn": 2001:db8:1::/64===192.0.2.1...192.0.2.2===2001:db8:2::/64; erouted; eroute owner: #5\n');

  test.each([
    ["the conn's networks, with a port", "IP 198.51.100.1.4321 > 10.0.2.7.80: tcp 0", conn, false],
    ["the networks of another tunnel", "IP 198.51.100.1.4321 > 10.9.0.7.80: tcp 0", conn, true],
    ["an IPv6 network, with a port", "IP6 2001:db8:9::1.4321 > 2001:db8:2::5.443: tcp 0", six, false],
    ["an IPv6 host", "IP6 2001:db8:9::1 > 2001:db8:2::5: ICMP6, echo request", six, false],
    ["another IPv6 network", "IP6 2001:db8:9::1 > 2001:db8:3::5: ICMP6, echo request", six, true],
    ["nothing", "", conn, true],
  ])("a packet to %s", (_what, line, status, passes) => {
    expect(judgeCleartext(spec, { packets: part(`${head}${line}\n1 packet captured\n`), conn: status }).passed).toBe(passes);
  });

  test("what could not be looked at never passes", () => {
    const unseen = [
      "timeout: failed to run command 'tcpdump': No such file or directory",
      "no policy",
      "",
      "tcpdump: eth0: Permission denied",
    ];
    for (const text of unseen)
      expect(judgeCleartext(spec, { packets: part(text), conn })).toMatchObject({ passed: false, needsPeer: true });
    expect(judgeCleartext(spec, { packets: part(head), conn: part("", 1) }).detail).toBe(
      "myvpn is not loaded, so its networks are not known",
    );
  });
});

describe("a play's checks", () => {
  const ping: Check = {
    at: AT,
    name: "far",
    probe: "ping",
    spec: { destination: "10.0.2.1", size: 56, dont_fragment: false, count: 1 },
  };

  test("a new login is always the first, also where the play lists it", () => {
    const facts = factsOf({});
    expect(judgeChecks([], facts)).toEqual([{ name: "ssh", passed: true, detail: "a new login reached the host" }]);
    expect(judgeChecks([{ at: AT, name: "login", probe: "ssh", spec: {} }], facts).map(({ name }) => name)).toEqual(["login"]);
  });

  test("nothing but a login needs no probe", () => {
    expect(checkProbes([])).toEqual([]);
    expect(checkProbes([{ at: AT, name: "login", probe: "ssh", spec: {} }])).toEqual([]);
  });

  test("a script that was cut short makes no check pass", () => {
    const cut = factsOf({ checks: "= 0 run\n PING 10.0.2.1\n 1 packets transmitted, 1 received\n" });
    expect(judgeChecks([ping], cut)).toEqual([
      expect.objectContaining({ name: "ssh" }),
      { name: "far", passed: false, detail: "the probe did not run to its end", needs_peer: true },
    ]);
  });
});
