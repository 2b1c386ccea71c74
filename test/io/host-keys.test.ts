import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { problemOf } from "./problem.ts";
import { runOnce } from "./run.ts";
import { canRunSshd, keygen, type Sshd, startSshd } from "./sshd.ts";

describe.skipIf(!canRunSshd)("host keys", () => {
  let sshd: Sshd;
  let folder: string;
  beforeAll(async () => {
    sshd = await startSshd({ hostKeyTypes: ["ed25519", "ecdsa", "rsa"] });
    folder = mkdtempSync(join(sshd.folder, "known-"));
    keygen(join(folder, "other"), "ed25519");
  });
  afterAll(() => sshd?.stop());

  let files = 0;
  function knowing(lines: string, extra = "") {
    const knownHosts = join(folder, `known_hosts.${++files}`);
    writeFileSync(knownHosts, lines);
    const configFile = join(folder, `config.${files}`);
    writeFileSync(configFile, `${extra}\nIdentityAgent none\nUserKnownHostsFile ${knownHosts}\nGlobalKnownHostsFile none\n`);
    return { knownHosts, configFile };
  }
  const otherKey = () => readFileSync(join(folder, "other.pub"), "utf8").trim();
  const name = () => `[${sshd.address}]:${sshd.port}`;
  const whoami = (options: object) => runOnce(sshd.target("root"), options, "id -un");
  const logins = () => sshd.log().match(/Accepted|Failed/g)?.length ?? 0;

  test("that are unknown are refused before anything is proven to the host", async () => {
    const before = logins();
    const { configFile, knownHosts } = knowing("");
    const problem = await problemOf(whoami({ configFile }));
    expect(problem.reason).toBe("host-key-unknown");
    const shown = execFileSync("ssh-keygen", ["-lf", sshd.hostKey("ed25519")], { encoding: "utf8" }).split(" ")[1];
    expect(problem.message).toBe(`the host key of ${name()} is not known: ssh-ed25519 ${shown}`);
    expect(problem.advice).toContain(`ssh -p ${sshd.port} root@${sshd.address}`);
    expect(logins()).toBe(before);
    expect(readFileSync(knownHosts, "utf8")).toBe("");
  });

  test("that are new are added only when that is allowed, and hold from then on", async () => {
    const { configFile, knownHosts } = knowing("# mine, without a newline at its end");
    expect((await whoami({ configFile, acceptNew: true })).stdout.toString()).toBe("root\n");
    const [type, key] = readFileSync(sshd.hostKey("ed25519"), "utf8").split(" ");
    expect(readFileSync(knownHosts, "utf8")).toBe(`# mine, without a newline at its end\n${name()} ${type} ${key}\n`);
    expect((await whoami({ configFile })).exit).toBe(0);
    expect(execFileSync("ssh-keygen", ["-F", name(), "-f", knownHosts], { encoding: "utf8" })).toContain(
      `Host ${name()} found: line 2`,
    );
    const asked = knowing("", "StrictHostKeyChecking accept-new");
    expect((await whoami({ configFile: asked.configFile })).exit).toBe(0);
  });

  test("that changed are refused, with accept-new and StrictHostKeyChecking no as well", async () => {
    const before = logins();
    for (const extra of ["", "StrictHostKeyChecking no"]) {
      const { configFile, knownHosts } = knowing(`# one\n${name()} ${otherKey()}\n`, extra);
      const problem = await problemOf(whoami({ configFile, acceptNew: true }));
      expect(problem.reason).toBe("host-key-changed");
      expect(problem.message).toContain(`${knownHosts}:2 knows ssh-ed25519 SHA256:`);
      expect(problem.advice).toContain(`ssh-keygen -R '${name()}' -f ${knownHosts}`);
    }
    expect(logins()).toBe(before);
  });

  test("that are revoked are refused even where another line knows them", async () => {
    const line = sshd.knownHostsLine("ed25519");
    const { configFile } = knowing(`${line}\n@revoked * ${line.split(" ").slice(1).join(" ")}\n`);
    expect((await problemOf(whoami({ configFile, acceptNew: true }))).reason).toBe("host-key-revoked");
  });

  test.each(["ecdsa", "rsa"] as const)("of a single known type, %s, are asked for by that type", async (type) => {
    expect((await whoami({ configFile: knowing(`${sshd.knownHostsLine(type)}\n`).configFile })).exit).toBe(0);
  });

  test("are found in hashed lines, among several keys, by wildcard and by alias", async () => {
    const hashed = knowing(`${name()} ${otherKey()}\n${sshd.knownHostsLine("ed25519")}\n`);
    execFileSync("ssh-keygen", ["-H", "-f", hashed.knownHosts], { stdio: "ignore" });
    expect(readFileSync(hashed.knownHosts, "utf8")).not.toContain(sshd.address);
    expect((await whoami({ configFile: hashed.configFile })).exit).toBe(0);

    const key = sshd.knownHostsLine("ed25519").split(" ").slice(1).join(" ");
    expect((await whoami({ configFile: knowing(`[127.66.*]:*,!elsewhere ${key}\n`).configFile })).exit).toBe(0);
    expect((await problemOf(whoami({ configFile: knowing(`*,!${name()},!${sshd.address} ${key}\n`).configFile }))).reason).toBe(
      "host-key-unknown",
    );
    expect((await whoami({ configFile: knowing(`gw-alias ${key}\n`, "HostKeyAlias gw-alias").configFile })).exit).toBe(0);
    expect((await whoami({ configFile: knowing(`${sshd.address} ${key}\n`).configFile })).exit).toBe(0);
  });

  test("vouched for by an authority only are left to the openssh transport", async () => {
    const { configFile } = knowing(`@cert-authority * ${otherKey()}\n`);
    const problem = await problemOf(whoami({ configFile, acceptNew: true }));
    expect([problem.reason, problem.advice]).toEqual(["host-key-unknown", "set `ipsec_fix_transport: openssh` for this host"]);
  });

  test("are kept nowhere when the operator said so", async () => {
    const extra = "StrictHostKeyChecking no\nUserKnownHostsFile /dev/null";
    expect((await whoami({ configFile: knowing("", extra).configFile })).exit).toBe(0);
  });

  test("are read from the file that the inventory's options name", async () => {
    const { knownHosts } = knowing(`${sshd.knownHostsLine("ed25519")}\n`);
    const commonArgs = `-o IdentityAgent=none -o "UserKnownHostsFile=${knownHosts}"`;
    expect((await runOnce(sshd.target("root", { commonArgs }), { configFile: "none" }, "id -un")).exit).toBe(0);
  });

  test("cannot be added to a file that cannot be written", async () => {
    const extra = "UserKnownHostsFile /proc/known_hosts";
    const problem = await problemOf(whoami({ configFile: knowing("", extra).configFile, acceptNew: true }));
    expect(problem.message).toContain("cannot add the host key to /proc/known_hosts");
    rmSync(folder, { recursive: true });
  });
});
