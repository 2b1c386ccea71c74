import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { quote } from "../../src/text/shell.ts";
import { type BootOptions, bootScript } from "./boot.ts";
import { type Inetd, letGo, startInetd } from "./inetd.ts";
import { type Ended, run } from "./process.ts";

const SSH_PORT = 2222;
// Where sshd listens while a relay with a fault stands before it.
const BEHIND_RELAY = 2022;

/** How the way to a host behaves: as it should, or with one fault. Established sessions are cut when it changes. */
export type Link =
  | "up"
  /** Nothing listens: connection refused. */
  | "closed"
  /** Connections are accepted and never answered. */
  | "hangs"
  /** Every byte arrives this much later, each way. */
  | { readonly delayMs: number }
  /** The connection breaks when the host has sent so many bytes. */
  | { readonly dropAfterBytes: number }
  /** Nothing more arrives, in either direction, when the host has sent so many bytes; nobody is told. */
  | { readonly stallAfterBytes: number };

/** One host of the lab: a network, mount, PID and UTS namespace with a real sshd. */
export interface LabHost {
  readonly name: string;
  /** Where its sshd listens, in the machine's own network: 127.77.x.y. */
  readonly address: string;
  readonly port: number;
  /** `ssh-ed25519 AAAA…` */
  readonly hostKey: string;
  /** The host's first process, as the machine counts. */
  readonly pid: number;
  /** Where the far ends of its eth0 and lan0 are. */
  readonly links: BootOptions["links"];
  /** Runs a POSIX sh script on the host as root, past sshd. */
  exec(script: string, input?: string): Promise<Ended>;
  /** As `exec`, but gives the standard output and rejects when the script fails. */
  must(script: string, input?: string): Promise<string>;
  write(path: string, content: string): Promise<void>;
  read(path: string): Promise<string>;
  link(link: Link): Promise<void>;
  /** Ends every sshd session of the host, as a crash would: without a word to the client. */
  dropSessions(): Promise<void>;
  /** From now on the host is reached only from within another host, at the same address: that one is its bastion. */
  hideBehind(bastion: LabHost): Promise<void>;
  /** How many logins and how many remote executions sshd has counted so far. */
  sessions(): Promise<{ readonly logins: number; readonly executions: number }>;
  remove(): Promise<void>;
}

/** Boots one host and opens its address. */
export async function startHost(options: BootOptions, inetd: Inetd): Promise<LabHost> {
  const init = await boot(options);
  const enter = ["nsenter", "-t", String(init.pid), "-n", "-m", "-p", "-u", "--"];
  const sshd = {
    mode: "serve",
    argv: [...enter, "/usr/sbin/sshd", "-i", "-f", "/etc/ssh/lab_sshd_config", "-E", "/var/log/sshd"],
  } as const;
  const address = await openAddress(inetd, sshd.argv);
  const bastions: Inetd[] = [];

  const exec = (script: string, input?: string): Promise<Ended> =>
    run([...enter, "/bin/sh", "-c", script], { input: input ?? "", env: ENVIRONMENT });
  const must = async (script: string, input?: string): Promise<string> => {
    const { exit, stdout, stderr } = await exec(script, input);
    if (exit !== 0) throw new Error(`${options.name}: exit ${exit} of ${script}\n${stderr}`);
    return stdout;
  };
  const unlink = async (): Promise<void> => {
    await Promise.all([SSH_PORT, BEHIND_RELAY].map((port) => inetd.close(address, port)));
  };
  const link = async (wanted: Link): Promise<void> => {
    await unlink();
    if (wanted === "closed") return;
    if (wanted === "hangs") return inetd.listen(address, SSH_PORT, { mode: "hang" });
    if (wanted === "up") return inetd.listen(address, SSH_PORT, sshd);
    await inetd.listen(address, BEHIND_RELAY, sshd);
    await inetd.listen(address, SSH_PORT, { mode: "relay", target: BEHIND_RELAY, ...wanted });
  };

  return {
    name: options.name,
    address,
    port: SSH_PORT,
    hostKey: init.hostKey,
    pid: init.pid,
    links: options.links,
    exec,
    must,
    write: async (path, content) => {
      await must(`cat >${quote(path)}`, content);
    },
    read: (path) => must(`cat ${quote(path)}`),
    link,
    dropSessions: async () => {
      await must("for pid in $(ps -C sshd -o pid=); do kill -9 $pid || :; done 2>/dev/null");
    },
    hideBehind: async (bastion) => {
      await unlink();
      const inside = startInetd({ pid: bastion.pid });
      bastions.push(inside);
      await inside.listen(address, SSH_PORT, sshd);
    },
    sessions: async () => {
      const log = await must("cat /var/log/sshd 2>/dev/null || :");
      return {
        logins: log.match(/^Accepted (?!key)/gm)?.length ?? 0,
        executions: log.match(/^Starting session: /gm)?.length ?? 0,
      };
    },
    remove: async () => {
      await unlink();
      await Promise.all(bastions.map((bastion) => bastion.stop()));
      await init.stop();
    },
  };
}

const ENVIRONMENT = { LC_ALL: "C", HOME: "/root", PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };

interface Init {
  readonly pid: number;
  readonly hostKey: string;
  stop(): Promise<void>;
}

// Its standard input is its life line: it ends with this process, whatever ends this process.
function boot(options: BootOptions): Promise<Init> {
  const args = ["--net", "--mount", "--pid", "--uts", "--fork", "--kill-child", "/bin/sh", "-c", bootScript(options)];
  const child = spawn("unshare", args, { stdio: "pipe", env: ENVIRONMENT, detached: true });
  const ended = new Promise<void>((resolve) => child.on("exit", () => resolve()));
  const errors: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk.toString()));
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [word, pid, type, key] = line.split(" ");
      if (word !== "ready") return;
      letGo(child);
      const stop = (): Promise<void> => {
        child.ref();
        child.stdin.end();
        return ended;
      };
      resolve({ pid: Number(pid), hostKey: `${type} ${key}`, stop });
    });
    child.on("error", reject);
    child.on("close", () => reject(new Error(`the lab host ${options.name} did not start: ${errors.join("")}`)));
  });
}

// Any address of 127.77.0.0/16 that nobody uses on this machine will do.
async function openAddress(inetd: Inetd, argv: readonly string[]): Promise<string> {
  for (;;) {
    const address = `127.77.${Math.floor(Math.random() * 256)}.${1 + Math.floor(Math.random() * 254)}`;
    try {
      await inetd.listen(address, SSH_PORT, { mode: "serve", argv });
      return address;
    } catch (error) {
      if (!(error instanceof Error && error.message === "EADDRINUSE")) throw error;
    }
  }
}

/** Whether this machine can run the lab: Linux, root, and the programs of scripts/install-lab.sh. */
export function labIsPossible(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  return readFileSync("/proc/filesystems", "utf8").includes("\toverlay\n");
}
