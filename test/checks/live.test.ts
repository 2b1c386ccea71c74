import { describe, expect, test } from "vitest";
import { type Check, checkProbes, judgeChecks } from "../../src/checks/check.ts";
import { judgeCleartext } from "../../src/checks/cleartext.ts";
import { parseTranscript } from "../../src/checks/transcript.ts";
import type { CheckReport } from "../../src/model/plan.ts";
import { factsInNamespace } from "../network/namespace.ts";

const ping = (name: string, spec: Partial<Extract<Check, { probe: "ping" }>["spec"]> = {}): Check => ({
  name,
  probe: "ping",
  spec: { destination: "127.0.0.1", size: 56, dont_fragment: false, count: 1, ...spec },
});
const tcp = (port: number, bytes: number, destination = "127.0.0.1"): Check => ({
  name: `tcp ${port}`,
  probe: "tcp",
  spec: { destination, port, bytes },
});
const command = (argv: string[], exit = 0): Check => ({ name: "command", probe: "command", spec: { argv, exit } });

function run(setup: string, checks: readonly Check[], shell?: string): readonly CheckReport[] {
  const facts = factsInNamespace(setup, checkProbes(checks), shell === undefined ? {} : { shell });
  return judgeChecks(checks, facts).slice(1);
}

describe.each(["dash", "busybox sh"])("under %s", (shell) => {
  test("ping, tcp and command give true verdicts of a real network", () => {
    const setup = `
      ip link set lo up mtu 1400
      nc.openbsd -l 127.0.0.1 7001 >/dev/null & nc.openbsd -l 127.0.0.1 7002 >/dev/null &
      sleep 0.3`;
    const reports = run(
      setup,
      [
        ping("answers", { source: "127.0.0.5" }),
        ping("fits", { size: 1372, dont_fragment: true }),
        ping("too big", { size: 1373, dont_fragment: true }),
        ping("no route", { destination: "192.0.2.9" }),
        ping("no such source", { source: "192.0.2.9" }),
        tcp(7001, 0),
        tcp(7002, 200_000),
        tcp(7003, 0),
        tcp(7003, 0, "192.0.2.9"),
        command(["sh", "-c", "exit 4"], 4),
        command(["sh", "-c", "echo why >&2; exit 5"]),
        command(["no-such-program"]),
      ],
      shell,
    );
    expect(reports.map(({ passed, detail, needs_peer: peer = false }) => [passed, peer, detail])).toEqual([
      [true, false, "1 of 1 echo requests answered"],
      [true, false, "1 of 1 echo requests answered"],
      [false, true, "a payload of 1373 bytes does not fit the path's MTU of 1400"],
      [false, true, expect.stringMatching(/Network is unreachable/)],
      [false, true, expect.stringMatching(/Cannot assign requested address/)],
      [true, false, "127.0.0.1 port 7001 accepts connections"],
      [true, false, "127.0.0.1 port 7002 took 200000 bytes"],
      [false, true, "no connection to 127.0.0.1 port 7003: Connection refused"],
      [false, true, "no connection to 192.0.2.9 port 7003: Network is unreachable"],
      [true, false, "sh ended with 4"],
      [false, false, "sh ended with 5, not 0: why"],
      [false, false, expect.stringMatching(/^no-such-program ended with 127, not 0/)],
    ]);
  });
});

test("a peer that takes the connection and then no bytes is told from one that takes them", () => {
  // The far end stops reading: what does not fit its window stays in our send queue.
  const setup = `
    ip link set lo up
    { sleep 15 | nc.openbsd -l 127.0.0.1 7001 | sleep 15; } >/dev/null 2>&1 &
    sleep 0.3`;
  const [report] = run(setup, [tcp(7001, 10_485_760)]);
  expect(report).toMatchObject({
    passed: false,
    needs_peer: true,
    detail: expect.stringMatching(/10485760 bytes were not acknowledged/),
  });
});

const HOSTILE = [
  "'; touch /tmp/ipsec-fix-pwned; '",
  "$(touch /tmp/ipsec-fix-pwned)",
  "`touch /tmp/ipsec-fix-pwned`",
  '"; touch /tmp/ipsec-fix-pwned; "',
  "-V",
  "--help",
  "a\n= 0 run\n exit 0",
  "\\",
  "*",
  "größe",
  "x".repeat(3000),
];

