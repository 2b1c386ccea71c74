import { commandLine } from "../text/shell.ts";
import { ConnectionProblem } from "./connection-problem.ts";
import { readSshArguments, splitWords } from "./ssh-arguments.ts";
import { resolveSshSettings, type SshQuery, type SshSettings } from "./ssh-config.ts";
import type { ConnectOptions, Target } from "./transport.ts";

/** The logins that lead to a gateway, in order; the last one is the gateway itself. */
export async function resolveRoute(target: Target, options: ConnectOptions): Promise<readonly SshSettings[]> {
  checkNames(target);
  const given = readSshArguments(target.commonArgs ?? "");
  const settings = new Map(given.settings);
  const putFirst = (keyword: string, value: string | undefined) => {
    if (value !== undefined) settings.set(keyword, [value, ...(settings.get(keyword) ?? [])]);
  };
  putFirst("user", target.user);
  putFirst("port", target.port === undefined ? undefined : String(target.port));
  putFirst("identityfile", target.privateKey);
  const configFile = options.configFile ?? given.configFile;
  return routeTo({ host: target.address, settings, ...(configFile !== undefined && { configFile }) }, 0);
}

/** Refuses names that could be taken for options or hold control characters. */
export function checkNames(target: Target): void {
  for (const [what, value, pattern] of [
    ["address", target.address, /^[\p{L}\p{N}_.:][^\p{C}\s'"`$\\;&|<>(){}*?!]*$/u],
    // Accounts of a directory may be DOMAIN\user, user@domain or machine$.
    ["user", target.user ?? "root", /^[\p{L}\p{N}_.][^\p{C}\s'"`;&|<>(){}*?!]*(?<!\\)$/u],
  ] as const) {
    if (pattern.test(value)) continue;
    throw new ConnectionProblem(
      "configuration",
      `the ${what} ${JSON.stringify(value)} of ${JSON.stringify(target.name)} is not a name that ssh takes`,
      what === "address" ? "correct ansible_host in the inventory" : "correct ansible_user in the inventory",
    );
  }
}

/** The command with which a person logs in to this host. */
export function loginAdvice(target: Pick<Target, "address" | "port" | "user">): string {
  const port = target.port === undefined || target.port === 22 ? [] : ["-p", String(target.port)];
  return commandLine(["ssh", ...port, target.user === undefined ? target.address : `${target.user}@${target.address}`]);
}

// Nobody hops further; more of them is a jump host that leads to itself.
const MAX_HOPS = 16;

async function routeTo(query: SshQuery, depth: number): Promise<readonly SshSettings[]> {
  if (depth > MAX_HOPS) throw jumpProblem(`the jump host ${query.host} leads back to itself`);
  const settings = await resolveSshSettings(query);
  const jumps = settings.proxyCommand === undefined ? settings.proxyJump : jumpOf(settings.proxyCommand);
  if (settings.proxyCommand !== undefined && jumps === undefined) {
    throw new ConnectionProblem(
      "configuration",
      `${query.host} is reached by a ProxyCommand, which the ssh2 transport does not run`,
      "use ProxyJump, or set `ipsec_fix_transport: openssh` for this host",
    );
  }
  const route: SshSettings[] = [];
  for (const [index, jump] of (jumps?.split(",") ?? []).entries()) {
    const hop = await routeTo(jumpQuery(jump.trim(), query.configFile), depth + 1);
    // As in ssh: only the first jump host's own ProxyJump counts, the others are reached through their predecessor.
    route.push(...(index === 0 ? hop : hop.slice(-1)));
  }
  return [...route, settings];
}

/** `ssh -W %h:%p bastion`, as it was written before there was ProxyJump, and means. */
function jumpOf(command: string): string | undefined {
  const [program, ...words] = splitWords(command.replace(/^exec\s+/, ""));
  if (program === undefined || !/^(\/\S*\/)?ssh$/.test(program)) return undefined;
  const given: { W?: string; p?: string; l?: string; host?: string } = {};
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (/^-[aAkqTx4]+$/.test(word)) continue;
    const [, flag, rest] = /^-([Wpl])(.*)$/.exec(word) ?? [];
    if (flag === "W" || flag === "p" || flag === "l") given[flag] = rest || words.shift() || "";
    else if (given.host === undefined && /^[^-%]/.test(word)) given.host = word;
    else return undefined;
  }
  const { W: target, host, l: user, p: port } = given;
  if (host === undefined || !["%h:%p", "[%h]:%p"].includes(target ?? "")) return undefined;
  if (host.startsWith("ssh://") || /[,%]/.test(`${host}${user ?? ""}${port ?? ""}`)) return undefined;
  const [, ownUser, name = host] = /^(?:([^@]+)@)?(.*)$/.exec(host) ?? [];
  const login = ownUser ?? user;
  return `${login === undefined ? "" : `${login}@`}${name.includes(":") ? `[${name}]` : name}${port === undefined ? "" : `:${port}`}`;
}

function jumpQuery(jump: string, configFile: string | undefined): SshQuery {
  const parts = /^(?:ssh:\/\/)?(?:([^@]+)@)?(?:\[([^\]]+)\]|([^:@]+))(?::(\d+))?\/?$/.exec(jump);
  const host = parts?.[2] ?? parts?.[3];
  if (!parts || host === undefined) throw jumpProblem(`cannot read the jump host ${JSON.stringify(jump)}`);
  const settings = new Map<string, readonly string[]>();
  if (parts[1] !== undefined) settings.set("user", [parts[1]]);
  if (parts[4] !== undefined) settings.set("port", [parts[4]]);
  return { host, settings, ...(configFile !== undefined && { configFile }) };
}

function jumpProblem(message: string): ConnectionProblem {
  return new ConnectionProblem("configuration", message, "write ProxyJump as [user@]host[:port], several separated by commas");
}
