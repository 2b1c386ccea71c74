/** Why a gateway could not be reached or a script's end was not seen. */
export type ConnectionReason =
  | "unreachable"
  | "host-key-unknown"
  | "host-key-changed"
  | "host-key-revoked"
  | "auth"
  | "timeout"
  | "lost"
  | "killed"
  | "no-sudo"
  | "garbage"
  | "aborted"
  | "configuration";

/** A connection's failure in words for a person: what happened, and in `advice` what to type or change next. */
export class ConnectionProblem extends Error {
  readonly reason: ConnectionReason;
  readonly advice: string;

  constructor(reason: ConnectionReason, message: string, advice: string) {
    super(message);
    this.name = "ConnectionProblem";
    this.reason = reason;
    this.advice = advice;
  }
}

/** What a failed system call says, in words instead of an error code. */
export function systemWords(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const words = SYSTEM_WORDS[code];
  return words ?? (error instanceof Error ? error.message : String(error));
}

const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by the other side",
  EPIPE: "connection closed by the other side",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  EHOSTDOWN: "host is down",
  ETIMEDOUT: "no answer",
  ENOTFOUND: "name not found",
  EAI_AGAIN: "name server does not answer",
  EACCES: "permission denied",
  ENOENT: "no such file",
  ENOTDIR: "a part of the path is no folder",
  EISDIR: "it is a folder",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left",
  EPERM: "not permitted",
  ENXIO: "no such device",
};
