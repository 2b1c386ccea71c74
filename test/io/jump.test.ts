import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { problemOf } from "./problem.ts";
import { runOnce } from "./run.ts";
import { canRunSshd, type Sshd, startSshd } from "./sshd.ts";

describe.skipIf(!canRunSshd)("jump hosts", () => {
  let hosts: readonly [Sshd, Sshd, Sshd];
  let folder: string;
  beforeAll(async () => {
    hosts = await Promise.all([startSshd(), startSshd(), startSshd()]);
    folder = mkdtempSync(join(hosts[0].folder, "jump-"));
  });
  afterAll(() => Promise.all((hosts ?? []).map((host) => host.stop())));

  let files = 0;
  function config(jumps: string, known = [0, 1, 2], forGateway = "") {
    const [one, two, gateway] = hosts;
    const knownHosts = join(folder, `known.${++files}`);
    writeFileSync(knownHosts, known.map((index) => `${hosts[index]?.knownHostsLine("ed25519")}\n`).join(""));
    const file = join(folder, `config.${files}`);
    const block = (alias: string, host: Sshd, more: string) =>
      `Host ${alias}\n  HostName ${host.address}\n  Port ${host.port}\n  User root\n  IdentityFile ${host.clientKey}\n  ${more}\n`;
    writeFileSync(
      file,
      `${block("bastion", one, "")}${block("inner", two, jumps === "chain" ? "ProxyJump bastion" : "")}${block("gw", gateway, forGateway)}
Host gw
  ProxyJump ${jumps === "chain" ? "inner" : jumps}
Host *
  IdentityAgent none
  UserKnownHostsFile ${knownHosts}
  GlobalKnownHostsFile none
`,
    );
    return file;
  }
  const target = (more = {}) => {
    const { port: _p, user: _u, privateKey: _k, ...rest } = hosts[2].target("root", { address: "gw", ...more });
    return rest;
  };
  const cameFrom = "echo $SSH_CONNECTION | cut -d' ' -f1,3,4";

  test("lead on through any number of hops, each host key verified under its own name", async () => {
    for (const jumps of ["bastion,inner", "chain", "root@bastion,ssh://inner"]) {
      const result = await runOnce(target(), { configFile: config(jumps) }, cameFrom);
      expect(result.stdout.toString()).toMatch(new RegExp(`^127\\.\\S+ ${hosts[2].address} ${hosts[2].port}\n$`));
    }
    expect(hosts[0].log().match(/Accepted publickey/g)?.length).toBe(3);
    expect(hosts[1].log().match(/Accepted publickey/g)?.length).toBe(3);
  });

  test("may be written as the command that ProxyJump stands for", async () => {
    const logins = hosts[0].log().match(/Accepted publickey/g)?.length ?? 0;
    const commands = ["ssh -W %h:%p -q bastion", "/usr/bin/ssh -q -l root -W [%h]:%p bastion", "exec ssh root@bastion -W %h:%p"];
    for (const command of commands) {
      const file = config("none", [0, 2], `ProxyCommand ${command}`);
      const result = await runOnce(target(), { configFile: file }, cameFrom);
      expect(result.stdout.toString()).toContain(`${hosts[2].address} ${hosts[2].port}`);
    }
    expect(hosts[0].log().match(/Accepted publickey/g)?.length).toBe(logins + commands.length);
    for (const command of [
      "ssh -W %h:22 bastion",
      "ssh -i /k -W %h:%p bastion",
      "nc %h %p",
      "ssh -W %h:%p %r@bastion",
      "ssh -W %h:%p",
    ]) {
      const file = config("none", [0, 2], `ProxyCommand ${command}`);
      expect((await problemOf(runOnce(target(), { configFile: file }, "true"))).reason, command).toBe("configuration");
    }
  });

  test("that nobody knows stop the way there", async () => {
    for (const [known, blamed] of [
      [[1, 2], hosts[0]],
      [[0, 2], hosts[1]],
      [[0, 1], hosts[2]],
    ] as const) {
      const problem = await problemOf(runOnce(target(), { configFile: config("bastion,inner", [...known]) }, "true"));
      expect(problem.reason).toBe("host-key-unknown");
      expect(problem.message).toContain(`[${blamed.address}]:${blamed.port}`);
    }
  });

  test("are logged in to once for all hosts behind them", async () => {
    const before = hosts[0].log().match(/Accepted publickey/g)?.length ?? 0;
    const configFile = config("bastion");
    const results = await Promise.all(Array.from({ length: 5 }, () => runOnce(target(), { configFile }, "echo $$")));
    expect(new Set(results.map(({ stdout }) => stdout.toString())).size).toBe(5);
    expect((hosts[0].log().match(/Accepted publickey/g)?.length ?? 0) - before).toBe(1);
  });

  test("may be named by the inventory", async () => {
    const jump = `-o ProxyJump="root@${hosts[0].address}:${hosts[0].port}" -o IdentityAgent=none`;
    const known = join(folder, "known.inventory");
    writeFileSync(known, hosts.map((host) => `${host.knownHostsLine("ed25519")}\n`).join(""));
    const configFile = join(folder, "config.inventory");
    writeFileSync(configFile, `UserKnownHostsFile ${known}\nGlobalKnownHostsFile none\nIdentityFile ${hosts[0].clientKey}\n`);
    const result = await runOnce(hosts[2].target("root", { commonArgs: jump }), { configFile }, cameFrom);
    expect(result.exit).toBe(0);
  });

  test("that cannot reach the host say so", async () => {
    const problem = await problemOf(runOnce({ ...target(), port: 1 }, { configFile: config("bastion") }, "true"));
    expect([problem.reason, problem.message]).toEqual([
      "unreachable",
      `cannot reach ${hosts[2].address} port 1: through the jump host: connection refused`,
    ]);
  });

  test("that die take the connection with them", async () => {
    const configFile = config("bastion");
    const kill = "kill -9 $(pgrep -o -P $(pgrep -o sshd) sshd)";
    const bastion = { ...target(), address: "bastion" };
    const lost = problemOf(runOnce(target(), { configFile }, "sleep 9"));
    await new Promise((resolve) => setTimeout(resolve, 500));
    await runOnce(bastion, { configFile }, kill);
    expect((await lost).reason).toBe("lost");
  });

  test("that lead to themselves, or run a command, are a mistake in the configuration", async () => {
    const file = join(folder, "config.loop");
    writeFileSync(file, "Host a\n ProxyJump b\nHost b\n ProxyJump a\nHost c\n ProxyCommand nc %h %p\n");
    for (const address of ["a", "c"]) {
      expect((await problemOf(runOnce({ ...target(), address }, { configFile: file }, "true"))).reason).toBe("configuration");
    }
  });
});
