import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunOptions, Target } from "../../src/io/transport.ts";
import { problemOf } from "./problem.ts";
import { runOnce } from "./run.ts";
import { canRunSshd, keygen, PASSWORD, type Sshd, startSshd } from "./sshd.ts";

describe.skipIf(!canRunSshd || !existsSync("/usr/bin/ssh"))("the system's ssh", () => {
  let sshd: Sshd;
  let bastion: Sshd;
  let configFile: string;
  beforeAll(async () => {
    [sshd, bastion] = await Promise.all([startSshd(), startSshd()]);
    configFile = sshd.configFile();
  });
  afterAll(() => Promise.all([sshd?.stop(), bastion?.stop()]));

  const target = (user: string, more: Partial<Target> = {}) => sshd.target(user, { transport: "openssh", ...more });
  const run = (user: string, script: string, more: Partial<RunOptions> = {}, has: Partial<Target> = {}) =>
    runOnce(target(user, has), { configFile }, script, more);

  test("runs a script, byte by byte", async () => {
    const result = await run("root", "printf 'a\\377'; cat; echo err >&2; exit 9", { input: "in" });
    expect([result.exit, result.stdout.toString("latin1"), result.stderr]).toEqual([9, "a\u00ffin\n", "err\n"]);
  });

  test("tells the script's own 255 from its own failure", async () => {
    expect((await run("root", "exit 255")).exit).toBe(255);
  });

  test("gains root rights with and without password", async () => {
    expect((await run("nopassword", "id -u", { become: true })).stdout.toString()).toBe("0\n");
    const result = await run(
      "withpassword",
      "id -u; tr '\\0' '\\n' </proc/$PPID/cmdline",
      { become: true },
      { becomePassword: PASSWORD },
    );
    expect(result.stdout.toString()).toMatch(/^0\n/);
    expect(result.stdout.toString()).not.toContain("p4ss");
    expect((await problemOf(run("nosudo", "id", { become: true }))).reason).toBe("no-sudo");
  });

  test("asks for no root rights where ssh_config logs in as root", async () => {
    const { user: _, ...rest } = target("root");
    const result = await runOnce(rest, { configFile: sshd.configFile("User root") }, "env | grep SUDO_USER || echo none", {
      become: true,
    });
    expect(result.stdout.toString()).toBe("none\n");
  });

  test("passes noise at login by", async () => {
    expect((await run("noisy", "echo x")).stdout.toString()).toBe("x\n");
  });

  test("that loses the connection in the middle rejects", async () => {
    const script =
      'set -- $(ps -o ppid= -p $$); [ "$(ps -o comm= -p $1)" = sshd ] || set -- $(ps -o ppid= -p $1); kill -9 $1; sleep 9';
    expect((await problemOf(run("root", script))).reason).toBe("lost");
    expect((await problemOf(run("root", "sleep 9", { timeoutMs: 600 }))).reason).toBe("timeout");
  });

  test("that cannot connect says why", async () => {
    const closed = await problemOf(run("root", "true", {}, { port: 1 }));
    expect([closed.reason, closed.advice]).toEqual(["unreachable", `try: ssh -p 1 root@${sshd.address}`]);
    expect(closed.message).toContain("Connection refused");
    keygen(join(sshd.folder, "stranger"), "ed25519");
    expect((await problemOf(run("root", "true", {}, { privateKey: join(sshd.folder, "stranger") }))).reason).toBe("auth");
    expect((await problemOf(run("root", "true", {}, { commonArgs: "-o NoSuchOption=1" }))).reason).toBe("configuration");
  });

  test("verifies host keys, and adds a new one only when told", async () => {
    const knownHosts = join(sshd.folder, "known_openssh");
    writeFileSync(knownHosts, "");
    const own = sshd.configFile(`UserKnownHostsFile ${knownHosts}`);
    expect((await problemOf(runOnce(target("root"), { configFile: own }, "true"))).reason).toBe("host-key-unknown");
    expect((await runOnce(target("root"), { configFile: own, acceptNew: true }, "true")).exit).toBe(0);
    expect(readFileSync(knownHosts, "utf8")).toContain("ssh-ed25519");
    writeFileSync(knownHosts, `[${sshd.address}]:${sshd.port} ${readFileSync(join(sshd.folder, "client.pub"), "utf8")}`);
    expect((await problemOf(runOnce(target("root"), { configFile: own, acceptNew: true }, "true"))).reason).toBe(
      "host-key-changed",
    );
    appendFileSync(knownHosts, `@revoked * ${readFileSync(sshd.hostKey("ed25519"), "utf8")}`);
    expect((await problemOf(runOnce(target("root"), { configFile: own }, "true"))).reason).toBe("host-key-revoked");
  });

  test("brings certificates and jump hosts", async () => {
    const known = join(sshd.folder, "known_ca");
    const ca = join(sshd.folder, "ca");
    keygen(ca, "ed25519");
    keygen(join(sshd.folder, "certified"), "ed25519");
    execFileSync("ssh-keygen", ["-q", "-s", ca, "-I", "test", "-n", "root", join(sshd.folder, "certified.pub")], {
      stdio: "ignore",
    });
    appendFileSync(join(sshd.folder, "client.pub"), `cert-authority ${readFileSync(`${ca}.pub`, "utf8")}`);
    writeFileSync(known, `${sshd.knownHostsLine("ed25519")}\n${bastion.knownHostsLine("ed25519")}\n`);
    const jump = `Host bastion\n  HostName ${bastion.address}\n  Port ${bastion.port}\n  User root\n  IdentityFile ${bastion.clientKey}\nHost *\n  UserKnownHostsFile ${known}`;
    const commonArgs = "-J bastion";
    const result = await runOnce(
      target("root", { privateKey: join(sshd.folder, "certified"), commonArgs }),
      { configFile: sshd.configFile(jump) },
      "echo in",
    );
    expect(result.stdout.toString()).toBe("in\n");
    expect(sshd.log()).toContain("Accepted publickey for root");
    expect(sshd.log()).toContain("ED25519-CERT");
    expect(bastion.log()).toContain("Accepted publickey");
  });

  test("takes no password and no odd names", async () => {
    expect((await problemOf(run("root", "true", {}, { password: "x" }))).reason).toBe("configuration");
    expect((await problemOf(run("root", "true", {}, { address: "-oProxyCommand=id" }))).reason).toBe("configuration");
  });
});
