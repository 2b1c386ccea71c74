import { Listr, ListrLogger, ProcessOutput } from "listr2";
import type { Progress } from "./progress.ts";

/** Draws the phases of a run with their counters, one line each, however many gateways there are. */
export function phases(hosts: number, applies: boolean): Progress {
  const counts = { applying: 0, verifying: 0, finished: 0, trouble: 0 };
  // A gateway is read again to verify it.
  const read = new Set<string>();
  let drawing: Drawing | undefined;
  const titles = (): readonly string[] => [
    `Read ${read.size}/${hosts}`,
    ...(applies ? [`Apply ${counts.applying}`, `Verify ${counts.verifying}`] : []),
    `Done ${counts.finished}/${hosts}${counts.trouble > 0 ? `, ${counts.trouble} in trouble` : ""}`,
  ];
  return {
    report: (event) => {
      if (event.event === "connecting") return;
      if (event.event === "finished" || event.event === "read") {
        counts.finished += 1;
        if (event.event === "finished" && !["ok", "changed", "would-change"].includes(event.status)) counts.trouble += 1;
      } else if (event.event === "reading") read.add(event.host);
      else counts[event.event] += 1;
      drawing ??= draw(titles());
      drawing.update(titles());
    },
    pause: async () => {
      const ending = drawing;
      drawing = undefined;
      await ending?.end();
    },
  };
}

interface Drawing {
  readonly update: (titles: readonly string[]) => void;
  readonly end: () => Promise<void>;
}

/** One listr2 task a phase: a task a gateway would cost more than the work on it. */
function draw(first: readonly string[]): Drawing {
  const tasks: { title: string }[] = [];
  let latest = first;
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const list = new Listr(
    first.map((title, at) => ({
      title,
      task: async (_context: unknown, task: { title: string }): Promise<void> => {
        tasks[at] = task;
        // Events may have come before the drawing began.
        task.title = latest[at] ?? title;
        await finished;
      },
    })),
    {
      concurrent: true,
      exitOnError: false,
      renderer: "default",
      // It would ask standard output, which may go to a file.
      forceTTY: true,
      rendererOptions: { logger: new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) }) },
    },
  );
  const running = list.run();
  return {
    update: (titles) => {
      latest = titles;
      titles.forEach((title, at) => {
        const task = tasks[at];
        if (task !== undefined && task.title !== title) task.title = title;
      });
    },
    end: async () => {
      finish();
      await running;
    },
  };
}
