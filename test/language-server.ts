import { type ChildProcess, spawn } from "node:child_process";
import { pathToFileURL } from "node:url";

/** What an editor shows under a file. */
export interface Diagnostic {
  readonly message: string;
  readonly range: { readonly start: { readonly line: number; readonly character: number } };
}

/** A running yaml-language-server, driven as an editor drives it. */
export interface LanguageServer {
  readonly diagnose: (path: string, text: string) => Promise<readonly Diagnostic[]>;
  readonly request: (method: string, params: object) => Promise<unknown>;
  readonly stop: () => void;
}

const server = new URL("../node_modules/yaml-language-server/bin/yaml-language-server", import.meta.url).pathname;

/** Starts the server with the settings of an editor that has none of its own. */
export async function startLanguageServer(): Promise<LanguageServer> {
  const child = spawn(process.execPath, [server, "--stdio"], { stdio: ["pipe", "pipe", "ignore"] });
  const answers = new Map<number, (result: unknown) => void>();
  const diagnostics = new Map<string, (found: readonly Diagnostic[]) => void>();
  const send = (message: object): void => write(child, message);
  onMessages(child, (message) => {
    if (message.method === "textDocument/publishDiagnostics") {
      const { uri, diagnostics: found } = message.params as { uri: string; diagnostics: Diagnostic[] };
      diagnostics.get(uri)?.(found);
    } else if (message.method !== undefined && message.id !== undefined) send({ id: message.id, result: answerTo(message) });
    else if (message.id !== undefined) answers.get(Number(message.id))?.(message.result);
  });
  let next = 0;
  const request = (method: string, params: object): Promise<unknown> => {
    next += 1;
    send({ id: next, method, params });
    return new Promise((resolve) => answers.set(next, resolve));
  };
  await request("initialize", { processId: process.pid, rootUri: null, capabilities: {} });
  send({ method: "initialized", params: {} });
  return {
    request,
    diagnose: (path, text) => {
      const uri = pathToFileURL(path).href;
      const found = new Promise<readonly Diagnostic[]>((resolve) => diagnostics.set(uri, resolve));
      send({ method: "textDocument/didOpen", params: { textDocument: { uri, languageId: "yaml", version: 1, text } } });
      return found;
    },
    stop: () => child.kill(),
  };
}

interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
}

function answerTo({ method, params }: Message): unknown {
  if (method !== "workspace/configuration") return null;
  const yaml = { validate: true, hover: true, completion: true, schemaStore: { enable: false } };
  return (params as { items: { section?: string }[] }).items.map(({ section }) => (section === "yaml" ? yaml : {}));
}

function write(child: ChildProcess, message: object): void {
  const body = JSON.stringify({ jsonrpc: "2.0", ...message });
  child.stdin?.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

function onMessages(child: ChildProcess, handle: (message: Message) => void): void {
  let pending = Buffer.alloc(0);
  child.stdout?.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      const header = pending.indexOf("\r\n\r\n");
      const length = Number(/Content-Length: (\d+)/i.exec(pending.subarray(0, Math.max(0, header)).toString())?.[1]);
      if (header < 0 || pending.length < header + 4 + length) return;
      const body = pending.subarray(header + 4, header + 4 + length).toString();
      pending = pending.subarray(header + 4 + length);
      handle(JSON.parse(body) as Message);
    }
  });
}
