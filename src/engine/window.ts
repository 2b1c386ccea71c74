import type { Result } from "../model/problem.ts";

/** When corrections are allowed, in the controller's local time; a window may cross midnight. */
export interface MaintenanceWindow {
  /** 0 is Sunday; the day on which the window begins. */
  readonly days: ReadonlySet<number>;
  /** Minutes since midnight. */
  readonly from: number;
  readonly to: number;
}

const DAYS: readonly string[] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** Reads `02:00-04:00`, `Sat 02:00-04:00`, `Mon-Fri 22:00-05:30` or `Sat,Sun 00:00-24:00`. */
export function parseWindow(text: string): Result<MaintenanceWindow> {
  const found = /^\s*(?:([A-Za-z,-]+)\s+)?(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)\s*$/.exec(text);
  const days = found === null ? undefined : daysOf(found[1]);
  const from = minutes(found?.[2], found?.[3]);
  const to = minutes(found?.[4], found?.[5]);
  if (days === undefined || from === undefined || to === undefined || from === to)
    return {
      ok: false,
      problems: [
        {
          severity: "error",
          message: `"${text}" is no window`,
          help: 'write one such as "Sat 02:00-04:00" or "Mon-Fri 22:00-05:30"',
        },
      ],
    };
  return { ok: true, value: { days, from, to }, problems: [] };
}

/** Whether the moment lies in the window; the end is exclusive. */
export function isInWindow(window: MaintenanceWindow, moment: { readonly day: number; readonly minutes: number }): boolean {
  const { days, from, to } = window;
  if (from < to) return days.has(moment.day) && moment.minutes >= from && moment.minutes < to;
  const yesterday = (moment.day + 6) % 7;
  return (days.has(moment.day) && moment.minutes >= from) || (days.has(yesterday) && moment.minutes < to);
}

function daysOf(text: string | undefined): ReadonlySet<number> | undefined {
  if (text === undefined) return new Set(DAYS.keys());
  const days = new Set<number>();
  for (const part of text.toLowerCase().split(",")) {
    const [first = -1, last = first] = part
      .split("-")
      .map((day) => DAYS.findIndex((name) => day.startsWith(name) && day.length >= 3));
    if (first < 0 || last < 0) return undefined;
    for (let day = first; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === last) break;
    }
  }
  return days;
}

function minutes(hour: string | undefined, minute: string | undefined): number | undefined {
  const sum = Number(hour) * 60 + Number(minute);
  return Number(minute) < 60 && sum <= 24 * 60 ? sum : undefined;
}
