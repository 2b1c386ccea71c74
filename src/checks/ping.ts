import type { PingProbe } from "../model/specs.generated.ts";
import { commandLine } from "../text/shell.ts";
import { movement } from "./traffic.ts";
import { NOT_RUN, notInstalled, type Part, type Verdict } from "./transcript.ts";

/** Echo requests; without a deadline option, so that a lost packet does not make ping send more of them. */
export function pingCommand(spec: PingProbe): string {
  const options = [
    ["-n", "-c", String(spec.count), "-W", "2", "-s", String(spec.size)],
    spec.dont_fragment ? ["-M", "do"] : [],
    spec.source === undefined ? [] : ["-I", spec.source],
  ];
  return commandLine(["ping", ...options.flat(), "--", spec.destination]);
}

export interface PingParts {
  readonly run: Part | undefined;
  /** Samples of the conn's byte counters around the ping. */
  readonly before?: Part | undefined;
  readonly after?: Part | undefined;
}

/** Judges `ping`: answers, and with `through` bytes in both directions of the conn's SAs. */
export function judgePing(spec: PingProbe, { run, before, after }: PingParts): Verdict {
  const echo = judgeEcho(spec, run);
  if (!echo.passed || spec.through === undefined) return echo;
  if (before === undefined || after === undefined) return NOT_RUN;
  if (after.exit === 127) return notInstalled("ipsec");
  const moved = movement(spec.through, before.text, after.text);
  if (moved?.incoming && moved.outgoing) return { passed: true, detail: `${echo.detail}, through ${spec.through}` };
  return {
    passed: false,
    detail:
      moved === undefined
        ? `${echo.detail}, but ${spec.through} has no established SA: the packets crossed in the clear`
        : `${echo.detail}, but the byte counters of ${spec.through} did not move: the packets bypass the tunnel`,
  };
}

function judgeEcho(spec: PingProbe, run: Part | undefined): Verdict {
  if (run === undefined) return NOT_RUN;
  if (run.exit === 127) return notInstalled("ping");
  const counted = /(\d+) packets transmitted, (\d+) (?:packets )?received/.exec(run.text);
  const [sent, received] = [Number(counted?.[1] ?? 0), Number(counted?.[2] ?? 0)];
  // The first packet may be spent on address resolution, or on waking an on-demand tunnel.
  if (received > 0 && received >= sent - 1) return { passed: true, detail: `${received} of ${sent} echo requests answered` };
  const failed = (detail: string): Verdict => ({ passed: false, detail, needsPeer: true });
  const tooLong = /[Mm]essage too long(?:, mtu[= ](\d+))?/.exec(run.text);
  if (tooLong)
    return failed(
      `a payload of ${spec.size} bytes does not fit${tooLong[1] === undefined ? "" : ` the path's MTU of ${tooLong[1]}`}`,
    );
  if (/invalid option|unrecognized option/.test(run.text))
    return failed("the host's ping has not the options of iputils (-M do): install it");
  const complaint = /^(?:ping|connect): (.*)$/m.exec(run.text)?.[1];
  if (counted === null) return failed(`ping: ${complaint ?? `exit status ${run.exit}`}`);
  return failed(`${received} of ${sent} echo requests to ${spec.destination} answered`);
}
