/** How to reach a host, as its variables say; a password is the token of a secret. */
export interface Connection {
  readonly name: string;
  readonly address: string;
  readonly port?: number;
  readonly user?: string;
  readonly connection: "ssh" | "local";
  readonly transport: "ssh2" | "openssh";
  readonly privateKey?: string;
  readonly password?: string;
  /** Undefined: as the play or the command line says. */
  readonly become?: boolean;
  readonly becomePassword?: string;
  readonly commonArgs?: string;
}

/** A host of the inventory that a play works on. */
export interface HostEntry {
  readonly name: string;
  /** Every group that it is in, `all` left out, in alphabetical order. */
  readonly groups: readonly string[];
  readonly connection: Connection;
}
