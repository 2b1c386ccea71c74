// The lab's inetd: one process that listens for all hosts of a lab. It is told what to do by lines of JSON on its standard
// input and answers each on its standard output; when its input ends it exits, so that it can't outlive the lab.
// Plain JavaScript, because it runs under bare node and starts in a twentieth of a second.
import { spawn } from "node:child_process";
import { createConnection, createServer } from "node:net";
import { createInterface } from "node:readline";

/** @type {Map<string, {server: import("node:net").Server, sockets: Set<import("node:net").Socket>}>} */
const listeners = new Map();

/** What happens with an accepted connection, by the mode of its listener. */
const modes = {
  /** The program gets the socket as its standard input and output, as from inetd. */
  serve: (socket, { argv }) => {
    const child = spawn(argv[0], argv.slice(1), { stdio: [socket, socket, "ignore"] });
    child.on("error", () => socket.destroy());
    socket.destroy();
  },
  hang: () => {},
  /**
   * Forwards to another port of the same address, later by `delayMs` each way, and cuts the line after `dropAfterBytes` from the
   * host, or loses whatever follows after `stallAfterBytes`.
   */
  relay: (socket, { address, target, delayMs = 0, dropAfterBytes = Infinity, stallAfterBytes = Infinity }) => {
    const host = createConnection({ host: address, port: target, noDelay: true });
    const cut = () => {
      socket.destroy();
      host.destroy();
    };
    let passed = 0;
    const pass = (from, to, chunk) => {
      passed += from === host ? chunk.length : 0;
      if (passed > dropAfterBytes) cut();
      else if (passed <= stallAfterBytes) to.write(chunk);
    };
    const join = (from, to) => {
      const later = (act) => (delayMs > 0 ? setTimeout(act, delayMs) : act());
      from.on("data", (chunk) => later(() => pass(from, to, chunk)));
      from.on("end", () => later(() => to.end()));
      from.on("error", cut);
      from.on("close", () => later(cut));
    };
    socket.setNoDelay(true);
    join(socket, host);
    join(host, socket);
    socket.resume();
  },
};

function listen(order) {
  return new Promise((resolve, reject) => {
    const sockets = new Set();
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: order.mode === "relay" }, (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      socket.on("error", () => socket.destroy());
      modes[order.mode](socket, order);
    });
    server.on("error", reject);
    server.listen({ host: order.address, port: order.port, backlog: 256 }, () => {
      listeners.set(`${order.address}:${order.port}`, { server, sockets });
      resolve();
    });
  });
}

function close({ address, port }) {
  const listener = listeners.get(`${address}:${port}`);
  listeners.delete(`${address}:${port}`);
  for (const socket of listener?.sockets ?? []) socket.destroy();
  return new Promise((resolve) => (listener === undefined ? resolve() : listener.server.close(() => resolve())));
}

const orders = createInterface({ input: process.stdin });
orders.on("line", async (line) => {
  const order = JSON.parse(line);
  try {
    await (order.do === "close" ? close(order) : listen(order));
    process.stdout.write(`${JSON.stringify({ id: order.id })}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ id: order.id, error: error.code ?? String(error) })}\n`);
  }
});
orders.on("close", () => process.exit(0));
