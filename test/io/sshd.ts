import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Target } from "../../src/io/transport.ts";

/** Whether this machine can run an sshd of its own: root, sshd, sudo and mount namespaces. */
export const canRunSshd = process.getuid?.() === 0 && existsSync("/usr/sbin/sshd") && existsSync("/usr/bin/sudo") && canUnshare();

/** A real sshd with its own /etc, users and process tree; everything ends with `stop`. */
export interface Sshd {
  readonly address: string;
  readonly port: number;
  /** Private key that every user of this sshd accepts. */
  readonly clientKey: string;
  /** The folder of keys, configuration and scratch files. */
  readonly folder: string;
  /** Path of the public host key of a type. */
  readonly hostKey: (type: HostKeyType) => string;
  /** A known_hosts line for this sshd. */
  readonly knownHostsLine: (type: HostKeyType) => string;
  /** An ssh_config file for this sshd with its known_hosts. */
  readonly configFile: (extra?: string) => string;
  readonly target: (user: string, more?: Partial<Target>) => Target;
  readonly log: () => string;
  readonly stop: () => Promise<void>;
}

export type HostKeyType = "ed25519" | "ecdsa" | "rsa";

/** The password of every test user. */
export const PASSWORD = "p4ss w'ord$(id)\"";

export interface SshdOptions {
  readonly config?: string;
  readonly hostKeyTypes?: readonly HostKeyType[];
  /** More sudoers lines, and shell lines that change the private /etc before sshd starts. */
  readonly sudoers?: string;
  readonly prepare?: string;
}

let counter = 0;

export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), "ipsec-fix-sshd-"));
  chmodSync(folder, 0o755);
  const address = `127.66.${1 + (process.pid % 250)}.${++counter}`;
  const port = await freePort(address);
  const types = options.hostKeyTypes ?? ["ed25519"];
  for (const type of types) keygen(join(folder, `host_${type}`), type);
  keygen(join(folder, "client"), "ed25519");
  for (const name of ["upper", "work", "home"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "setup.sh"), setupScript(folder, options));
  writeFileSync(join(folder, "sshd_config"), sshdConfig({ folder, address, port, types, extra: options.config ?? "" }));

  const child = spawn(
    "unshare",
    ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "sh", join(folder, "setup.sh")],
    {
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const log = () => readFileSync(join(folder, "log"), "utf8");
  await Promise.race([answering(address, port), exited.then(() => Promise.reject(new Error("sshd ended")))]);
  const hostKey = (type: HostKeyType) => join(folder, `host_${type}.pub`);
  const knownHostsLine = (type: HostKeyType) => `[${address}]:${port} ${readFileSync(hostKey(type), "utf8").trim()}`;
  writeFileSync(join(folder, "known_hosts"), types.map((type) => `${knownHostsLine(type)}\n`).join(""));
  return {
    address,
    port,
    clientKey: join(folder, "client"),
    folder,
    hostKey,
    knownHostsLine,
    configFile: (extra = "") => {
      const file = join(folder, `ssh_config.${++counter}`);
      writeFileSync(
        file,
        `${extra}\nHost *\n  IdentityAgent none\n  UserKnownHostsFile ${join(folder, "known_hosts")}\n  GlobalKnownHostsFile none\n`,
      );
      return file;
    },
    target: (user, more) => ({
      name: "gw-test",
      address,
      port,
      user,
      connection: "ssh",
      transport: "ssh2",
      privateKey: join(folder, "client"),
      become: false,
      ...more,
    }),
    log,
    stop: async () => {
      child.kill("SIGKILL");
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Makes an unencrypted key, or one with a passphrase. */
export function keygen(path: string, type: HostKeyType, passphrase = ""): void {
  execFileSync("ssh-keygen", [
    "-q",
    "-t",
    type,
    ...(type === "rsa" ? ["-b", "2048"] : []),
    "-N",
    passphrase,
    "-C",
    "test",
    "-f",
    path,
  ]);
}

function canUnshare(): boolean {
  try {
    execFileSync("unshare", ["--mount", "--pid", "--fork", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function sshdConfig(parts: { folder: string; address: string; port: number; types: readonly string[]; extra: string }): string {
  return `ListenAddress ${parts.address}
Port ${parts.port}
${parts.types.map((type) => `HostKey ${join(parts.folder, `host_${type}`)}`).join("\n")}
PidFile none
StrictModes no
PermitRootLogin yes
AuthorizedKeysFile ${join(parts.folder, "client.pub")}
LogLevel VERBOSE
PrintMotd no
${parts.extra}
${/^UsePAM/m.test(parts.extra) ? "" : "UsePAM no"}
`;
}

// The users exist in this mount namespace alone: /etc is an overlay, /home and /run are its own.
function setupScript(folder: string, options: SshdOptions): string {
  return `set -e
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t overlay overlay -o lowerdir=/etc,upperdir='${folder}/upper',workdir='${folder}/work' /etc
mount --bind '${folder}/home' /home
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd
hash=$(openssl passwd -6 -stdin <<'EOF2'
${PASSWORD}
EOF2
)
sed -i 's#^root:.*#root:x:0:0::/home:/bin/sh#' /etc/passwd
n=5000
for user in withpassword nopassword nosudo noisy busybox strict locked; do
  n=$((n + 1))
  shell=/bin/bash
  case $user in busybox) shell=/home/ash ;; strict) shell=/home/strict.sh ;; locked) shell=/usr/sbin/nologin ;; esac
  echo "$user:x:$n:$n::/home/$user:$shell" >>/etc/passwd
  echo "$user:$hash:19000:0:99999:7:::" >>/etc/shadow
  echo "$user:x:$n:" >>/etc/group
  mkdir "/home/$user"; chown "$n:$n" "/home/$user"
done
echo 'echo "noise on stdout $RANDOM"; echo "noise on stderr" >&2; printf "half a line"' >/home/noisy/.bashrc
printf '#!/bin/busybox ash\\nexec /bin/busybox ash "$@"\\n' >/home/ash; chmod 755 /home/ash
printf '#!/bin/sh\\nexec /bin/bash -O failglob "$@"\\n' >/home/strict.sh; chmod 755 /home/strict.sh
cat >/etc/sudoers.d/test <<'EOF2'
Defaults lecture=always
withpassword ALL=(ALL) ALL
strict ALL=(ALL) ALL
nopassword ALL=(ALL) NOPASSWD: ALL
busybox ALL=(ALL) NOPASSWD: ALL
noisy ALL=(ALL) NOPASSWD: ALL
${options.sudoers ?? ""}
EOF2
chmod 440 /etc/sudoers.d/test
${options.prepare ?? ""}
exec /usr/sbin/sshd -D -e -f '${folder}/sshd_config' 2>'${folder}/log'
`;
}

async function freePort(address: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const bound = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (bound === null || typeof bound === "string") throw new Error("no port");
  return bound.port;
}

async function answering(address: string, port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, address, () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("sshd does not answer");
}
