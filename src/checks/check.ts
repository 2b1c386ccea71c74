import type { Check } from "../model/check.ts";
import type { Facts, Probe } from "../model/fact.ts";
import type { CheckReport } from "../model/plan.ts";
import { captured, judgeCleartext } from "./cleartext.ts";
import { commandCommand, judgeCommand } from "./command.ts";
import { judgeOffload, offloadCommand } from "./offload.ts";
import { judgePing, pingCommand } from "./ping.ts";
import { judgeTcp, tcpCommand } from "./tcp.ts";
import { judgeTraffic, trafficCommand } from "./traffic.ts";
import { type Part, parseTranscript, part, type Transcript, type Verdict } from "./transcript.ts";

/**
 * The probe that runs all checks of a gateway, in their order: captures around everything, then samples of tunnel counters
 * around all that makes traffic. It is one probe, because a capture must run while the others do.
 */
export function checkProbes(checks: readonly Check[]): readonly Probe[] {
  const numbered = checks.map((check, index) => ({ check, label: String(index) })).filter(({ check }) => check.probe !== "ssh");
  if (numbered.length === 0) return [];
  const tunnels = (when: "before" | "after"): readonly string[] =>
    numbered.flatMap(({ check, label }) =>
      check.probe === "tunnel_counters" ? [part(`${label} ${when}`, trafficCommand(check.spec.conn))] : [],
    );
  const inner = [
    ...tunnels("before"),
    ...numbered.flatMap(({ check, label }) => ownParts(check, label, numbered)),
    ...tunnels("after"),
  ].join("\n");
  const script = numbered.reduce(
    (wrapped, { check, label }) => (check.probe === "no_cleartext" ? captured(label, check.spec, wrapped) : wrapped),
    inner,
  );
  return [{ key: KEY, command: `exec 3>&1\n${script}` }];
}

/** The verdict on every check, in their order; that a new login works is the first, and shown by there being facts. */
export function judgeChecks(checks: readonly Check[], facts: Facts): readonly CheckReport[] {
  const transcript = parseTranscript(facts.readings.get(KEY)?.text ?? "");
  const verdicts = checks.map((check, index) => judge(check, String(index), { checks, transcript }));
  const listed = checks.some(({ probe }) => probe === "ssh");
  const login: readonly CheckReport[] = listed ? [] : [report("ssh", LOGIN)];
  return [...login, ...checks.map(({ name }, index) => report(name, verdicts[index] ?? LOGIN))];
}

const KEY = "checks";
const LOGIN: Verdict = { passed: true, detail: "a new login reached the host" };

interface Numbered {
  readonly check: Check;
  readonly label: string;
}

/** What a check does itself; a ping is surrounded by the samples of whoever judges by it. */
function ownParts(check: Check, label: string, all: readonly Numbered[]): readonly string[] {
  switch (check.probe) {
    case "ping": {
      const { through } = check.spec;
      const samples = (when: "before" | "after"): readonly string[] => [
        ...(through === undefined ? [] : [part(`${label} ${when}`, trafficCommand(through))]),
        ...all.flatMap((other) =>
          other.check.probe === "offload_counters" && other.check.spec.during === check.name
            ? [part(`${other.label} ${when}`, offloadCommand(other.check.spec))]
            : [],
        ),
      ];
      return [...samples("before"), part(`${label} run`, pingCommand(check.spec)), ...samples("after")];
    }
    case "tcp":
      return [part(`${label} run`, tcpCommand(check.spec))];
    case "command":
      return [part(`${label} run`, commandCommand(check.spec))];
    default:
      return [];
  }
}

interface Evidence {
  readonly checks: readonly Check[];
  readonly transcript: Transcript;
}

function judge(check: Check, label: string, evidence: Evidence): Verdict {
  const found = (what: string): Part | undefined => evidence.transcript.get(`${label} ${what}`);
  switch (check.probe) {
    case "ping":
      return judgePing(check.spec, { run: found("run"), before: found("before"), after: found("after") });
    case "tcp":
      return judgeTcp(check.spec, found("run"));
    case "command":
      return judgeCommand(check.spec, found("run"));
    case "tunnel_counters":
      return judgeTraffic(check.spec, found("before"), found("after"));
    case "offload_counters":
      return judgeOffload(check.spec, {
        before: found("before"),
        after: found("after"),
        ping: pingNamed(check.spec.during, evidence),
      });
    case "no_cleartext":
      return judgeCleartext(check.spec, { packets: found("packets"), conn: found("conn") });
    case "ssh":
      return LOGIN;
  }
}

function pingNamed(name: string, evidence: Evidence): Verdict | undefined {
  const index = evidence.checks.findIndex((check) => check.probe === "ping" && check.name === name);
  const ping = evidence.checks[index];
  return ping === undefined ? undefined : judge(ping, String(index), evidence);
}

function report(name: string, { passed, detail, needsPeer }: Verdict): CheckReport {
  return { name, passed, detail, ...(needsPeer ? { needs_peer: true } : {}) };
}
