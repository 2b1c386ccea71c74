import { commandLine } from "../text/shell.ts";
import { ConnectionProblem, systemWords } from "./connection-problem.ts";
import { printable } from "./conversation.ts";
import type { SshSettings } from "./ssh-config.ts";

/** A host that no connection could be opened to. */
export function unreachableProblem(settings: SshSettings, words: string): ConnectionProblem {
  return new ConnectionProblem(
    "unreachable",
    `cannot reach ${place(settings)}: ${words}`,
    `check address, port and firewall, then try: ${loginCommand(settings)}`,
  );
}

/** The run was interrupted while connecting. */
export function abortedProblem(settings: SshSettings): ConnectionProblem {
  return new ConnectionProblem("aborted", `interrupted while connecting to ${place(settings)}`, "run the same command again");
}

/** The host took the connection but did not get as far as a login. */
export function slowProblem(settings: SshSettings, seconds: number): ConnectionProblem {
  return new ConnectionProblem(
    "timeout",
    `${place(settings)} did not complete the login within ${seconds} s`,
    `raise --timeout if the host is slow (name lookups, PAM), or try: ${loginCommand(settings)}`,
  );
}

/** The library gave up during handshake or login. */
export function handshakeProblem(
  settings: SshSettings,
  error: Error & { readonly level?: string },
  tried: readonly string[],
): ConnectionProblem {
  const mismatch = /no matching (.+)$/.exec(error.message);
  if (mismatch) {
    return new ConnectionProblem(
      "unreachable",
      `${place(settings)} and the ssh2 transport have no ${mismatch[1]} in common`,
      "set `ipsec_fix_transport: openssh` for this host (needed where only post-quantum key exchange is allowed), or update its sshd",
    );
  }
  if (/Too many authentication failures/i.test(error.message))
    return refusedProblem(settings, [...tried, "then it allowed no more attempts"], "");
  if (/before handshake/i.test(error.message)) return closedProblem(settings, "before the SSH handshake");
  if (error.level === "protocol" || /identification|version|packet/i.test(error.message)) {
    return new ConnectionProblem(
      "garbage",
      `${place(settings)} does not speak SSH as expected: ${printable(error.message)}`,
      `check the port, then try: ${loginCommand(settings)}`,
    );
  }
  return closedProblem(settings, `during login: ${printable(systemWords(error))}`);
}

/** The host hung up before the login was complete. */
export function closedProblem(settings: SshSettings, when: string): ConnectionProblem {
  return new ConnectionProblem(
    "unreachable",
    `${place(settings)} closed the connection ${when}`,
    `it may be overloaded (MaxStartups) or refuse this address; try: ${loginCommand(settings)}`,
  );
}

/** None of our keys and passwords was taken. */
export function refusedProblem(settings: SshSettings, tried: readonly string[], methods: string): ConnectionProblem {
  const with_ = tried.length === 0 ? "there is no key, agent or password to log in with" : `tried: ${tried.join(", ")}`;
  const wants = methods === "" ? "" : `; the host takes: ${printable(methods)}`;
  const port = settings.port === 22 ? [] : ["-p", String(settings.port)];
  const copy = commandLine(["ssh-copy-id", ...port, `${settings.user}@${settings.hostName}`]);
  return new ConnectionProblem(
    "auth",
    `${place(settings)} refused the login as ${settings.user}; ${with_}${wants}`,
    `allow a key with \`${copy}\`, name one with --private-key, unlock it with ssh-add, or give a password with -k`,
  );
}

/** The account's password must be changed first. */
export function expiredProblem(settings: SshSettings): ConnectionProblem {
  return new ConnectionProblem(
    "auth",
    `the password of ${settings.user} on ${place(settings)} has expired`,
    `change it: ${loginCommand(settings)}`,
  );
}

/** An established connection that broke. */
export function lostProblem(name: string, words: string): ConnectionProblem {
  const cause = /keepalive/i.test(words) ? "it does not answer any more" : printable(words);
  return new ConnectionProblem(
    "lost",
    `lost the connection to ${name}: ${cause}`,
    "look at the host, then run again: a script that was running there may have gone on",
  );
}

function place(settings: SshSettings): string {
  return `${settings.hostName} port ${settings.port}`;
}

function loginCommand(settings: SshSettings): string {
  const port = settings.port === 22 ? [] : ["-p", String(settings.port)];
  return commandLine(["ssh", ...port, `${settings.user}@${settings.hostName}`]);
}
