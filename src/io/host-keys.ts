import { appendFile, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import {
  entriesFor,
  fingerprint,
  type HostName,
  judgeHostKey,
  type KnownHost,
  keyTypeOf,
  knownHostLine,
  knownKeyTypes,
  knownName,
  parseKnownHosts,
} from "../text/known-hosts.ts";
import { commandLine } from "../text/shell.ts";
import { cachedFile } from "./cached-file.ts";
import { ConnectionProblem, systemWords } from "./connection-problem.ts";
import type { SshSettings } from "./ssh-config.ts";

/** The host keys that known_hosts knows for one host, and the judgement over the one that it shows. */
export interface HostKeys {
  /** Known key types, to be asked for first. */
  readonly types: readonly string[];
  /** The problem with a shown key; undefined when it may be trusted. Adds the key of a new host where that is allowed. */
  judge(key: Buffer): Promise<ConnectionProblem | undefined>;
}

const knownHostsOf = cachedFile(parseKnownHosts);

/** Reads the known_hosts files that count for a host. */
export async function readHostKeys(settings: SshSettings, acceptNew: boolean): Promise<HostKeys> {
  const name: HostName =
    settings.hostKeyAlias === undefined
      ? { host: settings.hostName, port: settings.port }
      : { host: settings.hostKeyAlias, port: 22 };
  const files = [...settings.userKnownHostsFiles, ...settings.globalKnownHostsFiles];
  const all = (await Promise.all(files.map((file) => knownHostsOf(file)))).flatMap((entries) => entries ?? []);
  const known = entriesFor(all, name);
  return {
    types: knownKeyTypes(known, name),
    judge: async (key) => {
      const judgement = judgeHostKey(known, name, key);
      if (judgement.verdict === "known") return undefined;
      if (judgement.verdict === "revoked") return revokedProblem(name, key, judgement.entry);
      if (judgement.verdict === "changed") return changedProblem(name, key, judgement.entry);
      if (judgement.certified) return certifiedProblem(name);
      if (!acceptNew && settings.strictHostKeyChecking === "ask") return unknownProblem(settings, name, key);
      return addKey(settings.userKnownHostsFiles[0], knownHostLine(name, key));
    },
  };
}

async function addKey(file: string | undefined, line: string): Promise<ConnectionProblem | undefined> {
  if (file === undefined || file === "/dev/null") return undefined;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    // One write in append mode: lines of parallel runs do not mix.
    await appendFile(file, `${(await endsInNewline(file)) ? "" : "\n"}${line}\n`, { mode: 0o600 });
    return undefined;
  } catch (error) {
    return new ConnectionProblem(
      "host-key-unknown",
      `cannot add the host key to ${file}: ${systemWords(error)}`,
      "make the file writable, or name another by UserKnownHostsFile in the ssh configuration",
    );
  }
}

async function endsInNewline(file: string): Promise<boolean> {
  const handle = await open(file, "r").catch(() => undefined);
  if (!handle) return true;
  try {
    const { size } = await handle.stat();
    if (size === 0) return true;
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer[0] === 10;
  } finally {
    await handle.close();
  }
}

function unknownProblem(settings: SshSettings, name: HostName, key: Buffer): ConnectionProblem {
  const port = settings.port === 22 ? [] : ["-p", String(settings.port)];
  const login = commandLine(["ssh", ...port, `${settings.user}@${settings.hostName}`]);
  return new ConnectionProblem(
    "host-key-unknown",
    `the host key of ${knownName(name)} is not known: ${keyWords(key)}`,
    `compare it with \`ssh-keygen -lf /etc/ssh/ssh_host_${fileWord(key)}_key.pub\` on the host itself; ` +
      `then log in once with \`${login}\`, or run again with --accept-new`,
  );
}

function changedProblem(name: HostName, key: Buffer, entry: KnownHost): ConnectionProblem {
  return new ConnectionProblem(
    "host-key-changed",
    `the host key of ${knownName(name)} has changed: it shows ${keyWords(key)}, ` +
      `but ${entry.file}:${entry.line} knows ${keyWords(Buffer.from(entry.key, "base64"))}`,
    "somebody may be listening in. Only if you know that the host got a new key: " +
      `\`${commandLine(["ssh-keygen", "-R", knownName(name), "-f", entry.file])}\`, then log in once with ssh`,
  );
}

function revokedProblem(name: HostName, key: Buffer, entry: KnownHost): ConnectionProblem {
  return new ConnectionProblem(
    "host-key-revoked",
    `the host key of ${knownName(name)} is revoked by ${entry.file}:${entry.line}: ${keyWords(key)}`,
    "do not trust this host; give it a new key if it is yours",
  );
}

function certifiedProblem(name: HostName): ConnectionProblem {
  return new ConnectionProblem(
    "host-key-unknown",
    `known_hosts knows ${knownName(name)} by a certificate authority, which the ssh2 transport cannot check`,
    "set `ipsec_fix_transport: openssh` for this host",
  );
}

function keyWords(key: Buffer): string {
  return `${keyTypeOf(key).replace(/[^\w@.-]/g, "?") || "an unreadable key"} ${fingerprint(key)}`;
}

function fileWord(key: Buffer): string {
  const type = keyTypeOf(key);
  if (type.startsWith("ecdsa")) return "ecdsa";
  return type === "ssh-rsa" ? "rsa" : "ed25519";
}