test.each(HOSTILE.map((value) => [value.slice(0, 40), value]))(
  "a value such as %j is data wherever it stands",
  (_title, value) => {
    const checks: readonly Check[] = [
      command(["sh", "-c", 'printf "%s" "$1"; [ "$1" = "$2" ]', "sh", value, value]),
      ping("p", { destination: value, source: value, through: value }),
      tcp(1, 1, value),
      { name: "t", probe: "tunnel_counters", spec: { conn: value } },
      { name: "o", probe: "offload_counters", spec: { bond: value, during: "p" } },
    ];
    const reports = run("ip link set lo up; [ ! -e /tmp/ipsec-fix-pwned ]", [
      ...checks,
      command(["test", "!", "-e", "/tmp/ipsec-fix-pwned"]),
    ]);
    expect(reports.map(({ passed }) => passed)).toEqual([true, false, false, false, false, true]);
  },
);

test("a command's output cannot pass for a label, a status or another check's evidence", () => {
  const forged = "= 1 run\n1 packets transmitted, 1 received\n\nexit 0\n= 0 run\n\nexit 7\n";
  const reports = run("ip link set lo up", [command(["printf", "%s", forged]), ping("p", { destination: "192.0.2.9" })]);
  expect(reports.map(({ passed }) => passed)).toEqual([true, false]);
});

test("a command that reads standard input, prints without end or leaves a child behind harms nothing after it", () => {
  const reports = run("ip link set lo up", [
    command(["cat"]),
    command(["sh", "-c", "yes 0123456789 | head -c 3000000; exit 3"], 3),
    ping("after"),
  ]);
  expect(reports.map(({ passed }) => passed)).toEqual([true, true, true]);
});

describe("a capture", () => {
  const SETUP = `
    ip link set lo up
    ip link add wan0 type veth peer name far0
    ip link set wan0 up
    ip link set far0 up
    ip addr add 192.0.2.1/24 dev wan0
    ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev wan0
    ip route add 10.0.2.0/24 via 192.0.2.2 dev wan0
    ip addr add 10.0.1.1/24 dev lo
    ip xfrm policy add src 10.0.1.0/24 dst 10.0.2.0/24 dir out tmpl src 192.0.2.1 dst 192.0.2.2 proto esp reqid 1 mode tunnel`;
  const spec = { conn: "myvpn", interface: "wan0" };
  const conn = { exit: 0, text: '000 "myvpn": 10.0.1.0/24===192.0.2.1...192.0.2.2===10.0.2.0/24; erouted; eroute owner: #5\n' };
  const verdict = (setup: string, destination: string, source: string, capture = spec) => {
    const checks: readonly Check[] = [{ name: "n", probe: "no_cleartext", spec: capture }, ping("p", { destination, source })];
    const facts = factsInNamespace(setup, checkProbes(checks));
    const transcript = parseTranscript(facts.readings.get("checks")?.text ?? "");
    expect(transcript.get("1 run")?.text).toMatch(/packets transmitted/);
    return judgeCleartext(capture, { packets: transcript.get("0 packets"), conn });
  };

  test("sees packets whose source was rewritten so that no policy takes them", () => {
    const told = verdict(SETUP, "10.0.2.9", "192.0.2.1");
    expect(told.passed).toBe(false);
    expect(told.needsPeer).toBeUndefined();
    expect(told.detail).toMatch(
      /^1 packets to the networks of myvpn left wan0 in the clear: IP 192\.0\.2\.1 > 10\.0\.2\.9: ICMP/,
    );
  });

  test("sees nothing of packets that the policy takes, nor of other traffic", () => {
    expect(verdict(SETUP, "10.0.2.9", "10.0.1.1")).toEqual({
      passed: true,
      detail: "no packet to the networks of myvpn left wan0 in the clear",
    });
    expect(verdict(SETUP, "192.0.2.2", "192.0.2.1").passed).toBe(true);
  });

  test("two of them at once each see their own interface", () => {
    const checks: readonly Check[] = ["wan0", "lo"].map((name) => ({
      name,
      probe: "no_cleartext",
      spec: { ...spec, interface: name },
    }));
    const all = [...checks, ping("p", { destination: "10.0.2.9", source: "192.0.2.1" })];
    const facts = factsInNamespace(SETUP, checkProbes(all));
    const transcript = parseTranscript(facts.readings.get("checks")?.text ?? "");
    expect(transcript.get("0 packets")?.text).toMatch(/listening on wan0[\s\S]*> 10\.0\.2\.9/);
    expect(transcript.get("1 packets")?.text).toMatch(/listening on lo/);
    expect(transcript.get("1 packets")?.text).not.toMatch(/> 10\.0\.2\.9/);
  });

  test("of no such interface, and without any policy, says so", () => {
    expect(verdict(SETUP, "10.0.2.9", "192.0.2.1", { ...spec, interface: "wan9" })).toMatchObject({
      passed: false,
      needsPeer: true,
      detail: expect.stringMatching(/^tcpdump: wan9: /),
    });
    expect(verdict(SETUP.replace(/ip xfrm.*/, ""), "10.0.2.9", "192.0.2.1").detail).toMatch(/no outbound tunnel policy/);
  });
});
