import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect, type RunOptions, type Target } from "../../src/io/transport.ts";
import { problemOf } from "./problem.ts";
import { runOnce } from "./run.ts";
import { canRunSshd, PASSWORD, type Sshd, startSshd } from "./sshd.ts";

const SUDOERS = `
Defaults:withpassword timestamp_type=global
Defaults:nopassword use_pty
Defaults:busybox requiretty
`;

describe.skipIf(!canRunSshd)("sudo", () => {
  let sshd: Sshd;
  let configFile: string;
  beforeAll(async () => {
    sshd = await startSshd({ sudoers: SUDOERS });
    configFile = sshd.configFile();
  });
  afterAll(() => sshd?.stop());

  const run = (target: Target, script: string, more: Partial<RunOptions> = {}) =>
    runOnce(target, { configFile }, script, { become: true, ...more });
  const withPassword = (password: string) => sshd.target("withpassword", { becomePassword: password });
  const count = "wc -c; id -u; exit 4";

  test("without password runs as root, with input, whatever noise the shell makes", async () => {
    for (const user of ["nopassword", "noisy"]) {
      const result = await run(sshd.target(user), count, { input: "x".repeat(200_000) });
      expect([result.exit, result.stdout.toString(), result.stderr]).toEqual([4, "200001\n0\n", ""]);
    }
  });

  test("is not used for root, or where it is not wanted", async () => {
    expect((await run(sshd.target("root"), "env | grep SUDO_USER || echo none")).stdout.toString()).toBe("none\n");
    expect((await run(sshd.target("nopassword"), "id -un", { become: false })).stdout.toString()).toBe("nopassword\n");
  });

  test("with password shows it to no process list, environment, output or history", async () => {
    const script = `cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'; cat; id -u; echo err >&2`;
    const result = await run(withPassword(PASSWORD), script, { input: "data" });
    const out = result.stdout.toString();
    expect(out).toMatch(/sudo\n-S\n/);
    expect(out.endsWith("data\n0\n")).toBe(true);
    expect(result.stderr).toBe("err\n");
    expect(out + result.stderr).not.toContain("p4ss");
    expect(sshd.log()).not.toContain("p4ss");
  });

  test("with password never runs or shows it where sudo does not ask", async () => {
    const target = sshd.target("nopassword", { becomePassword: "echo LEAKED; touch /tmp/leaked" });
    const result = await run(target, "id -u; ls /tmp/leaked");
    expect(result.stdout.toString()).toBe("0\n");
    const cached = await connect(withPassword(PASSWORD), { configFile, timeoutMs: 5000, acceptNew: false });
    const first = await cached.run("id -u", { become: true, timeoutMs: 5000 });
    const second = await cached.run("cat; id -u", { become: true, timeoutMs: 5000 });
    await cached.close();
    expect([first.stdout.toString(), second.stdout.toString(), second.stderr]).toEqual(["0\n", "0\n", ""]);
  });

  test("with password goes through a shell that takes no stray glob", async () => {
    const result = await run(sshd.target("strict", { becomePassword: PASSWORD }), "id -u", {});
    expect(result.stdout.toString()).toBe("0\n");
  });

  test("with a password of any characters", async () => {
    const target = sshd.target("nosudo", { becomePassword: "päss\"'$(id)\\ #" });
    const problem = await problemOf(run(target, "id"));
    expect(problem).toMatchObject({ reason: "no-sudo", advice: "check the sudo password (-K or ansible_become_password)" });
  });

  test("with a wrong password fails once, in sudo's words, and runs nothing", async () => {
    const clean = await startSshd();
    try {
      const target = clean.target("withpassword", { becomePassword: "wrong" });
      const problem = await problemOf(runOnce(target, { configFile: clean.configFile() }, "echo RAN >&2", { become: true }));
      expect(problem.reason).toBe("no-sudo");
      expect(problem.message).toContain("no root rights on gw-test; sudo said: ");
      expect(problem.message).toContain("1 incorrect password attempt");
      expect(problem.message).not.toMatch(/RAN|wrong|[0-9a-f]{32}/);
      expect(problem.advice).toBe("check the sudo password (-K or ansible_become_password)");
    } finally {
      await clean.stop();
    }
  });

  test("with a password of two lines is refused, before the second becomes a command", async () => {
    const problem = await problemOf(run(withPassword(`${PASSWORD}\ntouch /tmp/leaked`), "id"));
    expect([problem.reason, problem.message]).toEqual(["configuration", "the sudo password of gw-test holds a line break"]);
  });

  test("that asks for a password when there is none to give", async () => {
    const problem = await problemOf(run(sshd.target("nosudo"), "id"));
    expect(problem.message).toBe("no root rights on gw-test; sudo said: sudo: a password is required");
    expect(problem.advice).toContain("-K (--ask-become-pass)");
  });

  test("without the right says so", async () => {
    const problem = await problemOf(run(sshd.target("nosudo", { becomePassword: PASSWORD }), "id"));
    expect(problem.message).toContain("nosudo is not in the sudoers file");
    expect(problem.advice).toContain("allow this user");
  });

  test("that wants a terminal is said not to be supported", async () => {
    const problem = await problemOf(run(sshd.target("busybox"), "id"));
    expect([problem.reason, problem.advice.includes("requiretty")]).toEqual(["no-sudo", true]);
  });

  test("that is not installed", async () => {
    const bare = await startSshd({ prepare: "mount --bind /dev/null /usr/bin/sudo" });
    try {
      const problem = await problemOf(
        runOnce(bare.target("nopassword"), { configFile: bare.configFile() }, "id", { become: true }),
      );
      expect(problem.reason).toBe("no-sudo");
    } finally {
      await bare.stop();
    }
  });
});
