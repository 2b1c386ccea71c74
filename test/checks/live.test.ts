import { describe, expect, test } from "vitest";
import { checkProbes, judgeChecks } from "../../src/checks/check.ts";
import type { Check } from "../../src/model/check.ts";
import type { CheckReport } from "../../src/model/plan.ts";
import { factsInNamespace } from "../network/namespace.ts";

const AT = { file: "play.yml", line: 1, column: 1 };
const ping = (name: string, spec: Partial<Extract<Check, { readonly probe: "ping" }>["spec"]> = {}): Check => ({
  at: AT,
  name,
  probe: "ping",
  spec: { destination: "127.0.0.1", size: 56, dont_fragment: false, count: 1, ...spec },
});
const tcp = (port: number, bytes: number, destination = "127.0.0.1"): Check => ({
  at: AT,
  name: `tcp ${port}`,
  probe: "tcp",
  spec: { destination, port, bytes },
});
const command = (argv: string[], exit = 0): Check => ({ at: AT, name: "command", probe: "command", spec: { argv, exit } });

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
      { at: AT, name: "t", probe: "tunnel_counters", spec: { conn: value } },
      { at: AT, name: "o", probe: "offload_counters", spec: { bond: value, during: "p" } },
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
