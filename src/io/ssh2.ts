import { connect as connectSocket } from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectionProblem, systemWords } from "./connection-problem.ts";
import { converse, type Ending, type RunningCommand } from "./conversation.ts";
import { readHostKeys } from "./host-keys.ts";
import { attemptsOf, type Credentials } from "./identities.ts";

import { Patience } from "./patience.ts";
import type { SshSettings } from "./ssh-config.ts";
import { abortedProblem, lostProblem, unreachableProblem } from "./ssh-problems.ts";
import { resolveRoute } from "./ssh-route.ts";
import type { Client, ClientChannel } from "./ssh2-library.ts";
import { login } from "./ssh2-login.ts";
import { sudoFor } from "./sudo.ts";
import type { ConnectOptions, Target, Transport } from "./transport.ts";

/** Logs in by the ssh2 library, through all jump hosts, every host key verified before anything secret is sent. */
export async function connectSsh2(target: Target, options: ConnectOptions): Promise<Transport> {
  const route = await resolveRoute(target, options);
  const settings = route.at(-1);
  if (!settings) throw new RangeError("a route has at least one host");
  const credentials: Credentials = {
    settings,
    ...(target.privateKey !== undefined && { privateKey: target.privateKey }),
    ...(target.password !== undefined && { password: target.password }),
    ...(options.askSecret && { askSecret: options.askSecret }),
  };
  const jump = await openJump(route.slice(0, -1), options);
  try {
    const client = await connectOne(credentials, jump?.client, options);
    return session(target, settings, client, () => jump?.release());
  } catch (error) {
    jump?.release();
    throw error;
  }
}

async function connectOne(credentials: Credentials, jump: Client | undefined, options: ConnectOptions): Promise<Client> {
  const { settings } = credentials;
  const [hostKeys, attempts] = await Promise.all([readHostKeys(settings, options.acceptNew), attemptsOf(credentials)]);
  const socket = await (jump ? forwarded(jump, settings, options) : dialled(settings, options));
  return login({ settings, hostKeys, attempts, socket, options });
}

interface Jump {
  readonly client: Client;
  readonly release: () => void;
}

// Hosts behind one jump host share its login: sshd turns away more than ten logins at a time (MaxStartups).
const jumps = new Map<string, { readonly client: Promise<Client>; users: number }>();

async function openJump(route: readonly SshSettings[], options: ConnectOptions): Promise<Jump | undefined> {
  const settings = route.at(-1);
  if (!settings) return undefined;
  const key = JSON.stringify(route);
  const shared = jumps.get(key) ?? { client: loginToJump(key, route, options), users: 0 };
  jumps.set(key, shared);
  shared.users++;
  const client = await shared.client;
  const release = () => {
    if (--shared.users > 0) return;
    if (jumps.get(key) === shared) jumps.delete(key);
    client.end();
  };
  return { client, release };
}

async function loginToJump(key: string, route: readonly SshSettings[], options: ConnectOptions): Promise<Client> {
  const forget = () => void jumps.delete(key);
  let before: Jump | undefined;
  try {
    const settings = route.at(-1);
    if (!settings) throw new RangeError("a jump host has settings");
    before = await openJump(route.slice(0, -1), options);
    const client = await connectOne(
      { settings, ...(options.askSecret && { askSecret: options.askSecret }) },
      before?.client,
      options,
    );
    client.on("error", () => {});
    client.once("close", () => {
      forget();
      before?.release();
    });
    return client;
  } catch (error) {
    forget();
    before?.release();
    throw error;
  }
}

function dialled(settings: SshSettings, options: ConnectOptions): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    // Without noDelay the handshake waits 40 ms five times for delayed acknowledgements.
    const socket = connectSocket({ host: settings.hostName, port: settings.port, noDelay: true });
    const patience = new Patience(settings.connectTimeoutMs ?? options.timeoutMs, options.signal, (over) => {
      socket.destroy();
      reject(
        over === "aborted" ? abortedProblem(settings) : unreachableProblem(settings, `no answer within ${patience.seconds} s`),
      );
    });
    socket.once("connect", () => {
      patience.end();
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", (error) => {
      patience.end();
      reject(unreachableProblem(settings, systemWords(error)));
    });
  });
}

function forwarded(jump: Client, settings: SshSettings, options: ConnectOptions): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    let given = false;
    const fail = (words: string) => {
      given = true;
      patience.end();
      reject(unreachableProblem(settings, `through the jump host: ${words}`));
    };
    const patience = new Patience(settings.connectTimeoutMs ?? options.timeoutMs, options.signal, (over) => {
      given = true;
      if (over === "aborted") reject(abortedProblem(settings));
      else fail(`no answer within ${patience.seconds} s`);
    });
    try {
      jump.forwardOut("127.0.0.1", 0, settings.hostName, settings.port, (error, channel) => {
        if (error) return fail(error.message.replace("(SSH) Channel open failure: ", "").toLowerCase() || "refused");
        if (given) channel.close();
        patience.end();
        resolve(channel);
      });
    } catch (error) {
      fail(systemWords(error));
    }
  });
}

function session(target: Target, settings: SshSettings, client: Client, release: () => void): Transport {
  let lost: ConnectionProblem | undefined;
  client.on("error", (error) => {
    lost ??= lostProblem(target.name, systemWords(error));
  });
  const closed = new Promise<void>((resolve) =>
    client.once("close", () => {
      lost ??= lostProblem(target.name, "the other side closed it");
      release();
      resolve();
    }),
  );
  // One channel at a time: sshd counts a channel against MaxSessions until it is fully closed.
  let previous: Promise<unknown> = Promise.resolve();
  const open = (command: string) =>
    new Promise<RunningCommand>((resolve, reject) => {
      if (lost) return reject(lost);
      const onOpen = (error: Error | undefined, channel: ClientChannel) => {
        if (error) reject(lost ?? lostProblem(target.name, error.message));
        else resolve(runningCommand(channel, () => lost ?? lostProblem(target.name, "the command ended without an exit status")));
      };
      // A lost connection does not always call back for a channel that was never opened.
      void closed.then(() => reject(lost));
      try {
        client.exec(command, onOpen);
      } catch (error) {
        reject(lostProblem(target.name, systemWords(error)));
      }
    });
  return {
    run: async (script, options) => {
      await atMost(1000, previous);
      const sudo = sudoFor(target, options.become && settings.user !== "root");
      return converse({ host: target.name, script, sudo, options }, async (command) => {
        const running = await open(command);
        previous = running.ended;
        return running;
      });
    },
    close: async () => {
      client.end();
      const timer = setTimeout(() => client.destroy(), 500);
      await closed;
      clearTimeout(timer);
    },
  };
}

// A script that was given up keeps its channel for as long as it runs.
function atMost(ms: number, wait: Promise<unknown>): Promise<unknown> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    void wait.finally(() => {
      clearTimeout(timer);
      resolve(undefined);
    });
  });
}

function runningCommand(channel: ClientChannel, lostNow: () => ConnectionProblem): RunningCommand {
  let exit: Ending | undefined;
  channel.once("exit", (code: number | null, signal?: string) => {
    exit = code === null ? { kind: "signal", signal: signal ?? "a signal" } : { kind: "exit", code };
  });
  const ended = new Promise<Ending>((resolve) => {
    // Without an exit status the connection broke: that must never look like success.
    channel.once("close", () => resolve(exit ?? { kind: "lost", problem: lostNow() }));
  });
  return { stdin: channel, stdout: channel, stderr: channel.stderr, ended, abandon: () => channel.close() };
}
