import { Listr, ListrLogger, ProcessOutput } from "listr2";
import type { RunEvent } from "../model/event.ts";
import { OUTCOMES, shown } from "../report/wording.ts";

/** What a run tells while it goes on, on standard error. */
export interface Progress {
  readonly report: (event: RunEvent) => void;
  /** Stops drawing; what follows may be printed. */
  readonly end: () => Promise<void>;
}

/** Phases with counters on a terminal (one line each, however many gateways), a line for each finished gateway elsewhere. */
export function progress(hosts: number, applies: boolean, terminal: boolean): Progress {
  return terminal && (process.stderr.columns ?? 0) > 0 ? phases(hosts, applies) : lines();
}

function lines(): Progress {
  return {
    report: (event) => {
      if (event.event !== "finished") return;
      const reason = event.reason === undefined ? "" : `: ${firstLine(shown(event.reason))}`;
      process.stderr.write(`${shown(event.host)}: ${OUTCOMES[event.status]}${reason}\n`);
    },
    end: async () => undefined,
  };
}

function phases(hosts: number, applies: boolean): Progress {
  const counts = { reading: 0, applying: 0, verifying: 0, finished: 0, trouble: 0 };
  let draw = (): void => undefined;
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const titles = (): readonly string[] => [
    `Read ${counts.reading}/${hosts}`,
    ...(applies ? [`Apply ${counts.applying}`, `Verify ${counts.verifying}`] : []),
    `Done ${counts.finished}/${hosts}${counts.trouble > 0 ? `, ${counts.trouble} in trouble` : ""}`,
  ];
  const tasks: { title: string }[] = [];
  const list = new Listr(
    titles().map((title, at) => ({
      title,
      task: async (_context: unknown, task: { title: string }): Promise<void> => {
        tasks[at] = task;
        await finished;
      },
    })),
    {
      concurrent: true,
      exitOnError: false,
      renderer: "default",
      rendererOptions: { logger: new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) }) },
    },
  );
  draw = () => {
    titles().forEach((title, at) => {
      const task = tasks[at];
      if (task !== undefined && task.title !== title) task.title = title;
    });
  };
  const drawing = list.run();
  return {
    report: (event) => {
      if (event.event === "connecting") return;
      if (event.event === "finished") {
        counts.finished += 1;
        if (!["ok", "changed", "would-change"].includes(event.status)) counts.trouble += 1;
      } else counts[event.event] += 1;
      draw();
    },
    end: async () => {
      finish();
      await drawing;
    },
  };
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
