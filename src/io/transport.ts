/** How to reach one gateway: what the inventory says, before `ssh_config` fills the gaps. */
export interface Target {
  /** The inventory's name, for messages. */
  readonly name: string;
  /** Host name, address or `Host` alias of ssh_config. */
  readonly address: string;
  /** Undefined: as ssh_config says, else 22. */
  readonly port?: number;
  /** Undefined: as ssh_config says, else the user who runs the program. */
  readonly user?: string;
  readonly connection: "ssh" | "local";
  readonly transport: "ssh2" | "openssh";
  /** Path of a private key; tried before any other identity. */
  readonly privateKey?: string;
  readonly password?: string;
  readonly become: boolean;
  readonly becomePassword?: string;
  /** Options as one types them after `ssh`, such as `-J bastion` or `-o ProxyJump=bastion` (ansible_ssh_common_args). */
  readonly commonArgs?: string;
}

/** What a connection may ask for and how long it may take. */
export interface ConnectOptions {
  /** Read instead of `~/.ssh/config` and `/etc/ssh/ssh_config`; `none` reads neither. */
  readonly configFile?: string;
  readonly timeoutMs: number;
  /** Adds the key of a host that is not in known_hosts yet; a changed key is refused all the same. */
  readonly acceptNew: boolean;
  readonly signal?: AbortSignal;
  /** Asks a person for a passphrase without echo; undefined when nobody answers. */
  readonly askSecret?: (question: string) => Promise<string | undefined>;
}

/** How one script is run. */
export interface RunOptions {
  /** What the script finds on its standard input, in whole lines; nothing when absent. */
  readonly input?: string;
  /** Runs as root by sudo, unless the login is root already. */
  readonly become: boolean;
  readonly timeoutMs: number;
  /** Each whole line of standard output as it arrives, without its newline. */
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** What a script left behind: its own exit status and exactly its own output, no login banner or shell start-up noise. */
export interface RunResult {
  readonly exit: number;
  readonly stdout: Buffer;
  /** Only the last part of a very long one. */
  readonly stderr: string;
}

/**
 * One login on one gateway. Runs POSIX sh scripts one after another. A run whose end was not seen rejects with a
 * `ConnectionProblem`: there is no unknown exit. A script is read whole before its first command runs, and goes on by
 * itself when the connection or the waiting ends.
 */
export interface Transport {
  run(script: string, options: RunOptions): Promise<RunResult>;
  close(): Promise<void>;
}

/** Logs in to a gateway by the transport that its target names; rejects with a `ConnectionProblem`. */
export async function connect(target: Target, options: ConnectOptions): Promise<Transport> {
  if (target.connection === "local") return (await import("./local.ts")).connectLocal(target);
  if (target.transport === "openssh") return (await import("./openssh.ts")).connectOpenssh(target, options);
  return (await import("./ssh2.ts")).connectSsh2(target, options);
}
