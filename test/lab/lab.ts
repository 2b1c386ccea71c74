import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BootOptions } from "./boot.ts";
import { GATEWAY_FILES } from "./gateway.ts";
import { type LabHost, startHost } from "./host.ts";
import { startInetd } from "./inetd.ts";
import { startNamespace } from "./namespace.ts";
import { run } from "./process.ts";

/** How one host of a lab shall be; everything has a default. */
export interface HostOptions extends Partial<Omit<BootOptions, "publicKey" | "links">> {
  /** Who the inventory and the ssh_config log in as. */
  readonly user?: "root" | "admin";
  /** More variables of the host in the inventory. */
  readonly vars?: Readonly<Record<string, string | number | boolean>>;
}

/** Hosts on this machine, and the files with which any ssh or ipsec-fix reaches them. */
export interface Lab extends AsyncDisposable {
  readonly hosts: readonly LabHost[];
  /** The host of this name; throws when there is none. */
  host(name: string): LabHost;
  /** A folder of the lab's own, gone after `stop`. */
  readonly directory: string;
  /** An inventory of all hosts in the group `gateways`. */
  readonly inventoryPath: string;
  readonly sshConfigPath: string;
  readonly knownHostsPath: string;
  readonly identityPath: string;
  stop(): Promise<void>;
}

// More at once only wait for the processors.
const BOOTS_AT_ONCE = 8;

/** Starts a lab of `hosts` equal gateways, or of one gateway for each given options; `gw1`, `gw2` … unless they are named. */
export async function startLab({ hosts }: { readonly hosts: number | readonly HostOptions[] }): Promise<Lab> {
  const wanted: readonly HostOptions[] = typeof hosts === "number" ? Array.from({ length: hosts }, () => ({})) : hosts;
  const directory = mkdtempSync(join(tmpdir(), "ipsec-fix-lab-"));
  const removeDirectory = (): void => rmSync(directory, { recursive: true, force: true });
  process.on("exit", removeDirectory);
  const identityPath = join(directory, "id_ed25519");
  await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", identityPath]);
  const publicKey = readFileSync(`${identityPath}.pub`, "utf8");

  const inetd = startInetd();
  const wire = await startNamespace();
  const started: LabHost[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((host) => host.remove()));
    await Promise.all([inetd.stop(), wire.stop()]);
    removeDirectory();
    process.off("exit", removeDirectory);
  };
  const queue = wanted.map((options, index) => ({ options, index }));
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      started[next.index] = await startHost(bootOptions(next.options, next.index, { publicKey, wire: wire.pid }), inetd);
    }
  };
  const failed = (await Promise.allSettled(Array.from({ length: BOOTS_AT_ONCE }, worker))).find(
    ({ status }) => status === "rejected",
  );
  if (failed?.status === "rejected") {
    await stop();
    throw failed.reason;
  }

  const files = {
    inventoryPath: join(directory, "inventory", "hosts.yml"),
    sshConfigPath: join(directory, "ssh_config"),
    knownHostsPath: join(directory, "known_hosts"),
    identityPath,
  };
  mkdirSync(join(directory, "inventory"));
  writeFileSync(files.knownHostsPath, started.map((host) => `[${host.address}]:${host.port} ${host.hostKey}\n`).join(""));
  writeFileSync(files.sshConfigPath, started.map((host, index) => sshConfig(host, wanted[index] ?? {}, files)).join("\n"));
  writeFileSync(files.inventoryPath, inventory(started, wanted, identityPath));
  return {
    hosts: started,
    host: (name) => {
      const found = started.find((host) => host.name === name);
      if (found === undefined) throw new Error(`no host ${name} in the lab`);
      return found;
    },
    directory,
    ...files,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function bootOptions(
  options: HostOptions,
  index: number,
  { publicKey, wire }: { readonly publicKey: string; readonly wire: number },
): BootOptions {
  return {
    name: options.name ?? `gw${index + 1}`,
    sudo: options.sudo ?? "nopasswd",
    publicKey,
    links: { wire, wan: `wan${index + 1}`, lan: `lan${index + 1}` },
    sshd: options.sshd ?? "",
    files: { ...GATEWAY_FILES, ...options.files },
  };
}

// The key exchange spares the client 80 ms of processor time a login; nothing here needs a post-quantum one.
function sshConfig(
  host: LabHost,
  { user = "root" }: HostOptions,
  files: { readonly knownHostsPath: string; readonly identityPath: string },
): string {
  return `Host ${host.name} ${host.address}
  HostName ${host.address}
  Port ${host.port}
  User ${user}
  IdentityFile ${files.identityPath}
  IdentitiesOnly yes
  UserKnownHostsFile ${files.knownHostsPath}
  StrictHostKeyChecking yes
  KexAlgorithms curve25519-sha256
`;
}

function inventory(hosts: readonly LabHost[], options: readonly HostOptions[], identityPath: string): string {
  const entries = hosts.map((host, index) => {
    const { user = "root", vars = {} } = options[index] ?? {};
    const all = {
      ansible_host: host.address,
      ansible_port: host.port,
      ansible_user: user,
      ansible_ssh_private_key_file: identityPath,
      ...vars,
    };
    const lines = Object.entries(all).map(([key, value]) => `          ${key}: ${JSON.stringify(value)}\n`);
    return `        ${host.name}:\n${lines.join("")}`;
  });
  return `all:\n  children:\n    gateways:\n      hosts:\n${entries.join("")}`;
}
