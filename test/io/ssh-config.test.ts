import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readSshArguments, splitWords } from "../../src/io/ssh-arguments.ts";
import { resolveSshSettings } from "../../src/io/ssh-config.ts";
import { problemOf } from "./problem.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ipsec-fix-config-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(text: string): string {
  const path = join(folder, `config.${++files}`);
  writeFileSync(path, text);
  return path;
}
const resolve = (configFile: string, host: string, settings: Record<string, string[]> = {}) =>
  resolveSshSettings({ host, settings: new Map(Object.entries(settings)), configFile });

describe("ssh_config", () => {
  // NESTED stands for the path of an included file.
  const nested = "Host gw-*\n  User nested\nHost *\n  ConnectTimeout 7\n";
  const cases: readonly (readonly [name: string, text: string, host: string])[] = [
    ["nothing", "", "gw1.example.net"],
    ["first value wins", "Host gw1\n  User one\n  Port 2201\nHost gw*\n  User two\n  HostName %h.example.net\n", "gw1"],
    ["options above any Host", "User everyone\nHost gw1\n  User one\n", "gw1"],
    ["negation and several patterns", "Host gw* !gw2 other\n  User a\nHost *\n  User b\n", "gw2"],
    ["equals signs, quotes and case", 'host gw1\n\thostname="10.0.0.7"\n  PORT = 2222\n  uSeR "admin"\n', "gw1"],
    ["comments and blank lines", "# c\n\nHost gw1 # trailing\n  # inside\n  User x\n\n  Port 99\n", "gw1"],
    [
      "identity files add up",
      "Host gw1\n  IdentityFile ~/.ssh/a\n  IdentityFile /k/%r@%n-%h:%p\nHost *\n  IdentityFile /k/%%b\n  User me\n",
      "gw1",
    ],
    ["jump hosts", "Host gw1\n  ProxyJump a@b:22,c\n", "gw1"],
    ["no jump host", "Host gw1\n  ProxyJump none\nHost *\n  ProxyJump b\n", "gw1"],
    ["known_hosts files", "UserKnownHostsFile /a /b ~/c\nGlobalKnownHostsFile /g\n", "gw1"],
    ["checking and times", "StrictHostKeyChecking accept-new\nConnectTimeout 1m30s\nServerAliveInterval 15\n", "gw1"],
    ["checking off", "StrictHostKeyChecking off\n", "gw1"],
    ["an included file", `Include NESTED\nHost *\n  User outer\n`, "gw-1"],
    ["an include in a block that applies", `Host gw-1\n  Include NESTED\n  Port 5\n`, "gw-1"],
    ["an include in a block that does not", `Host other\n  Include NESTED\n`, "gw-1"],
    ["a missing include", "Include /nonexistent/*.conf\nUser x\n", "gw1"],
    [
      "match by host and user",
      "Host gw1\n  HostName real.example.net\nMatch host real.* user root\n  Port 11\nMatch host real.*\n  Port 12\n",
      "gw1",
    ],
    ["match all and originalhost", "Match originalhost gw1\n  User o\nMatch all\n  Port 13\n", "gw1"],
    ["match negated", "Match !host gw2\n  Port 14\n", "gw1"],
    ["alias for the host key", "HostKeyAlias the-gw\nIdentitiesOnly yes\n", "gw1"],
    ["upper case name", "Host GW1\n  User upper\n", "gw1"],
    ["upper case host", "Host gw1\n  Port 1\nHost GW1\n  Port 2\nMatch host gw1 originalhost gw1\n  User m\n", "GW1"],
    ["upper case HostName", "HostName GW1.Example.NET\n", "gw1"],
    ["backslashes", 'User "DOMAIN\\\\user"\nMatch user DOMAIN\\user\n  Port 4\n', "gw1"],
    ["a command before a jump", "Host gw1\n  ProxyCommand none\nHost *\n  ProxyJump b\n", "gw1"],
    ["a jump before a command", "Host gw1\n  ProxyJump none\nHost *\n  ProxyCommand nc %h %p\n", "gw1"],
  ];

  test.skipIf(!existsSync("/usr/bin/ssh")).each(cases)("%s: as ssh -G reads it", async (_, text, host) => {
    const configFile = file(text.replace("NESTED", file(nested)));
    const ours = await resolve(configFile, host);
    const lines = execFileSync("ssh", ["-T", "-G", "-F", configFile, host], { encoding: "utf8" }).trim().split("\n");
    const all = (keyword: string) =>
      lines.filter((line) => line.startsWith(`${keyword} `)).map((line) => line.slice(keyword.length + 1));
    const home = (path: string) => path.replace(/^~/, homedir());
    const [identities] = [all("identityfile").map(home)];
    expect({
      hostName: ours.hostName,
      port: String(ours.port),
      user: ours.user,
      jump: ours.proxyJump,
      alias: ours.hostKeyAlias,
      timeout: String((ours.connectTimeoutMs ?? 0) / 1000),
      alive: String((ours.serverAliveIntervalMs ?? 0) / 1000),
      checking: ours.strictHostKeyChecking,
      only: ours.identitiesOnly ? "yes" : "no",
      userFiles: ours.userKnownHostsFiles.join(" "),
      globalFiles: ours.globalKnownHostsFiles.join(" "),
    }).toEqual({
      hostName: all("hostname")[0],
      port: all("port")[0],
      user: all("user")[0],
      jump: all("proxyjump")[0],
      alias: all("hostkeyalias")[0],
      timeout: (all("connecttimeout")[0] ?? "none").replace("none", "0"),
      alive: all("serveraliveinterval")[0],
      checking: { accept: "accept-new", "accept-new": "accept-new", false: "no", ask: "ask" }[
        all("stricthostkeychecking")[0] ?? ""
      ],
      only: all("identitiesonly")[0],
      userFiles: all("userknownhostsfile")[0]?.split(" ").map(home).join(" "),
      globalFiles: all("globalknownhostsfile")[0],
    });
    if (/IdentityFile/.test(text)) {
      const tokens: Record<string, string> = { r: ours.user, n: host, h: ours.hostName, p: String(ours.port), "%": "%" };
      expect(ours.identityFiles).toEqual(
        identities?.map((path) => path.replace(/%(.)/g, (_all, letter: string) => tokens[letter] ?? "")),
      );
    } else expect(ours.identityFiles).toEqual([]);
  });

  test("stands behind the inventory", async () => {
    const configFile = file("Host gw1\n  User config\n  Port 1\n  IdentityFile /config\n");
    const settings = await resolve(configFile, "gw1", { user: ["inventory"], port: ["2"], identityfile: ["/inventory"] });
    expect(settings).toMatchObject({ user: "inventory", port: 2, identityFiles: ["/inventory", "/config"] });
  });

  test("includes by wildcard, in order, without hidden files", async () => {
    const sub = join(folder, "conf.d");
    mkdirSync(sub);
    writeFileSync(join(sub, "20-b.conf"), "User second\nPort 20\n");
    writeFileSync(join(sub, "10-a.conf"), "User first\n");
    writeFileSync(join(sub, ".hidden.conf"), "User hidden\n");
    expect(await resolve(file(`Include ${sub}/*.conf\n`), "gw1")).toMatchObject({ user: "first", port: 20 });
  });

  describe("agent", () => {
    const before = process.env["SSH_AUTH_SOCK"];
    afterEach(() => {
      if (before === undefined) delete process.env["SSH_AUTH_SOCK"];
      else process.env["SSH_AUTH_SOCK"] = before;
    });

    test("comes from the configuration, else from the environment", async () => {
      process.env["SSH_AUTH_SOCK"] = "/env/agent";
      const agentOf = async (text: string) => (await resolve(file(text), "gw1")).identityAgent;
      expect(await agentOf("")).toBe("/env/agent");
      expect(await agentOf("IdentityAgent none")).toBeUndefined();
      expect(await agentOf("IdentityAgent SSH_AUTH_SOCK")).toBe("/env/agent");
      expect(await agentOf("IdentityAgent $SSH_AUTH_SOCK")).toBe("/env/agent");
      expect(await agentOf('IdentityAgent "~/Group Containers/agent.sock"')).toBe(join(homedir(), "Group Containers/agent.sock"));
      expect(await agentOf("IdentityAgent /run/%u/$" + "{SSH_AUTH_SOCK}")).toBe(`/run/${userInfo().username}//env/agent`);
    });
  });

  test("never runs a command that stands in it", async () => {
    const trace = join(folder, "ran");
    await resolve(file(`Match exec "touch ${trace}"\n  User x\nCanonicalizeHostname yes\nCanonicalDomains example.net\n`), "gw1");
    expect(existsSync(trace)).toBe(false);
  });

  test("that cannot be used is a problem in words", async () => {
    expect((await problemOf(resolve("/nonexistent/config", "gw1"))).message).toBe(
      "cannot read the ssh configuration /nonexistent/config",
    );
    expect((await problemOf(resolve(file('Host "gw1\n'), "gw1"))).reason).toBe("configuration");
    expect((await problemOf(resolve(file("Port 99999\n"), "gw1"))).message).toBe('the port "99999" is no port');
    const loop = join(folder, "loop");
    writeFileSync(loop, `Include ${loop}\n`);
    expect((await problemOf(resolve(loop, "gw1"))).message).toContain("too many levels of Include");
    await resolve("none", "gw1");
  });
});

