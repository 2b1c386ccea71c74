import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_PASSWORD } from "../lab/boot.ts";
import { chatter, makeReadOnly, masquerade } from "../lab/faults.ts";
import type { LabHost } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { hostOf, ipsecFix, ipsecFixJson, playbook, resources, runProgram, told } from "./cli.ts";
import { hostState, stateDifference } from "./host-state.ts";

const CHANGES = ["nat_exemption: { conn: myvpn }", "libreswan_conn: { name: myvpn, options: { mtu: 1400 } }"];

let lab: Lab;
beforeAll(async () => {
  lab = await startLab({
    hosts: [
      { name: "facts" },
      { name: "dropped" },
      { name: "dropped-sudo", user: "admin", sudo: "password", vars: { ansible_become_password: ADMIN_PASSWORD } },
      { name: "cut" },
      { name: "slow" },
      { name: "failing" },
      { name: "killed" },
      { name: "stalled" },
      { name: "chatty" },
      { name: "no-shell" },
      { name: "wrong-sudo", user: "admin", sudo: "password", vars: { ansible_become_password: "not-it-canary" } },
      { name: "no-password", user: "admin", sudo: "password" },
      { name: "race" },
    ],
  });
  await Promise.all(lab.hosts.map((host) => masquerade(host, { backend: "iptables-nft", exemption: "below" })));
});
afterAll(async () => lab.stop());

/** POSIX sh that waits for a condition, for twenty seconds at most. */
function until(condition: string): string {
  return `tries=0; until ${condition}; do tries=$((tries + 1)); [ $tries -lt 2000 ] || exit 1; sleep 0.01; done`;
}

const WRITING = until("[ -s /run/ipsec-fix.lock/holder ]");
const DONE = until("[ ! -e /run/ipsec-fix.lock ]");

async function expectConverged(host: LabHost): Promise<void> {
  const again = await ipsecFix(lab, "plan", resources(lab, ...CHANGES), "-l", host.name);
  expect(again.exit, told(again)).toBe(0);
}

