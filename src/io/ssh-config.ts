import { readdir } from "node:fs/promises";
import { homedir, hostname, userInfo } from "node:os";
import { basename, dirname, isAbsolute, join } from "node:path";
import { type Line, parse } from "ssh-config";
import { matchesPatterns } from "../text/known-hosts.ts";
import { cachedFile } from "./cached-file.ts";
import { ConnectionProblem } from "./connection-problem.ts";

/** What ssh_config and the options before it say of one host, with defaults filled in and paths expanded. */
export interface SshSettings {
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  /** The name under which known_hosts knows the host. */
  readonly hostKeyAlias?: string;
  /** Private keys named for this host; empty where the default ones apply. */
  readonly identityFiles: readonly string[];
  readonly identitiesOnly: boolean;
  /** The agent's socket; undefined where there is none. */
  readonly identityAgent?: string;
  readonly proxyJump?: string;
  readonly proxyCommand?: string;
  readonly userKnownHostsFiles: readonly string[];
  readonly globalKnownHostsFiles: readonly string[];
  readonly strictHostKeyChecking: "ask" | "accept-new" | "no";
  readonly connectTimeoutMs?: number;
  readonly serverAliveIntervalMs?: number;
}

/** Whose settings are asked for, and what stands before the files. */
export interface SshQuery {
  readonly host: string;
  /** Lower-case keyword to values: what the inventory and the command line say; they win over the files. */
  readonly settings: ReadonlyMap<string, readonly string[]>;
  /** Replaces the user's and the system's file; `none`: no file at all. */
  readonly configFile?: string;
}

/** The default identities of ssh that the ssh2 transport can use, in its order. */
export function defaultIdentityFiles(): readonly string[] {
  return ["id_rsa", "id_ecdsa", "id_ed25519"].map((name) => join(homedir(), ".ssh", name));
}

/** Resolves the settings of one host as `ssh -G` would; `Match exec` never matches. */
export async function resolveSshSettings(query: SshQuery): Promise<SshSettings> {
  const reader = new SettingsReader(query);
  if (query.configFile === undefined) {
    await reader.read(join(homedir(), ".ssh", "config"), join(homedir(), ".ssh"), 0);
    await reader.read("/etc/ssh/ssh_config", "/etc/ssh", 0);
  } else if (query.configFile !== "none") {
    const found = await reader.read(query.configFile, join(homedir(), ".ssh"), 0);
    if (!found) throw configurationProblem(`cannot read the ssh configuration ${query.configFile}`);
  }
  return reader.settings();
}

const parsedConfig = cachedFile((text): readonly Line[] => parse(text));

// As in ssh: a deeper chain of includes is a mistake.
const MAX_INCLUDE_DEPTH = 16;

class SettingsReader {
  readonly #query: SshQuery;
  readonly #values: Map<string, string[]>;

