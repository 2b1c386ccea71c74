import type { RunEvent } from "../model/event.ts";
import { OUTCOMES, shown } from "../report/wording.ts";
import { redact } from "../text/redact.ts";

/** What a run tells while it goes on, on standard error. */
export interface Progress {
  readonly report: (event: RunEvent) => void;
  /** Stops drawing, so that something may be printed or asked; the next event draws again. */
  readonly pause: () => Promise<void>;
}

/** Phases with counters on a terminal (one line each, however many gateways), a line for each finished gateway elsewhere. */
export async function progress(hosts: number, applies: boolean, terminal: boolean): Promise<Progress> {
  if (!terminal || (process.stderr.columns ?? 0) === 0) return lines();
  const { phases } = await import("./phases.ts");
  return phases(hosts, applies);
}

function lines(): Progress {
  return {
    report: (event) => {
      if (event.event === "read") process.stderr.write(`${shown(event.host)}: read\n`);
      if (event.event !== "finished") return;
      const reason = event.reason === undefined ? "" : `: ${redact(firstLine(shown(event.reason)))}`;
      process.stderr.write(`${shown(event.host)}: ${OUTCOMES[event.status]}${reason}\n`);
    },
    pause: async () => undefined,
  };
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