describe("a connection that drops", () => {
  it("while facts are read is never taken for an answer", async () => {
    const host = lab.host("facts");
    const before = await hostState(host);
    for (const bytes of [10, 1500, 4000, 12_000]) {
      await host.link({ dropAfterBytes: bytes });
      const run = await ipsecFixJson(lab, "apply", resources(lab, ...CHANGES), "-y", "-l", "facts", "--timeout", "5");
      expect(run.exit, `${bytes} bytes: ${told(run)}`).toBe(6);
      expect(hostOf(run.plan, "facts"), `${bytes} bytes`).toMatchObject({ status: "unreachable", resources: [] });
    }
    await host.link("up");
    expect(stateDifference(before, await hostState(host))).toEqual([]);
    expect((await host.exec("ls -d /run/ipsec-fix.lock")).exit).not.toBe(0);
  });

  it.each(["dropped", "dropped-sudo"])("while the gateway writes does not stop the gateway (%s)", async (name) => {
    const host = lab.host(name);
    const running = ipsecFixJson(lab, "apply", resources(lab, ...CHANGES), "-y", "-l", name);
    await host.must(WRITING);
    await host.dropSessions();
    const run = await running;
    expect(run.exit, told(run)).toBe(0);
    expect(hostOf(run.plan, name).status).toBe("changed");
    await expectConverged(host);
  });

  it("is waited out until the gateway has finished, or has taken everything back", async () => {
    const [slow, failing] = [lab.host("slow"), lab.host("failing")];
    await makeReadOnly(failing, "/etc/ipsec.d");
    const before = await hostState(failing);
    const hold = `${WRITING}; holder=$(sed -n 1p /run/ipsec-fix.lock/holder); kill -STOP $holder`;
    const running = ipsecFixJson(lab, "apply", resources(lab, ...CHANGES), "-y", "-l", "slow,failing", "--max-fail", "9");
    await Promise.all(
      [slow, failing].map(async (host) => {
        await host.must(`${hold}; for pid in $(ps -C sshd -o pid=); do kill -9 $pid; done; sleep 3; kill -CONT $holder`);
      }),
    );
    const run = await running;
    expect(run.exit, told(run)).toBe(4);
    expect(hostOf(run.plan, "slow"), told(run)).toMatchObject({ status: "changed", exit: 0 });
    expect(hostOf(run.plan, "failing"), told(run)).toMatchObject({ status: "rolled-back", exit: 4 });
    expect(hostOf(run.plan, "failing").reason).toMatch(/connection[\s\S]*write \/etc\/ipsec.d\/myvpn.conf[\s\S]*Read-only/);
    expect(stateDifference(before, await hostState(failing))).toEqual([]);
    await expectConverged(slow);
  });

  it("and a script that dies with it are the one case in which hands are needed", async () => {
    const host = lab.host("killed");
    const running = ipsecFixJson(lab, "apply", resources(lab, ...CHANGES), "-y", "-l", "killed");
    await host.must(`${WRITING}; kill -9 $(sed -n 1p /run/ipsec-fix.lock/holder)`);
    const run = await running;
    expect(run.exit, told(run)).toBe(5);
    const next = await ipsecFix(lab, "apply", resources(lab, ...CHANGES), "-y", "-l", "killed");
    expect(next.exit, told(next)).toBe(0);
    await expectConverged(host);
  });

  it("and stays away leaves the outcome to the gateway, and says that nobody has seen it", async () => {
    const host = lab.host("cut");
    const running = ipsecFixJson(lab, "apply", resources(lab, ...CHANGES), "-y", "-l", "cut", "--timeout", "2");
    await host.must(WRITING);
    await host.link("closed");
    await host.dropSessions();
    const run = await running;
    expect(run.exit, told(run)).toBe(5);
    expect(hostOf(run.plan, "cut").reason).toMatch(/cannot be reached again/);
    await host.must(DONE);
    await host.link("up");
    await expectConverged(host);
  });

  it("without a word is noticed by keep-alive", async () => {
    const host = lab.host("stalled");
    const config = join(lab.directory, "keepalive_config");
    writeFileSync(config, `Host *\n  ServerAliveInterval 1\n  ServerAliveCountMax 2\n${readFileSync(lab.sshConfigPath, "utf8")}`);
    const plan = (): ReturnType<typeof runProgram> =>
      runProgram(["plan", resources(lab, ...CHANGES), "-l", "stalled", "-i", lab.inventoryPath, "-F", config, "--timeout", "2"]);
    for (const bytes of [0, 4000]) {
      await host.link({ stallAfterBytes: bytes });
      const started = Date.now();
      const run = await plan();
      expect(run.exit, `${bytes} bytes: ${told(run)}`).toBe(6);
      expect(Date.now() - started).toBeLessThan(15_000);
    }
    await host.link("up");
    const run = await plan();
    expect(run.exit, told(run)).toBe(2);
  });
});

describe("a login", () => {
  it("that prints garbage before it obeys is no obstacle", async () => {
    await chatter(lab.host("chatty"), "root");
    const run = await ipsecFixJson(lab, "apply", resources(lab, ...CHANGES), "-y", "-l", "chatty");
    expect(run.exit, told(run)).toBe(0);
    await expectConverged(lab.host("chatty"));
  });

  it("that runs nothing, or a sudo that says no, is the host's own clear outcome", async () => {
    await lab.host("no-shell").must("sed -i 's|^\\(root:.*:\\).*|\\1/usr/sbin/nologin|' /etc/passwd");
    const names = ["no-shell", "wrong-sudo", "no-password"];
    const run = await ipsecFixJson(lab, "apply", resources(lab, ...CHANGES), "-y", "--max-fail", "9", "-l", names.join(","));
    expect(run.exit, told(run)).toBe(1);
    expect(hostOf(run.plan, "no-shell")).toMatchObject({ status: "failed", exit: 1 });
    expect(hostOf(run.plan, "no-shell").reason).toMatch(/login shell/);
    expect(hostOf(run.plan, "wrong-sudo").reason).toMatch(/incorrect password|try again[\s\S]*sudo password/);
    expect(hostOf(run.plan, "no-password").reason).toMatch(/ask-become-pass/);
    expect(`${run.stdout}${run.stderr}`).not.toContain("not-it-canary");
  });
});

