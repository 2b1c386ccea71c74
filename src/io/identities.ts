import { access, constants, readFile } from "node:fs/promises";
import { cachedFile } from "./cached-file.ts";
import { ConnectionProblem, systemWords } from "./connection-problem.ts";
import { defaultIdentityFiles, type SshSettings } from "./ssh-config.ts";
import { type AnyAuthMethod, agentWith, type ParsedKey, parseKey } from "./ssh2-library.ts";

/** One way to prove who we are. */
export interface Attempt {
  /** As the server's list of methods calls it. */
  readonly method: "publickey" | "password" | "keyboard-interactive";
  /** For the message when nothing worked. */
  readonly label: string;
  /** What to send; undefined when nobody gave the passphrase. May ask a person. */
  readonly prepare: () => Promise<AnyAuthMethod | undefined>;
}

/** Who logs in, and with what beside the identities of the settings. */
export interface Credentials {
  readonly settings: SshSettings;
  /** A key that the inventory names; it must be readable. */
  readonly privateKey?: string;
  readonly password?: string;
  readonly askSecret?: (question: string) => Promise<string | undefined>;
}

/**
 * The ways to log in, in the order to try: named keys, password, agent, default keys, and last what needs a passphrase.
 * Servers allow few attempts (six by default), so what was named for this host comes first.
 */
export async function attemptsOf(credentials: Credentials): Promise<readonly Attempt[]> {
  const { settings } = credentials;
  const username = settings.user;
  const named = await keyFiles(settings.identityFiles, credentials.privateKey);
  const standard = settings.identityFiles.length === 0 ? await keyFiles(defaultIdentityFiles(), undefined) : [];
  const ready = (files: readonly KeyFile[]) => files.filter((file) => !file.encrypted).map((file) => keyAttempt(file, username));
  const locked = [...named, ...standard].filter((file) => file.encrypted);
  return [
    ...ready(named),
    ...passwordAttempts(credentials.password, username),
    ...agentAttempts(settings, [...named, ...standard]),
    ...ready(standard),
    ...locked.map((file) => lockedAttempt(file, username, credentials.askSecret)),
  ];
}

interface KeyFile {
  readonly path: string;
  readonly text: string;
  readonly key: ParsedKey | undefined;
  readonly encrypted: boolean;
  /** The public half beside it, in wire format. */
  readonly publicKey: Buffer | undefined;
}

async function keyFiles(paths: readonly string[], required: string | undefined): Promise<readonly KeyFile[]> {
  const files = await Promise.all(paths.map((path, index) => keyFile(path, index === 0 && required !== undefined)));
  return files.filter((file) => file !== undefined);
}

// A fleet shares its keys: each is parsed once.
const parsedKeyFile = cachedFile((text) => ({ text, key: parseKey(text) }));

async function keyFile(path: string, required: boolean): Promise<KeyFile | undefined> {
  const file = await parsedKeyFile(path);
  if (!file) {
    if (!required) return undefined;
    throw new ConnectionProblem("auth", await unreadableKey(path), "correct ansible_ssh_private_key_file or --private-key");
  }
  const { text, key } = file;
  const encrypted = key instanceof Error && /passphrase/i.test(key.message);
  const beside = encrypted ? await readFile(`${path}.pub`, "utf8").catch(() => "") : "";
  const shown = beside === "" ? key : parseKey(beside);
  const publicKey = shown instanceof Error ? undefined : shown.getPublicSSH();
  if (!(key instanceof Error) && key.isPrivateKey()) return { path, text, key, encrypted, publicKey };
  if (encrypted) return { path, text, key: undefined, encrypted, publicKey };
  if (!required) return undefined;
  throw unusableKey(path, text, key instanceof Error ? key.message : "it is a public key");
}

async function unreadableKey(path: string): Promise<string> {
  const why = await access(path, constants.R_OK).then(() => "it is no regular file", systemWords);
  return `cannot read the private key ${path}: ${why}`;
}

function unusableKey(path: string, text: string, why: string): ConnectionProblem {
  const advice = /BEGIN (ENCRYPTED )?PRIVATE KEY/.test(text)
    ? `convert a copy of it with: ssh-keygen -p -f ${path}`
    : "name an ed25519, ECDSA or RSA private key; for security keys (sk-...) set `ipsec_fix_transport: openssh`";
  return new ConnectionProblem("auth", `cannot use the private key ${path}: ${why}`, advice);
}

function keyAttempt(file: KeyFile, username: string): Attempt {
  return {
    method: "publickey",
    label: `key ${file.path}`,
    prepare: async () => file.key && { type: "publickey", username, key: file.key },
  };
}

function lockedAttempt(file: KeyFile, username: string, askSecret: Credentials["askSecret"]): Attempt {
  return {
    method: "publickey",
    label: `key ${file.path} (encrypted)`,
    prepare: async () => {
      const key = await unlocked(file, askSecret);
      return key && { type: "publickey", username, key };
    },
  };
}

// One question for all hosts that share a key.
const unlockedKeys = new Map<string, Promise<ParsedKey | undefined>>();

function unlocked(file: KeyFile, askSecret: Credentials["askSecret"]): Promise<ParsedKey | undefined> {
  const known = unlockedKeys.get(file.text);
  if (known) return known;
  const key = unlock(file, askSecret);
  unlockedKeys.set(file.text, key);
  return key;
}

async function unlock(file: KeyFile, askSecret: Credentials["askSecret"]): Promise<ParsedKey | undefined> {
  const given = process.env["IPSEC_FIX_KEY_PASSPHRASE"];
  const key = given === undefined ? undefined : parseKey(file.text, given);
  if (key && !(key instanceof Error)) return key;
  for (let tries = 0; askSecret && tries < 3; tries++) {
    const answer = await askSecret(`Passphrase for ${file.path}: `);
    if (answer === undefined || answer === "") return undefined;
    const opened = parseKey(file.text, answer);
    if (!(opened instanceof Error)) return opened;
  }
  return undefined;
}

function agentAttempts(settings: SshSettings, files: readonly KeyFile[]): readonly Attempt[] {
  const socket = settings.identityAgent;
  if (socket === undefined) return [];
  const rank = (key: ParsedKey) => {
    const blob = key.getPublicSSH();
    const index = files.findIndex((file) => file.publicKey?.equals(blob));
    return index < 0 ? files.length : index;
  };
  // A key whose file was tried already by itself is not worth a second attempt.
  const isTried = (key: ParsedKey) =>
    files.some((file) => file.key && settings.identityFiles.includes(file.path) && file.publicKey?.equals(key.getPublicSSH()));
  const choose = (keys: readonly ParsedKey[]) =>
    keys
      .filter((key) => !isTried(key) && (!settings.identitiesOnly || rank(key) < files.length))
      .sort((one, other) => rank(one) - rank(other));
  const username = settings.user;
  return [
    {
      method: "publickey",
      label: `agent ${socket}`,
      prepare: async () => ({ type: "agent", username, agent: agentWith(socket, choose) }),
    },
  ];
}

function passwordAttempts(password: string | undefined, username: string): readonly Attempt[] {
  if (password === undefined) return [];
  return [
    { method: "password", label: "password", prepare: async () => ({ type: "password", username, password }) },
    {
      method: "keyboard-interactive",
      label: "password (keyboard-interactive)",
      prepare: async () => ({
        type: "keyboard-interactive",
        username,
        // Only a question whose answer is not shown is one for the password.
        prompt: (_name, _instructions, _language, prompts, finish) => finish(prompts.map(({ echo }) => (echo ? "" : password))),
      }),
    },
  ];
}
