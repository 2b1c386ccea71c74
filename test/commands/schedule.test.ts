import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ScheduleOptions } from "../../src/commands/options.ts";
import { schedule } from "../../src/commands/schedule.ts";
import { scheduleUnits } from "../../src/report/schedule-units.ts";

const base = {
  every: "hourly",
  randomDelay: "15m",
  fix: true,
  maxChanges: 5,
  window: "Sat 02:00-04:00",
  crontab: false,
  inventory: ["inventory"],
  limit: "gateways:!gw3",
  out: undefined,
};

async function printed(
  playbook: string,
  options: Partial<ScheduleOptions>,
): Promise<{ readonly code: number; readonly text: string }> {
  let text = "";
  const code = await schedule(playbook, { ...base, ...options }, (part) => {
    text += part;
  });
  return { code, text };
}

describe("schedule", () => {
  it("makes a service and a timer with a random delay", () => {
    const units = scheduleUnits({
      name: "ipsec-fix-gateway",
      playbook: "/srv/vpn/gateway.yml",
      argv: ["/usr/bin/node", "/opt/ipsec-fix/main.js", "drift", "/srv/vpn/gateway.yml", "--window", "Sat 02:00-04:00"],
      folder: "/srv/vpn",
      every: "hourly",
      randomDelay: "15m",
    });
    expect(units.map(({ file, text }) => `${file}\n${text}`).join("\n")).toMatchInlineSnapshot(`
      "ipsec-fix-gateway.service
      [Unit]
      Description=ipsec-fix drift /srv/vpn/gateway.yml
      Wants=network-online.target
      After=network-online.target

      [Service]
      Type=oneshot
      WorkingDirectory=/srv/vpn
      ExecStart=/usr/bin/node /opt/ipsec-fix/main.js drift /srv/vpn/gateway.yml --window "Sat 02:00-04:00"
      SuccessExitStatus=2

      ipsec-fix-gateway.timer
      [Unit]
      Description=ipsec-fix drift /srv/vpn/gateway.yml

      [Timer]
      OnCalendar=hourly
      RandomizedDelaySec=15m
      Persistent=true

      [Install]
      WantedBy=timers.target
      "
    `);
  });

  it("passes guards on to drift, with absolute paths", async () => {
    const { code, text } = await printed("playbooks/gate way.yml", {});
    expect(code).toBe(0);
    expect(text).toContain(`"${process.cwd()}/playbooks/gate way.yml" --inventory ${process.cwd()}/inventory`);
    expect(text).toContain("--limit gateways:!gw3".replace("gateways:!gw3", '"gateways:!gw3"'));
    expect(text).toContain('--fix --max-changes 5 --window "Sat 02:00-04:00"');
    expect(text).toContain("ipsec-fix-gate-way.timer");
  });

  it("writes the inventory down that a run from here would take", async () => {
    expect((await printed("a.yml", { inventory: [], crontab: true, every: "@daily" })).text).toContain(
      `--inventory ${process.cwd()}/inventory `,
    );
    expect((await printed("a.yml", { inventory: ["gw1,gw2,"], crontab: true, every: "@daily" })).text).toContain(
      "--inventory gw1,gw2, ",
    );
  });

  it("lets no value end its line or become a variable", async () => {
    const { text } = await printed("play$HOME%h\nExecStart=evil.yml", { limit: 'a"b\\c', window: undefined });
    expect(text.split("\n").filter((line) => line.startsWith("ExecStart="))).toHaveLength(1);
    expect(text).toContain("play$$HOME%%h\\nExecStart=evil.yml");
    expect(text).toContain('"a\\"b\\\\c"');
  });

  it("prints a crontab line in which a percent sign stays one", async () => {
    const { text } = await printed("a%b.yml", { crontab: true, every: "5 2 * * 6", limit: "it's" });
    expect(text).toMatch(/^5 2 \* \* 6 /);
    expect(text).toContain("a\\%b.yml");
    expect(text).toContain(`'it'\\''s'`);
    expect(text.trim().split("\n")).toHaveLength(1);
  });

  it.each([
    [{ crontab: true, every: "hourly" }, '"hourly" is no time of a crontab'],
    [{ crontab: true, every: "5 2 * *" }, '"5 2 * *" is no time of a crontab'],
    [{ crontab: true, every: "5 2 * * 6\n* * * * * evil" }, "is no time of a crontab"],
    [{ randomDelay: "soon" }, '"soon" is no time span of systemd'],
  ])("refuses %j", async (options, message) => {
    const { code, text } = await printed("a.yml", options);
    expect(code).toBe(64);
    expect(text).toContain(message);
    expect((await printed("a.yml", { crontab: true, every: "@daily" })).code).toBe(0);
  });

  it.skipIf(!existsSync("/usr/bin/systemd-analyze"))(
    "writes units that systemd accepts, whatever the playbook is called",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "ipsec-fix-units-"));
      try {
        const playbook = join(folder, "a b$c%d;'e.yml");
        writeFileSync(playbook, "");
        await printed(playbook, { out: folder, every: "Mon..Fri 22:00", randomDelay: "1h 5min" });
        const units = readdirSync(folder).filter((name) => /\.(service|timer)$/.test(name));
        expect(units).toHaveLength(2);
        const args = ["verify", "--man=no", ...units.map((name) => join(folder, name))];
        const { status, stderr } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
        const own = stderr.split("\n").filter((line) => line.includes(folder));
        expect({ status, own }).toEqual({ status: 0, own: [] });
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );

  it("refuses a window that it cannot read", async () => {
    const { code, text } = await printed("a.yml", { window: "noon" });
    expect(code).toBe(64);
    expect(text).toContain('"noon" is no window');
  });
});
