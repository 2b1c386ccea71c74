import { spawn } from "node:child_process";
import { ConnectionProblem, systemWords } from "./connection-problem.ts";
import { converse, printable } from "./conversation.ts";
import { SPAWN_OPTIONS, startedCommand } from "./local.ts";
import { splitWords } from "./ssh-arguments.ts";
import { resolveSshSettings } from "./ssh-config.ts";
import { checkNames, loginAdvice } from "./ssh-route.ts";
import { sudoFor } from "./sudo.ts";
import type { ConnectOptions, Target, Transport } from "./transport.ts";

/**
 * Runs scripts through the system's own `ssh`, with everything that it knows: certificates, security keys, GSSAPI,
 * ProxyCommand. Every run is a login of its own.
 */
export async function connectOpenssh(target: Target, options: ConnectOptions): Promise<Transport> {
  checkNames(target);
  if (target.password !== undefined) {
    throw new ConnectionProblem(
      "configuration",
      `${target.name} has a login password, which the openssh transport cannot use`,
      "use a key, or `ipsec_fix_transport: ssh2` for this host",
    );
  }
  const { configFile } = options;
  const fromConfig = () =>
    resolveSshSettings({ host: target.address, settings: new Map(), ...(configFile !== undefined && { configFile }) });
  const user = target.user ?? (await fromConfig()).user;
  return {
    run: (script, run) =>
      converse(
        {
          host: target.name,
          script,
          sudo: sudoFor(target, run.become && user !== "root"),
          options: run,
          explain: explain(target),
        },
        async (command) => {
          const child = spawn("ssh", [...sshArguments(target, options), "--", target.address, command], {
            ...SPAWN_OPTIONS,
            env: { ...process.env, LC_ALL: "C" },
          });
          return { ...startedCommand(child, (error) => noClient(error)), abandon: () => child.kill("SIGTERM") };
        },
      ),
    close: async () => {},
  };
}

// The first value of an option wins in ssh: what must hold stands before the inventory's own options, defaults after.
function sshArguments(target: Target, options: ConnectOptions): readonly string[] {
  return [
    "-T",
    ...["-o", "BatchMode=yes", "-o", "ControlMaster=no", "-o", "ControlPath=none"],
    ...(options.configFile === undefined ? [] : ["-F", options.configFile]),
    ...(target.port === undefined ? [] : ["-p", String(target.port)]),
    ...(target.user === undefined ? [] : ["-l", target.user]),
    ...(target.privateKey === undefined ? [] : ["-i", target.privateKey]),
    ...(options.acceptNew ? ["-o", "StrictHostKeyChecking=accept-new"] : []),
    ...splitWords(target.commonArgs ?? ""),
    ...["-o", `ConnectTimeout=${Math.max(1, Math.ceil(options.timeoutMs / 1000))}`],
    ...["-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"],
  ];
}

/** What ssh's own exit status 255 means: without the script's end mark, the remote side never says 255 by itself. */
function explain(target: Target) {
  return (exit: number, begun: boolean, noise: string): ConnectionProblem | undefined => {
    if (exit !== 255) return undefined;
    const said = printable(noise);
    if (begun) {
      return new ConnectionProblem(
        "lost",
        `lost the connection to ${target.name}: ${said || "ssh ended"}`,
        "look at the host, then run again",
      );
    }
    const meaning = MEANINGS.find(({ words }) => words.test(noise));
    const message = `ssh cannot log in to ${target.name}: ${said || "it gave no reason"}`;
    return new ConnectionProblem(meaning?.reason ?? "unreachable", message, `try: ${loginAdvice(target)}`);
  };
}

const MEANINGS = [
  { words: /REVOKED HOST KEY|is revoked/i, reason: "host-key-revoked" },
  { words: /IDENTIFICATION HAS CHANGED/, reason: "host-key-changed" },
  { words: /Host key verification failed|No .* host key is known/, reason: "host-key-unknown" },
  { words: /Permission denied|Too many authentication failures/, reason: "auth" },
  { words: /timed out|Timeout, server/i, reason: "timeout" },
  { words: /Bad configuration option|configuration file|no argument after keyword|unknown option/i, reason: "configuration" },
] as const;

function noClient(error: Error): ConnectionProblem {
  return new ConnectionProblem(
    "configuration",
    `cannot start ssh: ${systemWords(error)}`,
    "install the OpenSSH client, or use the ssh2 transport",
  );
}
