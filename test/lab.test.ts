import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_PASSWORD } from "./lab/boot.ts";
import { CANARY_PSK } from "./lab/gateway.ts";
import { type LabHost, labIsPossible } from "./lab/host.ts";
import { type Lab, startLab } from "./lab/lab.ts";
import { type Ended, run } from "./lab/process.ts";

describe.skipIf(!labIsPossible())("the lab", () => {
  let lab: Lab;
  let one: LabHost;
  let two: LabHost;

  beforeAll(async () => {
    lab = await startLab({ hosts: [{}, { user: "admin", sudo: "password" }, { name: "bare", user: "admin", sudo: "none" }] });
    [one, two] = [lab.host("gw1"), lab.host("gw2")];
  });
  afterAll(() => lab.stop());

  const ssh = (name: string, command: string, ...options: string[]): Promise<Ended> =>
    run(["ssh", "-F", lab.sshConfigPath, "-o", "ConnectTimeout=2", ...options, name, command]);

  it("is reached by the system's ssh, each host under its own name and key", async () => {
    expect(await ssh("gw1", "hostname; id -un")).toMatchObject({ exit: 0, stdout: "gw1\nroot\n" });
    expect(await ssh("gw2", "hostname; id -un")).toMatchObject({ exit: 0, stdout: "gw2\nadmin\n" });
    expect(one.hostKey).not.toBe(two.hostKey);
    expect((await ssh("gw1", "true", "-o", `HostKeyAlias=[${two.address}]:2222`)).exit).toBe(255);
  });

  it("counts logins and executions", async () => {
    const before = await one.sessions();
    await ssh("gw1", "true");
    expect(await one.sessions()).toEqual({ logins: before.logins + 1, executions: before.executions + 1 });
  });

  it("keeps files, processes, names and firewalls of the hosts apart, and away from the machine", async () => {
    const machine = readFileSync("/etc/ipsec.conf", "utf8");
    await one.write("/etc/ipsec.conf", "# changed\n");
    await one.must(
      "iptables-legacy -t nat -A POSTROUTING -j MASQUERADE; iptables-nft -A FORWARD -j DROP; nft add table inet mine; touch /usr/mark",
    );
    expect(await one.read("/etc/ipsec.conf")).toBe("# changed\n");
    expect(await two.read("/etc/ipsec.conf")).toContain("config setup");
    expect(readFileSync("/etc/ipsec.conf", "utf8")).toBe(machine);
    expect(existsSync("/usr/mark")).toBe(false);
    expect(await one.must("iptables-legacy-save -t nat; nft list tables")).toMatch(/MASQUERADE.*inet mine/s);
    expect(await two.must("iptables-legacy -t nat -S POSTROUTING; nft list tables")).not.toMatch(/MASQUERADE|mine/);
    expect(await two.must("ps -e -o comm=")).not.toMatch(/node|vitest/);
    expect((await one.exec("echo 0 >/proc/sys/kernel/panic")).exit).not.toBe(0);
  });

  it("has a Libreswan configuration that the real parser reads, with a secret in place", async () => {
    expect(await two.must("ipsec addconn --checkconfig 2>&1")).not.toMatch(/error|duplicate/i);
    expect(await two.read("/etc/ipsec.secrets")).toContain(CANARY_PSK);
    expect(await two.must("stat -c %a /etc/ipsec.secrets")).toBe("600\n");
  });

  it("lets sudo do what the host's options say", async () => {
    expect((await ssh("gw2", "sudo -n id -u")).exit).not.toBe(0);
    expect(
      await run(["ssh", "-F", lab.sshConfigPath, "gw2", "sudo -S -p '' id -u"], { input: `${ADMIN_PASSWORD}\n` }),
    ).toMatchObject({ exit: 0, stdout: "0\n" });
    expect(
      (await run(["ssh", "-F", lab.sshConfigPath, "bare", "sudo -S -p '' id -u"], { input: `${ADMIN_PASSWORD}\n` })).exit,
    ).not.toBe(0);
  });

  it("has links that fail on purpose", async () => {
    await two.link("closed");
    expect((await ssh("gw2", "true")).stderr).toContain("Connection refused");
    await two.link("hangs");
    const started = Date.now();
    expect((await ssh("gw2", "true")).stderr).toMatch(/timed out/);
    expect(Date.now() - started).toBeGreaterThan(1900);
    await two.link({ dropAfterBytes: 3000 });
    expect((await ssh("gw2", "seq 100000")).exit).toBe(255);
    await two.link({ delayMs: 60 });
    const slow = Date.now();
    expect((await ssh("gw2", "true")).exit).toBe(0);
    expect(Date.now() - slow).toBeGreaterThan(600);
    await two.link("up");
    expect((await ssh("gw2", "true")).exit).toBe(0);
  });

  it("drops sessions in the middle", async () => {
    const session = ssh("gw1", "echo begun; sleep 30");
    while (!(await one.must("ps -e -o args=")).includes("sleep 30")) await new Promise((resolve) => setTimeout(resolve, 20));
    await one.dropSessions();
    expect(await session).toMatchObject({ exit: 255, stdout: "begun\n" });
  });

  it("puts a host behind another", async () => {
    await two.hideBehind(one);
    expect((await ssh("gw2", "true")).exit).toBe(255);
    expect(await ssh("gw2", "hostname", "-J", "gw1")).toMatchObject({ exit: 0, stdout: "gw2\n" });
  });

  it("leaves nothing behind", async () => {
    const brief = await startLab({ hosts: 1 });
    const host = brief.host("gw1");
    await run(["ssh", "-F", brief.sshConfigPath, "gw1", "nohup sleep 3600 >/dev/null 2>&1 </dev/null &"]);
    expect(await host.must("ps -e -o args=")).toContain("sleep 3600");
    expect(existsSync(`/proc/${host.pid}`)).toBe(true);
    await brief.stop();
    expect(existsSync(`/proc/${host.pid}`)).toBe(false);
    expect(existsSync(brief.directory)).toBe(false);
    expect(await listens(host)).toBe(false);
    expect(readFileSync("/proc/mounts", "utf8")).not.toMatch(/^lab /m);
  });

  it("ends with the process that started it, however that ends", async () => {
    const pids = new Set(readdirSync("/proc"));
    const script = `import { startLab } from ${JSON.stringify(new URL("./lab/lab.ts", import.meta.url).href)};
      const lab = await startLab({ hosts: 1 }); console.log(lab.hosts[0].pid, lab.directory); process.kill(process.pid, "SIGKILL");`;
    const { stdout } = await run([process.execPath, "--import", "tsx", "--input-type=module", "-e", script]);
    const [pid = "", directory = ""] = stdout.trim().split(" ");
    expect(pids.has(pid)).toBe(false);
    expect(directory).toContain("ipsec-fix-lab-");
    for (let tries = 0; existsSync(`/proc/${pid}`) && tries < 100; tries++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    await run(["rm", "-rf", directory]);
  });
});

function listens({ address, port }: LabHost): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: address, port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