describe("two controllers on one host", () => {
  it("never mix: the second is told who holds the lock, and nothing of it is written", async () => {
    const host = lab.host("race");
    const first = ipsecFixJson(
      lab,
      "apply",
      resources(lab, "libreswan_conn: { name: myvpn, options: { mtu: 1400 } }"),
      "-y",
      "-l",
      "race",
    );
    await host.must(`${WRITING}; kill -STOP $(sed -n 1p /run/ipsec-fix.lock/holder)`);
    const file = resources(lab, "libreswan_conn: { name: other, options: { mtu: 1300 } }");
    const second = await ipsecFixJson(lab, "apply", file, "-y", "-l", "race");
    expect(second.exit, told(second)).toBe(75);
    expect(hostOf(second.plan, "race").reason).toMatch(/\w+@\S+ \(transaction /);
    await host.must("kill -CONT $(sed -n 1p /run/ipsec-fix.lock/holder)");
    expect((await first).exit, told(await first)).toBe(0);
    expect(await host.read("/etc/ipsec.d/other.conf")).toContain("mtu=1500");
  });

  it("never mix when only what started the first run has died", async () => {
    const host = lab.host("race");
    const first = ipsecFixJson(
      lab,
      "apply",
      resources(lab, "libreswan_conn: { name: myvpn, options: { mtu: 1390 } }"),
      "-y",
      "-l",
      "race",
    );
    await host.must(
      `${WRITING}; holder=$(sed -n 1p /run/ipsec-fix.lock/holder); kill -STOP $holder; kill -9 $(ps -o ppid= -p $holder)`,
    );
    const file = resources(lab, "libreswan_conn: { name: other, options: { mtu: 1300 } }");
    const second = await ipsecFixJson(lab, "apply", file, "-y", "-l", "race");
    await host.must("kill -CONT $(sed -n 1p /run/ipsec-fix.lock/holder)");
    expect(second.exit, told(second)).toBe(75);
    await first;
    await host.must(DONE);
    expect(await host.read("/etc/ipsec.d/myvpn.conf")).toContain("mtu=1390");
    expect(await host.read("/etc/ipsec.d/other.conf")).toContain("mtu=1500");
  });

  it("leave one of the two states when they race", async () => {
    const host = lab.host("race");
    const files = [1401, 1402, 1403].map((mtu) =>
      playbook(
        lab,
        `- hosts: race\n  become: true\n  resources:\n    - libreswan_conn: { name: myvpn, options: { mtu: ${mtu}, dpddelay: ${mtu} } }\n`,
      ),
    );
    const runs = await Promise.all(files.map((file) => ipsecFixJson(lab, "apply", file, "-y")));
    // 4: the other wrote after this one, so this one's own proof failed and it took itself back, or tried to.
    for (const run of runs) expect([0, 3, 4, 75], told(run)).toContain(run.exit);
    const conf = await host.read("/etc/ipsec.d/myvpn.conf");
    const [mtu] = /(?<=mtu=)\d+/.exec(conf) ?? [];
    expect(conf.match(/(mtu|dpddelay)=\d+/g)).toEqual([`mtu=${mtu}`, `dpddelay=${mtu}`]);
    expect((await host.exec("ls -d /run/ipsec-fix.lock")).exit).not.toBe(0);
  });
});