  constructor(query: SshQuery) {
    this.#query = query;
    this.#values = new Map(
      [...query.settings].map(([keyword, values]) => [keyword, REPEATABLE.has(keyword) ? [...values] : values.slice(0, 1)]),
    );
  }

  /** Applies one file; false when it cannot be read. */
  async read(file: string, includeFolder: string, depth: number): Promise<boolean> {
    if (depth > MAX_INCLUDE_DEPTH) throw configurationProblem(`${file}: too many levels of Include`);
    const lines = await parsedConfig(file).catch((error: unknown) => {
      throw configurationProblem(`${file}: ${error instanceof Error ? error.message : error}`);
    });
    if (!lines) return false;
    await this.#apply(lines, includeFolder, depth);
    return true;
  }

  async #apply(lines: Iterable<Line>, includeFolder: string, depth: number): Promise<void> {
    for (const line of lines) {
      if (!("param" in line)) continue;
      const keyword = line.param.toLowerCase();
      const values = (typeof line.value === "string" ? [line.value] : line.value.map(({ val }) => val)).map(unescaped);
      if ("config" in line) {
        const applies = "criteria" in line ? this.#matches(line.criteria) : matchesPatterns(values, this.#query.host);
        if (applies) await this.#apply(line.config, includeFolder, depth);
      } else if (keyword === "include") {
        for (const pattern of values) {
          for (const file of await filesOf(pattern, includeFolder)) await this.read(file, includeFolder, depth + 1);
        }
      } else {
        this.#set(keyword, values);
      }
    }
  }

  #set(keyword: string, values: readonly string[]): void {
    const present = this.#values.get(keyword);
    // A proxy is one of the two, whichever is said first.
    const rival = { proxyjump: "proxycommand", proxycommand: "proxyjump" }[keyword];
    if (rival !== undefined && this.#values.has(rival)) return;
    if (!present) this.#values.set(keyword, [...values]);
    else if (REPEATABLE.has(keyword)) present.push(...values);
  }

  #matches(criteria: Readonly<Record<string, unknown>>): boolean {
    return Object.entries(criteria).every(([key, value]) => {
      const negated = key.startsWith("!");
      const patterns = String(value).split(",");
      return this.#matchesOne(key.replace(/^!/, "").toLowerCase(), patterns) !== negated;
    });
  }

  #matchesOne(key: string, patterns: readonly string[]): boolean {
    if (key === "all") return true;
    // As ssh has it: Match compares in lower case, Host as the name was typed.
    if (key === "host") return matchesPatterns(patterns, this.#hostName());
    if (key === "originalhost") return matchesPatterns(patterns, this.#query.host.toLowerCase());
    if (key === "user") return matchesPatterns(patterns, this.#first("user") ?? localUser());
    return key === "localuser" && matchesPatterns(patterns, localUser());
  }

  #first(keyword: string): string | undefined {
    return this.#values.get(keyword)?.[0];
  }

  #hostName(): string {
    const host = this.#query.host;
    const name = this.#first("hostname")?.replace(/%([h%])/g, (_, token) => (token === "h" ? host : "%")) ?? host;
    return name.toLowerCase();
  }

  settings(): SshSettings {
    const first = (keyword: string) => this.#first(keyword);
    const user = first("user") ?? localUser();
    const port = first("port") ?? "22";
    if (!/^\d+$/.test(port) || Number(port) < 1 || Number(port) > 65535)
      throw configurationProblem(`the port ${JSON.stringify(port)} is no port`);
    const tokens: Tokens = { h: this.#hostName(), n: this.#query.host, p: port, r: user };
    const paths = (keyword: string, fallback: readonly string[]) => {
      const named = this.#values.get(keyword) ?? fallback;
      return named.filter((path) => path.toLowerCase() !== "none").map((path) => expandPath(path, tokens));
    };
    const agent = agentSocket(first("identityagent"), tokens);
    const alias = first("hostkeyalias");
    const jump = first("proxyjump");
    const command = (this.#values.get("proxycommand") ?? []).join(" ");
    const timeout = seconds(first("connecttimeout"));
    const alive = seconds(first("serveraliveinterval"));
    return {
      hostName: tokens.h,
      port: Number(port),
      user,
      ...(alias !== undefined && { hostKeyAlias: alias }),
      identityFiles: [...new Set(paths("identityfile", []))],
      identitiesOnly: first("identitiesonly")?.toLowerCase() === "yes",
      ...(agent !== undefined && { identityAgent: agent }),
      ...(jump !== undefined && jump.toLowerCase() !== "none" && { proxyJump: jump }),
      ...(command !== "" && command.toLowerCase() !== "none" && jump === undefined && { proxyCommand: command }),
      userKnownHostsFiles: paths("userknownhostsfile", ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"]),
      globalKnownHostsFiles: paths("globalknownhostsfile", ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"]),
      strictHostKeyChecking: strictness(first("stricthostkeychecking")),
      ...(timeout !== undefined && { connectTimeoutMs: timeout }),
      ...(alive !== undefined && { serverAliveIntervalMs: alive }),
    };
  }
}

/** A backslash stands before what would otherwise mean something, as in `DOMAIN\\user`. */
function unescaped(value: string): string {
  return value.replace(/\\([\\"' ])/g, "$1");
}

const REPEATABLE: ReadonlySet<string> = new Set(["identityfile"]);

interface Tokens {
  readonly h: string;
  readonly n: string;
  readonly p: string;
  readonly r: string;
}

function expandPath(path: string, tokens: Tokens): string {
  // Only what stands there is looked up: each of them asks the system.
  const all: Readonly<Record<string, () => string>> = {
    h: () => tokens.h,
    n: () => tokens.n,
    p: () => tokens.p,
    r: () => tokens.r,
    "%": () => "%",
    d: homedir,
    i: () => String(process.getuid?.() ?? ""),
    l: hostname,
    L: () => hostname().split(".")[0] ?? "",
    u: localUser,
  };
  const expanded = path
    .replace(/%(.)/g, (token, letter: string) => all[letter]?.() ?? token)
    .replace(/\$\{(\w+)\}/g, (reference, name: string) => process.env[name] ?? reference);
  return expanded === "~" || expanded.startsWith("~/") ? join(homedir(), expanded.slice(1)) : expanded;
}

function agentSocket(named: string | undefined, tokens: Tokens): string | undefined {
  if (named?.toLowerCase() === "none") return undefined;
  if (named === undefined || named === "SSH_AUTH_SOCK") return process.env["SSH_AUTH_SOCK"] || undefined;
  if (named.startsWith("$") && !named.startsWith("${")) return process.env[named.slice(1)] || undefined;
  return expandPath(named, tokens);
}

function strictness(value: string | undefined): SshSettings["strictHostKeyChecking"] {
  const word = value?.toLowerCase();
  if (word === "accept-new") return "accept-new";
  return word === "no" || word === "off" ? "no" : "ask";
}

// A number of seconds, or a time such as 1m30s.
function seconds(value: string | undefined): number | undefined {
  if (value === undefined || !/^(\d+[smhdw]?)+$/i.test(value)) return undefined;
  const unit: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
  const parts = [...value.toLowerCase().matchAll(/(\d+)([smhdw]?)/g)];
  const total = parts.reduce((sum, [, count, letter]) => sum + Number(count) * (unit[letter || "s"] ?? 1), 0);
  return total > 0 ? total * 1000 : undefined;
}

// Wildcards are honoured in the last part of the path, where everybody writes them.
async function filesOf(pattern: string, folder: string): Promise<readonly string[]> {
  const home = pattern.startsWith("~/") ? join(homedir(), pattern.slice(2)) : pattern;
  const path = isAbsolute(home) ? home : join(folder, home);
  if (!/[*?]/.test(basename(path))) return [path];
  const names = await readdir(dirname(path)).catch(() => []);
  const wanted = names.filter((name) => !name.startsWith(".") && matchesPatterns([basename(path)], name));
  return wanted.sort().map((name) => join(dirname(path), name));
}

function localUser(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env["USER"] ?? "root";
  }
}

function configurationProblem(message: string): ConnectionProblem {
  return new ConnectionProblem(
    "configuration",
    message,
    "correct the ssh configuration, or name another with -F FILE (or -F none)",
  );
}
