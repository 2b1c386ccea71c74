import { describe, expect, test } from "vitest";
import { checkProbes } from "../../src/checks/check.ts";
import { judgeCleartext } from "../../src/checks/cleartext.ts";
import { parseTranscript } from "../../src/checks/transcript.ts";
import type { Check } from "../../src/model/check.ts";
import { factsInNamespace } from "../network/namespace.ts";

const AT = { file: "play.yml", line: 1, column: 1 };
const ping = (destination: string, source: string): Check => ({
  at: AT,
  name: "p",
  probe: "ping",
  spec: { destination, source, size: 56, dont_fragment: false, count: 1 },
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
    const checks: readonly Check[] = [{ at: AT, name: "n", probe: "no_cleartext", spec: capture }, ping(destination, source)];
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
      at: AT,
      name,
      probe: "no_cleartext",
      spec: { ...spec, interface: name },
    }));
    const all = [...checks, ping("10.0.2.9", "192.0.2.1")];
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