describe("ssh arguments of the inventory", () => {
  const settingsOf = (text: string) => Object.fromEntries(readSshArguments(text).settings);

  test("are understood as ssh would", () => {
    expect(
      settingsOf("-o ProxyJump=b -oPort=22 -o 'User = x' -p 5 -i '/my key' -J c -o \"UserKnownHostsFile /dev/null\" -C -q -vv"),
    ).toEqual({
      proxyjump: ["b", "c"],
      port: ["22", "5"],
      user: ["x"],
      identityfile: ["/my key"],
      userknownhostsfile: ["/dev/null"],
    });
    expect(readSshArguments("-F /x -o IdentityFile=a -o IdentityFile=b")).toEqual({
      configFile: "/x",
      settings: new Map([["identityfile", ["a", "b"]]]),
    });
    expect(settingsOf("")).toEqual({});
  });

  test("that the transport cannot honour are a problem", async () => {
    for (const text of ["-L 1:2:3", "-W x", "host", "-o", "-o Port", "-o =x"]) {
      expect((await problemOf(Promise.resolve().then(() => readSshArguments(text)))).reason).toBe("configuration");
    }
  });

  test("are split into words without expanding anything", () => {
    expect(splitWords(`a 'b c' "d \\" \\$x" e\\ f g"h"'i' '' $(id) "" `)).toEqual([
      "a",
      "b c",
      'd " $x',
      "e f",
      "ghi",
      "",
      "$(id)",
      "",
    ]);
  });
});
