import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Target } from "../../src/io/transport.ts";
import { problemOf } from "./problem.ts";
import { runOnce } from "./run.ts";
import { canRunSshd, keygen, PASSWORD, type Sshd, startSshd } from "./sshd.ts";

describe.skipIf(!canRunSshd)("login", () => {
  let sshd: Sshd;
  let configFile: string;
  beforeAll(async () => {
    sshd = await startSshd({ config: `PasswordAuthentication yes\nKbdInteractiveAuthentication no\nMaxAuthTries 3` });
    configFile = sshd.configFile();
    for (const name of ["locked1", "locked2", "locked3", "locked4", "stranger"]) {
      keygen(join(sshd.folder, name), "ed25519", name.startsWith("locked") ? "open sesame" : "");
    }
  });
  afterAll(() => sshd?.stop());
  afterEach(() => {
    delete process.env["IPSEC_FIX_KEY_PASSPHRASE"];
  });

  const without = (user: string, more: Partial<Target> = {}): Target => {
    const { privateKey: _, ...target } = sshd.target(user, more);
    return target;
  };
  const options = (more: object = {}) => ({ configFile, ...more });
  const allow = (key: string) => {
    execFileSync("sh", ["-c", `cat '${join(sshd.folder, `${key}.pub`)}' >> '${join(sshd.folder, "client.pub")}'`]);
  };

  test("with a key sends no other attempt before it", async () => {
    expect((await runOnce(sshd.target("root"), options(), "id -un")).stdout.toString()).toBe("root\n");
    expect(sshd.log()).not.toContain("Failed none");
  });

  test("with a key that the host does not know names what was tried and what to do", async () => {
    const problem = await problemOf(runOnce(sshd.target("root", { privateKey: join(sshd.folder, "stranger") }), options(), "id"));
    expect(problem).toMatchObject({
      reason: "auth",
      message: `${sshd.address} port ${sshd.port} refused the login as root; tried: key ${sshd.folder}/stranger; the host takes: publickey, password`,
    });
    expect(problem.advice).toContain(`ssh-copy-id -p ${sshd.port} root@${sshd.address}`);
  });

  test("with a key file that is missing or no key", async () => {
    const missing = await problemOf(runOnce(sshd.target("root", { privateKey: "/nonexistent/key" }), options(), "id"));
    expect(missing.message).toBe("cannot read the private key /nonexistent/key: no such file");
    writeFileSync(join(sshd.folder, "junk"), "not a key\n");
    const junk = await problemOf(runOnce(sshd.target("root", { privateKey: join(sshd.folder, "junk") }), options(), "id"));
    expect(junk.message).toContain("cannot use the private key");
    execFileSync("openssl", ["genpkey", "-algorithm", "ed25519", "-out", join(sshd.folder, "pkcs8")], { stdio: "ignore" });
    const pkcs8 = await problemOf(runOnce(sshd.target("root", { privateKey: join(sshd.folder, "pkcs8") }), options(), "id"));
    expect(pkcs8.advice).toContain("ssh-keygen -p");
  });

  test("with an encrypted key asks once for all hosts, and again after a wrong answer", async () => {
    allow("locked1");
    const answers = ["wrong", "open sesame"];
    const asked: string[] = [];
    const askSecret = async (question: string) => {
      asked.push(question);
      return answers.shift();
    };
    const target = sshd.target("root", { privateKey: join(sshd.folder, "locked1") });
    const results = await Promise.all([1, 2].map(() => runOnce(target, options({ askSecret }), "id -un")));
    expect(results.map(({ exit }) => exit)).toEqual([0, 0]);
    expect(asked).toEqual(Array(2).fill(`Passphrase for ${sshd.folder}/locked1: `));
  });

  test("with an encrypted key takes the passphrase from the environment", async () => {
    allow("locked2");
    process.env["IPSEC_FIX_KEY_PASSPHRASE"] = "open sesame";
    const target = sshd.target("root", { privateKey: join(sshd.folder, "locked2") });
    expect((await runOnce(target, options(), "id -un")).exit).toBe(0);
  });

  test("with an encrypted key and nobody to ask is refused", async () => {
    const problem = await problemOf(runOnce(sshd.target("root", { privateKey: join(sshd.folder, "locked3") }), options(), "id"));
    expect([problem.reason, problem.message.includes("no key, agent or password")]).toEqual(["auth", true]);
  });

  test("with an agent, the named key first among more keys than the host allows attempts", async () => {
    const socket = join(sshd.folder, "agent");
    const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
    try {
      const env = { ...process.env, SSH_AUTH_SOCK: socket };
      await expect
        .poll(() => execFileSync("sh", ["-c", `test -S ${socket} && echo up || true`], { encoding: "utf8" }))
        .toBe("up\n");
      for (let n = 0; n < 5; n++) {
        keygen(join(sshd.folder, `extra${n}`), "ed25519");
        execFileSync("ssh-add", ["-q", join(sshd.folder, `extra${n}`)], { env, stdio: "ignore" });
      }
      allow("locked4");
      copyFileSync(join(sshd.folder, "locked4"), join(sshd.folder, "plain4"));
      execFileSync("ssh-keygen", ["-q", "-p", "-P", "open sesame", "-N", "", "-f", join(sshd.folder, "plain4")], {
        stdio: "ignore",
      });
      execFileSync("ssh-add", ["-q", join(sshd.folder, "plain4")], { env, stdio: "ignore" });
      const withAgent = sshd.configFile(`IdentityAgent ${socket}`);
      const target = sshd.target("root", { privateKey: join(sshd.folder, "locked4") });
      expect((await runOnce(target, { configFile: withAgent }, "id -un")).exit).toBe(0);
      const only = sshd.configFile(`IdentityAgent ${socket}\nIdentitiesOnly yes\nIdentityFile ${join(sshd.folder, "stranger")}`);
      const problem = await problemOf(runOnce(without("root"), { configFile: only }, "id"));
      expect(problem.message).toContain(`tried: key ${sshd.folder}/stranger, agent ${socket}`);
      expect(problem.message).not.toContain("too many");
    } finally {
      agent.kill();
    }
  });

  test("with an agent that is gone goes on with what else there is", async () => {
    const gone = sshd.configFile("IdentityAgent /nonexistent/agent");
    expect((await runOnce(without("withpassword", { password: PASSWORD }), { configFile: gone }, "id -un")).exit).toBe(0);
    expect((await problemOf(runOnce(without("withpassword"), { configFile: gone }, "id"))).reason).toBe("auth");
  });

  test("with a password, and a wrong one only once", async () => {
    const right = await runOnce(without("withpassword", { password: PASSWORD }), options(), "id -un");
    expect(right.stdout.toString()).toBe("withpassword\n");
    const before = sshd.log().match(/Failed password/g)?.length ?? 0;
    const problem = await problemOf(runOnce(without("withpassword", { password: "wrong" }), options(), "id"));
    expect([problem.reason, problem.message.includes("wrong")]).toEqual(["auth", false]);
    expect((sshd.log().match(/Failed password/g)?.length ?? 0) - before).toBe(1);
  });

  test("with a password by keyboard-interactive through PAM", async () => {
    const pam = await startSshd({
      config: "UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes",
      prepare: "sed -i '/pam_loginuid/d; /pam_selinux/d; /pam_motd/d; /pam_mail/d' /etc/pam.d/sshd",
    });
    try {
      const { privateKey: _key, ...target } = pam.target("withpassword", { password: PASSWORD });
      const result = await runOnce(target, { configFile: pam.configFile() }, "id -un");
      expect(result.stdout.toString()).toBe("withpassword\n");
      const problem = await problemOf(runOnce({ ...target, password: "wrong" }, { configFile: pam.configFile() }, "id"));
      expect(problem.reason).toBe("auth");
    } finally {
      await pam.stop();
    }
  });

  test("with a key and a password where the host wants both", async () => {
    const both = await startSshd({ config: "AuthenticationMethods publickey,password\nPasswordAuthentication yes" });
    try {
      const target = both.target("withpassword", { password: PASSWORD });
      expect((await runOnce(target, { configFile: both.configFile() }, "id -un")).exit).toBe(0);
    } finally {
      await both.stop();
    }
  });
});
