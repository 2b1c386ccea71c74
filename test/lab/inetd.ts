import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** What a port of a lab address does with a connection; see inetd.mjs. */
export type Listener =
  | { readonly mode: "serve"; readonly argv: readonly string[] }
  | { readonly mode: "hang" }
  | {
      readonly mode: "relay";
      readonly target: number;
      readonly delayMs?: number;
      readonly dropAfterBytes?: number;
      readonly stallAfterBytes?: number;
    };

/** The lab's listening process. It ends when `stop` is called, and by itself when this process ends in whatever way. */
export interface Inetd {
  /** Rejects with the system's error code as message, such as EADDRINUSE. */
  listen(address: string, port: number, listener: Listener): Promise<void>;
  /** Stops listening and cuts relayed and hanging connections. */
  close(address: string, port: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts an inetd, in the network namespace of another process if one is given. */
export function startInetd(within?: { readonly pid: number }): Inetd {
  const server = [process.execPath, fileURLToPath(new URL("./inetd.mjs", import.meta.url))];
  const [program = "", ...args] = within === undefined ? server : ["nsenter", `--net=/proc/${within.pid}/ns/net`, ...server];
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], detached: true, env: { PATH: process.env["PATH"] } });
  const waiting = new Map<number, (error: string | undefined) => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const answer: { readonly id: number; readonly error?: string } = JSON.parse(line);
    waiting.get(answer.id)?.(answer.error);
    waiting.delete(answer.id);
    if (waiting.size === 0) child.unref();
  });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  let next = 0;
  const order = (what: object): Promise<void> =>
    new Promise((resolve, reject) => {
      const id = next++;
      child.ref();
      waiting.set(id, (error) => (error === undefined ? resolve() : reject(new Error(error))));
      child.stdin.write(`${JSON.stringify({ id, ...what })}\n`);
      child.once("exit", () => reject(new Error("the lab's inetd ended")));
    });
  child.setMaxListeners(0);
  letGo(child);
  return {
    listen: (address, port, listener) => order({ do: "listen", address, port, ...listener }),
    close: (address, port) => order({ do: "close", address, port }),
    stop: () => {
      child.ref();
      child.stdin.end();
      return ended;
    },
  };
}

/** Lets this process end although the child runs on: the child sees it at the end of its standard input. */
export function letGo(child: ChildProcess): void {
  child.unref();
  for (const stream of child.stdio) {
    if (stream instanceof Socket) stream.unref();
  }
}
