import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import { EXIT } from "../engine/exit-code.ts";
import { parseWindow } from "../engine/window.ts";
import { packageRoot } from "../io/package-root.ts";
import { scheduleUnits } from "../report/schedule-units.ts";
import { commandLine } from "../text/shell.ts";
import type { ScheduleOptions } from "./options.ts";

/** Prints or writes what starts drift correction regularly: two systemd units, or a crontab line. */
export async function schedule(playbook: string, options: ScheduleOptions, out: (text: string) => void): Promise<number> {
  const window = options.window === undefined ? undefined : parseWindow(options.window);
  if (window !== undefined && !window.ok) {
    out(window.problems.map(({ message, help }) => `error: ${message}: ${help}\n`).join(""));
    return EXIT.usage;
  }
  const wrong = wrongTime(options);
  if (wrong !== undefined) {
    out(`error: ${wrong}\n`);
    return EXIT.usage;
  }
  const argv = driftCommand(playbook, options);
  if (options.crontab) {
    // A percent sign ends the command of a crontab line (crontab(5)).
    out(`${options.every} ${commandLine(argv).replaceAll("%", "\\%")}\n`);
    return EXIT.done;
  }
  const name = unitName(playbook);
  const units = scheduleUnits({
    name,
    playbook: resolve(playbook),
    argv,
    folder: dirname(resolve(playbook)),
    every: options.every,
    randomDelay: options.randomDelay,
  });
  if (options.out === undefined) {
    out(units.map(({ file, text }) => `# /etc/systemd/system/${file}\n${text}`).join("\n"));
    out(`\n# then: systemctl daemon-reload && systemctl enable --now ${name}.timer\n`);
    return EXIT.done;
  }
  await mkdir(options.out, { recursive: true });
  for (const { file, text } of units) {
    await writeFile(join(options.out, file), text);
    out(`wrote ${join(options.out, file)}\n`);
  }
  out(`next: systemctl daemon-reload && systemctl enable --now ${name}.timer\n`);
  return EXIT.done;
}

/** cron and systemd would drop a line that they cannot read, and nobody would look: better now. OnCalendar= is systemd's to judge. */
function wrongTime({ crontab, every, randomDelay }: ScheduleOptions): string | undefined {
  if (crontab)
    return /^(@(reboot|yearly|annually|monthly|weekly|daily|midnight|hourly)|[^\s%]+([ \t]+[^\s%]+){4})$/.test(every)
      ? undefined
      : `"${every}" is no time of a crontab: write five fields such as "17 * * * *", or @hourly`;
  const span = /^\d+(\.\d+)?\s*([a-z]+)?(\s*\d+(\.\d+)?\s*[a-z]+)*$/i;
  return span.test(randomDelay) ? undefined : `"${randomDelay}" is no time span of systemd: write one such as 15m`;
}

/** The absolute command, because a timer has neither this shell's folder nor its PATH. */
function driftCommand(playbook: string, options: ScheduleOptions): readonly string[] {
  const program = join(packageRoot(), "dist", "main.js");
  return [
    process.execPath,
    program,
    "drift",
    resolve(playbook),
    ...inventories(options).flatMap((path) => ["--inventory", path]),
    ...(options.limit === undefined ? [] : ["--limit", options.limit]),
    ...(options.fix ? ["--fix"] : []),
    ...(options.maxChanges === undefined ? [] : ["--max-changes", String(options.maxChanges)]),
    ...(options.window === undefined ? [] : ["--window", options.window]),
    "--no-color",
  ];
}

/** The inventory that a run from here would take, by absolute paths: a timer has neither this folder nor this environment. */
function inventories({ inventory }: ScheduleOptions): readonly string[] {
  const fromEnvironment = process.env["IPSEC_FIX_INVENTORY"];
  const named =
    inventory.length > 0 ? inventory : fromEnvironment ? [fromEnvironment] : existsSync("inventory") ? ["inventory"] : [];
  return named.map((path) => (path.includes(",") ? path : resolve(path)));
}

function unitName(playbook: string): string {
  const stem = basename(playbook).replace(/\.ya?ml$/, "");
  return `ipsec-fix-${stem.replaceAll(/[^A-Za-z0-9_.-]/g, "-")}`;
}
