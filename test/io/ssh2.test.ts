import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConnectOptions, connect, type RunOptions, type Target } from "../../src/io/transport.ts";
import { problemOf } from "./problem.ts";
import { canRunSshd, type Sshd, startSshd } from "./sshd.ts";

const plain: RunOptions = { become: false, timeoutMs: 10_000 };

describe.skipIf(!canRunSshd)("ssh2", () => {
  let sshd: Sshd;
  let configFile: string;
  beforeAll(async () => {
    sshd = await startSshd({ config: "Banner /etc/os-release" });
    configFile = sshd.configFile("ServerAliveInterval 1");
  });
  afterAll(() => sshd?.stop());

  const optionsOf = (more: Partial<ConnectOptions> = {}): ConnectOptions => ({
    configFile,
    timeoutMs: 5000,
    acceptNew: false,
    ...more,
  });

  async function run(target: Target, script: string, more: Partial<RunOptions> = {}, options: Partial<ConnectOptions> = {}) {
    const transport = await connect(target, optionsOf(options));
    try {
      return await transport.run(script, { ...plain, ...more });
    } finally {
      await transport.close();
    }
  }

  describe("a script", () => {
    test("returns exit status and both outputs byte by byte", async () => {
      const result = await run(sshd.target("root"), "id -u; printf '\\377x'; echo oops >&2; exit 3");
      expect(result).toMatchObject({ exit: 3, stderr: "oops\n" });
      expect(result.stdout.toString("latin1")).toBe("0\n\u00ffx");
    });

    test("follows another on one connection, and lines arrive while it runs", async () => {
      const transport = await connect(sshd.target("root"), optionsOf());
      const lines: string[] = [];
      expect((await transport.run("echo one", { ...plain, onLine: (line) => lines.push(line) })).exit).toBe(0);
      expect((await transport.run("cat; exit 2", { ...plain, input: "two" })).stdout.toString()).toBe("two\n");
      expect(lines).toEqual(["one"]);
      await transport.close();
      expect((await problemOf(transport.run("true", plain))).reason).toBe("lost");
    });

    test("may be long, and print 5 MB on standard error", async () => {
      const script = `${"# a long line of comment to fill the window of the channel\n".repeat(60_000)}
head -c 5000000 /dev/zero | tr '\\0' x >&2; echo end >&2; echo fine`;
      const result = await run(sshd.target("root"), script);
      expect([result.exit, result.stdout.toString(), result.stderr.endsWith("xend\n")]).toEqual([0, "fine\n", true]);
    });

    test.each(["noisy", "busybox", "strict", "nopassword"])(
      "runs cleanly for %s, whatever its shell prints at start",
      async (user) => {
        const result = await run(sshd.target(user), "echo 'a  b' \"$0\"; echo err >&2; exit 5");
        expect(result).toMatchObject({ exit: 5, stderr: "err\n" });
        expect(result.stdout.toString()).toBe("a  b /bin/sh\n");
      },
    );

    test("is not waited for when a process that it left behind holds the output", async () => {
      const start = performance.now();
      expect((await run(sshd.target("root"), "sleep 8 & echo done")).stdout.toString()).toBe("done\n");
      expect(performance.now() - start).toBeLessThan(5000);
    });

    test("may follow one that was given up, or that left a process behind", async () => {
      const transport = await connect(sshd.target("root"), optionsOf());
      expect((await problemOf(transport.run("sleep 8", { ...plain, timeoutMs: 200 }))).reason).toBe("timeout");
      expect((await transport.run("sleep 8 & echo one", plain)).stdout.toString()).toBe("one\n");
      const both = await Promise.all([transport.run("echo two", plain), transport.run("echo three", plain)]);
      expect(both.map(({ stdout }) => stdout.toString())).toEqual(["two\n", "three\n"]);
      await transport.close();
    });

    test("for an account without a shell is a problem in the host's words", async () => {
      const problem = await problemOf(run(sshd.target("locked"), "true"));
      expect([problem.reason, problem.message]).toEqual([
        "garbage",
        "gw-test did not run the script (exit 1); it said: This account is currently not available.",
      ]);
    });
  });

  describe("a broken connection", () => {
    // The parent of the login shell is sshd's process of this very session.
    const session = 'set -- $(ps -o ppid= -p $$); [ "$(ps -o comm= -p $1)" = sshd ] || set -- $(ps -o ppid= -p $1);';

    test("in the middle of a script is lost, never a success", async () => {
      const problem = await problemOf(run(sshd.target("root"), `${session} echo out; kill -9 $1; sleep 5`));
      expect([problem.reason, problem.message]).toEqual(["lost", "lost the connection to gw-test: the other side closed it"]);
      expect(problem.message).not.toContain("\n");
    });

    test("with a peer that freezes ends by keepalive", async () => {
      const start = performance.now();
      const problem = await problemOf(run(sshd.target("root"), `${session} kill -STOP $1; sleep 20`, { timeoutMs: 30_000 }));
      expect([problem.reason, problem.message]).toEqual(["lost", "lost the connection to gw-test: it does not answer any more"]);
      expect(performance.now() - start).toBeLessThan(10_000);
    });

    test("by the shell's death is a problem too", async () => {
      expect((await problemOf(run(sshd.target("root"), "kill -TERM $$; sleep 1"))).message).toBe(
        "the script on gw-test ended before its last line, by SIGTERM",
      );
    });

    test("by time or by the operator says which", async () => {
      const slow = await problemOf(run(sshd.target("root"), "sleep 9", { timeoutMs: 300 }));
      expect([slow.reason, slow.message]).toEqual(["timeout", "the script on gw-test has not ended after 0.3 s"]);
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 300);
      expect((await problemOf(run(sshd.target("root"), "sleep 9", { signal: stop.signal }))).reason).toBe("aborted");
      expect((await problemOf(connect(sshd.target("root"), optionsOf({ signal: stop.signal })))).reason).toBe("aborted");
    });
  });

  describe("no connection", () => {
    const listening = async (answer: string | undefined, use: (port: number) => Promise<void>) => {
      const server = createServer((socket) => {
        socket.on("error", () => {});
        if (answer === undefined) return;
        if (answer === "") socket.destroy();
        else socket.write(answer);
      });
      await new Promise<void>((resolve) => server.listen(0, sshd.address, resolve));
      const bound = server.address();
      try {
        if (bound !== null && typeof bound === "object") await use(bound.port);
      } finally {
        server.close();
      }
    };

    test("to a closed port", async () => {
      const problem = await problemOf(connect(sshd.target("root", { port: 1 }), optionsOf()));
      expect(problem).toMatchObject({
        reason: "unreachable",
        message: `cannot reach ${sshd.address} port 1: connection refused`,
        advice: `check address, port and firewall, then try: ssh -p 1 root@${sshd.address}`,
      });
    });

    test("to a name that nobody knows", async () => {
      expect((await problemOf(connect(sshd.target("root", { address: "gw.invalid" }), optionsOf()))).reason).toBe("unreachable");
    });

    test("to something that says nothing, hangs up, or is no SSH", async () => {
      const attempt = (port: number, timeoutMs: number) =>
        problemOf(connect(sshd.target("root", { port }), optionsOf({ timeoutMs })));
      await listening(undefined, async (port) => expect((await attempt(port, 300)).reason).toBe("timeout"));
      await listening("", async (port) => expect((await attempt(port, 3000)).reason).toBe("unreachable"));
      await listening("220 mail.example.net ESMTP\r\n", async (port) =>
        expect((await attempt(port, 500)).reason).toBe("timeout"),
      );
      await listening("SSH-2.0-x\r\n\u0000\u0000\u0000\u0001garbage garbage garbage", async (port) =>
        expect((await attempt(port, 3000)).reason).toBe("garbage"),
      );
    });

    test("with names that could be options or shell code", async () => {
      for (const address of ["-oProxyCommand=touch /tmp/x", "$(reboot)", "a b", "host\nname", "h;id", ""]) {
        expect((await problemOf(connect(sshd.target("root", { address }), optionsOf()))).reason).toBe("configuration");
      }
      expect((await problemOf(connect(sshd.target("-oX"), optionsOf()))).reason).toBe("configuration");
      expect((await problemOf(connect(sshd.target("no$uch'user"), optionsOf()))).reason).toBe("configuration");
    });
  });

  test("speaks only sound algorithms, and says so where a host has none of them", async () => {
    const old = await startSshd({ config: "KexAlgorithms diffie-hellman-group14-sha1" });
    try {
      const problem = await problemOf(connect(old.target("root"), optionsOf({ configFile: old.configFile() })));
      expect(problem.message).toContain("have no key exchange algorithm in common");
      expect(problem.advice).toContain("openssh");
    } finally {
      await old.stop();
    }
  });

  test.each([
    "KexAlgorithms ecdh-sha2-nistp256\nCiphers aes256-gcm@openssh.com",
    "KexAlgorithms ecdh-sha2-nistp384\nCiphers aes256-ctr",
  ])("connects to a host restricted to %s", async (config) => {
    const strict = await startSshd({ config, hostKeyTypes: ["ecdsa"] });
    try {
      expect((await run(strict.target("root"), "echo hi", {}, { configFile: strict.configFile() })).stdout.toString()).toBe(
        "hi\n",
      );
    } finally {
      await strict.stop();
    }
  });
});
