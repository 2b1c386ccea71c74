import type { Connection, HostEntry } from "../model/host.ts";
import type { Json } from "../model/plan.ts";
import type { Problem } from "../model/problem.ts";
import { errorAt } from "../text/place.ts";
import type { Variables } from "./inventory.ts";
import type { HostScope } from "./scope.ts";

/** What a host's variables say of how to reach it, under Ansible's names, the older ones included. */
export function hostEntry(
  name: string,
  groups: readonly string[],
  variables: Variables,
  scope: HostScope,
): { readonly entry: HostEntry; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const reader = readerOf(name, variables, scope, problems);
  const local = reader.connection();
  const port = reader.port();
  const become = reader.flag("ansible_become", "ansible_ssh_become", "ansible_sudo");
  reader.only("ansible_become_method", "sudo", "ipsec-fix becomes root by sudo alone");
  reader.only("ansible_become_user", "root", "ipsec-fix works as root alone");
  const args = ["ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"].flatMap(
    (name) => reader.text(name) ?? [],
  );
  const connection: Connection = {
    name,
    address: reader.text("ansible_host", "ansible_ssh_host") ?? name,
    connection: local ? "local" : "ssh",
    transport: reader.transport(),
    ...present("port", port),
    ...present("user", reader.text("ansible_user", "ansible_ssh_user", "remote_user")),
    ...present("privateKey", reader.text("ansible_ssh_private_key_file", "ansible_private_key_file")),
    ...present("password", reader.text("ansible_password", "ansible_ssh_password", "ansible_ssh_pass")),
    ...present("become", become),
    ...present("becomePassword", reader.text("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass")),
    ...present("commonArgs", args.length === 0 ? undefined : args.join(" ")),
  };
  return { entry: { name, groups, connection }, problems };
}

function present<Key extends string, Value>(key: Key, value: Value | undefined): { readonly [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [K in Key]?: Value });
}

interface Reader {
  readonly text: (...names: readonly string[]) => string | undefined;
  readonly flag: (...names: readonly string[]) => boolean | undefined;
  readonly only: (name: string, value: string, otherwise: string) => void;
  readonly port: () => number | undefined;
  readonly connection: () => boolean;
  readonly transport: () => "ssh2" | "openssh";
}

function readerOf(host: string, variables: Variables, scope: HostScope, problems: Problem[]): Reader {
  const complain = (name: string, message: string): void => {
    const place = variables.get(name)?.place?.([]);
    problems.push(
      place === undefined ? { severity: "error", message: `${host}: ${message}` } : errorAt(place, `${host}: ${message}`),
    );
  };
  const value = (...names: readonly string[]): { readonly name: string; readonly value: Json } | undefined => {
    const name = names.find((candidate) => variables.has(candidate));
    if (name === undefined) return undefined;
    const found = scope.variable(name);
    if (found !== undefined) return found === null || found === "" ? undefined : { name, value: found };
    complain(name, scope.whyNot(name) ?? `${name} has no value`);
    return undefined;
  };
  const text = (...names: readonly string[]): string | undefined => {
    const found = value(...names);
    if (found === undefined) return undefined;
    if (typeof found.value !== "object") return String(found.value);
    complain(found.name, `${found.name} is text`);
    return undefined;
  };
  const choice = <Word extends string>(
    name: string,
    allowed: Readonly<Record<string, Word>>,
    fallback: Word,
    say: string,
  ): Word => {
    const found = text(name);
    if (found === undefined) return fallback;
    const chosen = allowed[found];
    if (chosen === undefined) complain(name, `${name} is ${say}, not "${found}"`);
    return chosen ?? fallback;
  };
  return {
    text,
    flag: (...names) => {
      const found = value(...names);
      if (found === undefined) return undefined;
      const word = String(found.value).toLowerCase();
      if (["true", "yes", "on", "1", "y", "t"].includes(word)) return true;
      if (["false", "no", "off", "0", "n", "f"].includes(word)) return false;
      complain(found.name, `${found.name} is true or false, not "${word}"`);
      return undefined;
    },
    only: (name, wanted, otherwise) => {
      const found = text(name);
      if (found !== undefined && found !== wanted) complain(name, `${name} is "${found}": ${otherwise}`);
    },
    port: () => {
      const found = text("ansible_port", "ansible_ssh_port");
      const port = Number(found);
      if (found === undefined || (Number.isInteger(port) && port > 0 && port < 65_536))
        return found === undefined ? undefined : port;
      complain(variables.has("ansible_port") ? "ansible_port" : "ansible_ssh_port", `"${found}" is no port`);
      return undefined;
    },
    connection: () => choice("ansible_connection", CONNECTIONS, "ssh", "ssh or local") === "local",
    transport: () => choice("ipsec_fix_transport", { ssh2: "ssh2", openssh: "openssh" }, "ssh2", "ssh2 or openssh"),
  };
}

const CONNECTIONS: Readonly<Record<string, "ssh" | "local">> = {
  ssh: "ssh",
  smart: "ssh",
  paramiko: "ssh",
  paramiko_ssh: "ssh",
  libssh: "ssh",
  "ansible.builtin.ssh": "ssh",
  local: "local",
  "ansible.builtin.local": "local",
};
