import { describe, expect, it } from "vitest";
import { isInWindow, parseWindow } from "../../src/engine/window.ts";

function inside(text: string, day: number, time: string): boolean {
  const window = parseWindow(text);
  if (!window.ok) throw new Error(window.problems[0]?.message);
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  return isInWindow(window.value, { day, minutes: hours * 60 + minutes });
}

describe("a maintenance window", () => {
  it.each([
    ["02:00-04:00", 3, "02:00", true],
    ["02:00-04:00", 3, "04:00", false],
    ["Sat 02:00-04:00", 6, "03:59", true],
    ["Sat 02:00-04:00", 0, "03:00", false],
    ["Mon-Fri 22:00-05:30", 5, "23:00", true],
    ["Mon-Fri 22:00-05:30", 6, "05:29", true],
    ["Mon-Fri 22:00-05:30", 6, "22:00", false],
    ["Mon-Fri 22:00-05:30", 1, "05:00", false],
    ["Sat,Sun 00:00-24:00", 0, "23:59", true],
    ["Fri-Mon 10:00-11:00", 0, "10:30", true],
    ["Fri-Mon 10:00-11:00", 3, "10:30", false],
  ])("%s on day %i at %s: %s", (text, day, time, expected) => {
    expect(inside(text, day, time)).toBe(expected);
  });

  it.each(["", "Sat", "25:00-26:00", "02:60-03:00", "Xyz 02:00-03:00", "02:00-02:00", "02:00"])("refuses %j", (text) => {
    expect(parseWindow(text).ok).toBe(false);
  });
});
