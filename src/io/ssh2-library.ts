import ssh2, { type ParsedKey } from "ssh2";

export type { AnyAuthMethod, Client, ClientChannel, ConnectConfig, ParsedKey } from "ssh2";

/** A connection that is not open yet. */
export function newClient(): ssh2.Client {
  return new ssh2.Client();
}

/** Reads a private or public key; an Error in words of the library when it cannot. */
export function parseKey(text: string, passphrase?: string): ParsedKey | Error {
  const parsed: unknown = ssh2.utils.parseKey(text, passphrase);
  if (parsed instanceof Error) return parsed;
  // The library's types name one key; files of several keys come as an array.
  const [key] = (Array.isArray(parsed) ? parsed : [parsed]) as readonly (ParsedKey | undefined)[];
  return key ?? new Error("no key in it");
}

/** An agent whose keys are offered in the order, and only as far, as `choose` says. */
export function agentWith(socket: string, choose: (keys: readonly ParsedKey[]) => readonly ParsedKey[]): ssh2.BaseAgent {
  return new ChoosingAgent(socket, choose);
}

// The library takes subclasses of its own agent only.
class ChoosingAgent extends ssh2.OpenSSHAgent {
  readonly #choose: (keys: readonly ParsedKey[]) => readonly ParsedKey[];

  constructor(socket: string, choose: (keys: readonly ParsedKey[]) => readonly ParsedKey[]) {
    super(socket);
    this.#choose = choose;
  }

  override getIdentities(callback: Parameters<ssh2.OpenSSHAgent["getIdentities"]>[0]): void {
    super.getIdentities((error, keys) => callback(error, keys && [...this.#choose(keys.filter(isKey))]));
  }
}

function isKey(key: object): key is ParsedKey {
  return "getPublicSSH" in key;
}
