import type { Duplex } from "node:stream";
import type { ConnectionProblem } from "./connection-problem.ts";
import { systemWords } from "./connection-problem.ts";
import type { HostKeys } from "./host-keys.ts";
import type { Attempt } from "./identities.ts";
import { Patience } from "./patience.ts";
import type { SshSettings } from "./ssh-config.ts";
import { abortedProblem, closedProblem, expiredProblem, handshakeProblem, refusedProblem, slowProblem } from "./ssh-problems.ts";
import { type AnyAuthMethod, type Client, type ConnectConfig, newClient } from "./ssh2-library.ts";
import type { ConnectOptions } from "./transport.ts";

/** One login: on which host, with what, over which stream. */
export interface Login {
  readonly settings: SshSettings;
  readonly hostKeys: HostKeys;
  readonly attempts: readonly Attempt[];
  readonly socket: Duplex;
  readonly options: ConnectOptions;
}

/** Handshake, host key, authentication: resolves with a connection that is ready for commands. */
export function login({ settings, hostKeys, attempts, socket, options }: Login): Promise<Client> {
  return new Promise((resolve, reject) => {
    const client = newClient();
    let settled = false;
    const settle = (finish: () => void) => {
      if (settled) return;
      settled = true;
      patience.end();
      finish();
    };
    const fail = (problem: ConnectionProblem) =>
      settle(() => {
        client.destroy();
        socket.destroy();
        reject(problem);
      });
    const patience = new Patience(settings.connectTimeoutMs ?? options.timeoutMs, options.signal, (why) =>
      fail(why === "aborted" ? abortedProblem(settings) : slowProblem(settings, patience.seconds)),
    );
    const chooser = new AttemptChooser(attempts);

    client.on("error", (error: Error & { level?: string }) => {
      // With an agent that fails the library goes on to the next method by itself.
      if (error.level !== "agent") fail(handshakeProblem(settings, error, chooser.tried));
    });
    client.once("close", () => fail(closedProblem(settings, "during login")));
    client.once("change password", () => fail(expiredProblem(settings)));
    client.once("ready", () => settle(() => resolve(client)));
    client.connect({
      sock: socket,
      username: settings.user,
      readyTimeout: 0,
      keepaliveInterval: settings.serverAliveIntervalMs ?? 5000,
      keepaliveCountMax: 3,
      algorithms: { ...ALGORITHMS, serverHostKey: hostKeyAlgorithms(hostKeys.types) },
      hostVerifier: (key: Buffer, verify: (trusted: boolean) => void) => {
        hostKeys.judge(key).then(
          (problem) => (problem ? fail(problem) : verify(true)),
          (error) => fail(closedProblem(settings, systemWords(error))),
        );
      },
      authHandler: (left: readonly string[] | null, partial, proceed) => {
        // A person may be asked for a passphrase.
        patience.pause();
        chooser.next(left, partial).then(
          (method) => {
            if (settled) return;
            patience.resume();
            if (method) proceed(method);
            else fail(refusedProblem(settings, chooser.tried, (left ?? []).join(", ")));
          },
          (error) => fail(closedProblem(settings, systemWords(error))),
        );
      },
    });
  });
}

/** Hands out the ways to log in one after another, as far as the server takes them. */
class AttemptChooser {
  readonly tried: string[] = [];
  readonly #rest: Attempt[];
  #last: Attempt["method"] | undefined;

  constructor(attempts: readonly Attempt[]) {
    this.#rest = [...attempts];
  }

  async next(left: readonly string[] | null, partial: boolean): Promise<AnyAuthMethod | undefined> {
    // Still offered after it failed: the password is wrong. Giving it again by another method may lock the account.
    const denied = this.#last === "password" && left?.includes("password") && !partial;
    for (let attempt = this.#rest.shift(); attempt; attempt = this.#rest.shift()) {
      if (left && !left.includes(attempt.method)) continue;
      if (denied && attempt.method === "keyboard-interactive") continue;
      const method = await attempt.prepare();
      if (!method) continue;
      this.tried.push(attempt.label);
      this.#last = attempt.method;
      return method;
    }
    return undefined;
  }
}

// Without SHA-1 and without group-exchange, whose prime check blocks the whole process for 1.6 s a connection.
const ALGORITHMS = {
  kex: [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group14-sha256",
  ],
  cipher: ["aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr"],
  hmac: ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"],
  compress: ["none"],
} satisfies ConnectConfig["algorithms"];

const HOST_KEY_ALGORITHMS = [
  { algorithm: "ssh-ed25519", type: "ssh-ed25519" },
  { algorithm: "ecdsa-sha2-nistp256", type: "ecdsa-sha2-nistp256" },
  { algorithm: "ecdsa-sha2-nistp384", type: "ecdsa-sha2-nistp384" },
  { algorithm: "ecdsa-sha2-nistp521", type: "ecdsa-sha2-nistp521" },
  { algorithm: "rsa-sha2-512", type: "ssh-rsa" },
  { algorithm: "rsa-sha2-256", type: "ssh-rsa" },
] as const;

// Known types first: the host would otherwise show a key that nobody recorded, and look like another host.
function hostKeyAlgorithms(known: readonly string[]) {
  const first = HOST_KEY_ALGORITHMS.filter(({ type }) => known.includes(type));
  return [...first, ...HOST_KEY_ALGORITHMS.filter((entry) => !first.includes(entry))].map(({ algorithm }) => algorithm);
}
