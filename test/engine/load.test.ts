import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { init } from "../../src/commands/init.ts";
import { validate } from "../../src/commands/validate.ts";
import { type Loaded, loadProject, type PlayHost } from "../../src/engine/load.ts";
import { newLookup } from "../../src/io/secrets.ts";
import { problemsText } from "../../src/text/squiggle.ts";

interface Given {
  readonly playbook: string;
  readonly inventory?: string;
  readonly groupVars?: Readonly<Record<string, string>>;
  readonly hostVars?: Readonly<Record<string, string>>;
  readonly extraVars?: readonly string[];
  readonly limit?: string;
  readonly tags?: readonly string[];
  readonly skipTags?: readonly string[];
  readonly target?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly allowCommands?: boolean;
}

const twoHosts = "[gateways]\ngw1 lan=10.0.1.1\ngw2 lan=10.0.2.1\n";

function load(given: Given): Promise<Loaded> {
  const vars = (of: "group" | "host", files: Readonly<Record<string, string>> = {}) =>
    Object.entries(files).map(([name, text]) => ({
      file: `${of}_vars/${name}.yml`,
      text,
      of,
      name,
      beside: "inventory" as const,
    }));
  return loadProject({
    playbook: { file: "pb/playbook.yml", text: given.playbook },
    inventory: [{ file: "inventory/hosts", text: given.inventory ?? twoHosts, form: "unknown" }],
    vars: [...vars("group", given.groupVars), ...vars("host", given.hostVars)],
    extraVars: (given.extraVars ?? []).map((text) => ({ file: "--extra-vars", text, isFile: false })),
    limit: given.limit,
    choice: { tags: given.tags ?? [], skipTags: given.skipTags ?? [], target: given.target ?? [] },
    lookup: newLookup({ environment: given.environment ?? {}, folder: "/", allowCommands: given.allowCommands ?? false }),
  });
}

async function loaded(given: Given) {
  const result = await load(given);
  if (!result.ok) throw new Error(problemsText(result.problems));
  return result.project;
}

async function firstHost(given: Given): Promise<PlayHost> {
  const [host] = (await loaded(given)).plays[0]?.hosts ?? [];
  if (host === undefined) throw new Error("no host");
  return host;
}

/** The value that a variable has where it is used, through every layer. */
async function effective(given: Omit<Given, "playbook"> & { readonly vars?: string }): Promise<unknown> {
  const playbook = `- hosts: gateways\n  vars: ${given.vars ?? "{}"}\n  resources:\n    - libreswan_conn: { name: a, options: { leftid: "{{ x }}" } }\n`;
  const { resources } = await firstHost({ ...given, playbook });
  return (resources[0]?.spec as { options: { leftid: unknown } } | undefined)?.options.leftid;
}

describe("which value of a variable counts", () => {
  const inventory =
    "all: { vars: { x: all }, children: { parent: { vars: { x: parent }, children: { gateways: { hosts: { gw1: } } } } } }";
  it("a parent's over all's", async () => expect(await effective({ inventory })).toBe("parent"));
  it("a child's over its parent's", async () => {
    expect(await effective({ inventory, groupVars: { all: "x: 1", gateways: "x: child", parent: "x: parent" } })).toBe("child");
  });
  it("a host's over its groups'", async () => {
    expect(await effective({ inventory, groupVars: { gateways: "x: child" }, hostVars: { gw1: "x: host" } })).toBe("host");
  });
  it("the play's over a host's", async () =>
    expect(await effective({ inventory, hostVars: { gw1: "x: host" }, vars: "{ x: play }" })).toBe("play"));
  it("the command line's over all, the last one first", async () => {
    expect(await effective({ inventory, vars: "{ x: play }", extraVars: ["x=one", "x='two words' y=1"] })).toBe("two words");
    expect(await effective({ inventory, extraVars: ['{"x": "json"}'] })).toBe("json");
  });
});

describe("options of ipsec.conf", () => {
  it("are text: numbers as written, booleans in Libreswan's words", async () => {
    const playbook = `- hosts: gateways
  vars: { number: 1400, truth: true, nothing: null }
  resources:
    - libreswan_conn:
        name: a
        options: { mtu: 1400, priority: 0x10, ikelifetime: 1e3, leftsubnet: 010, pfs: true, compress: no, esp: null, rekeyfuzz: "{{ number }}", dpddelay: "{{ number }}s", rekey: "{{ truth }}", ike: "{{ nothing }}" }
`;
    expect((await firstHost({ playbook })).resources[0]?.spec).toMatchObject({
      options: {
        mtu: "1400",
        priority: "0x10",
        ikelifetime: "1e3",
        leftsubnet: "010",
        pfs: "yes",
        compress: "no",
        esp: null,
        rekeyfuzz: "1400",
        dpddelay: "1400s",
        rekey: "yes",
        ike: null,
      },
    });
  });
});

describe("names and addresses", () => {
  it("come from the key parameter where none is given", async () => {
    const playbook = `- hosts: gateways
  resources:
    - nat_exemption: { conn: a }
    - nat_exemption: { conns: [b, "c*"] }
    - nat_exemption: { source: 10.0.0.0/8, destination: 192.168.0.0/16 }
    - nat_exemption: { match: policy }
    - tcp_mss_clamp: {}
    - tcp_mss_clamp: { in: eth0, mss: 1380 }
    - libreswan_setup: { options: { plutodebug: all, logfile: /x } }
    - crypto_policy: { follow: false }
    - ipsec_service
    - name: "for {{ inventory_hostname }}"
      tunnel: { conn: a, state: down }
`;
    expect((await firstHost({ playbook })).resources.map(({ address }) => address)).toEqual([
      "nat_exemption[a]",
      "nat_exemption[b,c*]",
      "nat_exemption[10.0.0.0/8 -> 192.168.0.0/16]",
      "nat_exemption[policy]",
      "tcp_mss_clamp[pmtu]",
      "tcp_mss_clamp[eth0]",
      "libreswan_setup[plutodebug,logfile]",
      "crypto_policy[host]",
      "ipsec_service[host]",
      "tunnel[for gw1]",
    ]);
  });

  it("an empty spec of gateway_sysctls manages all three, a partial one only what it names", async () => {
    const spec = async (text: string) =>
      (await firstHost({ playbook: `- hosts: gateways\n  resources:\n    - gateway_sysctls: ${text}\n` })).resources[0]?.spec;
    expect(await spec("{}")).toEqual({ forwarding: true, redirects: false, rp_filter: "loose" });
    expect(await spec("")).toEqual({ forwarding: true, redirects: false, rp_filter: "loose" });
    expect(await spec("{ forwarding: true }")).toEqual({ forwarding: true });
  });
});

describe("what takes part", () => {
  const playbook = `- hosts: gateways
  tags: [whole]
  resources:
    - tunnel: { conn: a, state: down }
      tags: [one]
    - tunnel: { conn: b, state: down }
      tags: [two, never]
    - tunnel: { conn: c, state: down }
      tags: [always]
    - tunnel: { conn: d, state: down }
`;
  it.each<[Partial<Given>, string]>([
    [{}, "a c d"],
    [{ tags: ["one"] }, "a c"],
    [{ tags: ["two"] }, "b c"],
    [{ tags: ["whole"] }, "a b c d"],
    [{ tags: ["nothing"] }, "c"],
    [{ skipTags: ["one"] }, "c d"],
    [{ skipTags: ["always"] }, "a d"],
    [{ target: ["tunnel[a]", "d"] }, "a d"],
    [{ target: ["tunnel[*]"] }, "a c d"],
  ])("%j", async (choice, conns) => {
    const { resources } = await firstHost({ playbook, ...choice });
    expect(resources.map(({ name }) => name).join(" ")).toBe(conns);
  });

  it.each(["", " ", ",", "\t,"])("a limit %j without a name is no limit to all hosts", async (limit) => {
    const result = await load({ playbook: "- { hosts: all, resources: [] }\n", limit });
    expect(result).toMatchObject({ ok: false, exit: 64, problems: [{ message: "--limit names no host" }] });
  });

  it("a limit narrows each play, and a play may end up without hosts", async () => {
    const two = "- { hosts: gw1, resources: [] }\n- { hosts: gateways, resources: [] }\n";
    const { plays } = await loaded({ playbook: two, limit: "gw2" });
    expect(plays.map(({ hosts }) => hosts.map(({ host }) => host.name))).toEqual([[], ["gw2"]]);
  });

  it("no host at all is exit 64, with the pattern", async () => {
    const result = await load({ playbook, limit: "gw9" });
    expect(result).toMatchObject({ ok: false, exit: 64 });
    expect(problemsText(result.problems)).toBe(
      'warning: --limit: no host or group matches "gw9" (did you mean "gw1"?)\n--limit "gw9" leaves no host of "gateways"',
    );
  });

  it("localhost needs no inventory", async () => {
    const { host } = await firstHost({ playbook: "- { hosts: localhost, resources: [] }\n" });
    expect(host.connection).toMatchObject({ name: "localhost", connection: "local" });
  });

  it("batches stay as they are written", async () => {
    const { plays } = await loaded({
      playbook: '- { hosts: "{{ who }}", serial: [1, "50%"], max_fail: 2, become: true, resources: [] }\n',
      extraVars: ["who=gateways"],
    });
    expect(plays[0]).toMatchObject({ serial: [1, "50%"], maxFail: 2, become: true, name: "play 1" });
  });
});

describe("conditions", () => {
  const playbook = `- hosts: gateways
  resources:
    - tunnel: { conn: a, state: down }
    - tunnel: { conn: "{{ only_elsewhere }}", state: down }
      when: only_elsewhere is defined
    - tunnel: { conn: c, state: down }
      when: facts.libreswan.version is version('5.0', '>=') and lan == '10.0.1.1'
    - tunnel: { conn: d, state: down }
      when: true
`;
  it("over variables are decided at once; what they leave out is not even rendered", async () => {
    const { resources, skipped } = await firstHost({ playbook });
    expect(resources.map(({ name }) => name)).toEqual(["a", "c", "d"]);
    expect(skipped).toEqual([
      {
        index: 1,
        address: "tunnel[{{ only_elsewhere }}]",
        kind: "tunnel",
        name: "{{ only_elsewhere }}",
        reason: "when: only_elsewhere is defined",
      },
    ]);
  });

  it("over facts wait for the host", async () => {
    const { resources, holds } = await firstHost({ playbook });
    const when = resources[1]?.when ?? "";
    expect(holds(when, { libreswan: { version: "5.2" } })).toEqual({ holds: true });
    expect(holds(when, { libreswan: { version: "4.15" } })).toEqual({ holds: false });
    expect(holds(when, { libreswan: { version: null } })).toEqual({ holds: false });
    expect(holds(when, { os: { id: "rhel" } })).toMatchObject({ problem: 'no fact "facts.libreswan.version"' });
  });
});

describe("other hosts and the host itself", () => {
  it("are known by Ansible's names", async () => {
    const playbook = `- hosts: gateways
  resources:
    - libreswan_conn:
        name: a
        options:
          left: "{{ inventory_hostname }}"
          leftid: "{{ inventory_hostname_short }}"
          right: "{{ hostvars['gw2.example'].lan }}"
          rightid: "{{ groups['gateways'] | join('+') }}"
          leftcert: "{{ group_names | join('+') }}"
          rightcert: "{{ playbook_dir }} {{ inventory_dir }}"
`;
    const inventory = "[gateways]\ngw1.example\ngw2.example lan='{{ net }}.1' net=10.0.2\n[more]\ngw1.example\n";
    expect((await firstHost({ playbook, inventory })).resources[0]?.spec).toMatchObject({
      options: {
        left: "gw1.example",
        leftid: "gw1",
        right: "10.0.2.1",
        rightid: "gw1.example+gw2.example",
        leftcert: "gateways+more",
        rightcert: "pb inventory",
      },
    });
  });
});

describe("connections", () => {
  const connection = async (words: string, environment: Readonly<Record<string, string>> = {}) =>
    (await firstHost({ playbook: "- { hosts: all, resources: [] }\n", inventory: `gw1 ${words}\n`, environment })).host
      .connection;

  it("follow the variables that Ansible users write", async () => {
    expect(await connection("")).toEqual({ name: "gw1", address: "gw1", connection: "ssh", transport: "ssh2" });
    expect(
      await connection(
        "ansible_host=192.0.2.1 ansible_port=2222 ansible_user=admin ansible_ssh_private_key_file=~/.ssh/k ansible_become=yes ipsec_fix_transport=openssh ansible_ssh_common_args='-o ProxyJump=b' ansible_python_interpreter=/x",
      ),
    ).toEqual({
      name: "gw1",
      address: "192.0.2.1",
      port: 2222,
      user: "admin",
      privateKey: "~/.ssh/k",
      become: true,
      connection: "ssh",
      transport: "openssh",
      commonArgs: "-o ProxyJump=b",
    });
    expect(
      await connection(
        "ansible_ssh_host=192.0.2.1 ansible_ssh_port=22 ansible_ssh_user=u ansible_become=false ansible_connection=local",
      ),
    ).toMatchObject({
      address: "192.0.2.1",
      port: 22,
      user: "u",
      become: false,
      connection: "local",
    });
  });

  it("take ssh's options in Ansible's order", async () => {
    const { commonArgs } = await connection("ansible_ssh_extra_args=-4 ansible_ssh_common_args='-J b' ansible_ssh_args='-C -q'");
    expect(commonArgs).toBe("-C -q -J b -4");
  });

  it("hold passwords by name only", async () => {
    const { password, becomePassword } = await connection(
      `ansible_password="{{ lookup('env', 'PW') }}" ansible_become_pass=clear-text`,
      { PW: "correct horse" },
    );
    expect([password, becomePassword]).toEqual(["\uE000secret:env:PW\uE001", "\uE000secret:gw1:ansible_become_pass\uE001"]);
  });

  it.each([
    ["ansible_port=0", 'inventory/hosts:1:1: gw1: "0" is no port'],
    ["ansible_connection=winrm", 'gw1: ansible_connection is ssh or local, not "winrm"'],
    ["ansible_become_method=su", 'gw1: ansible_become_method is "su": ipsec-fix becomes root by sudo alone'],
    ["ansible_become=perhaps", 'gw1: ansible_become is true or false, not "perhaps"'],
    ["ansible_password=abc", 'gw1: the secret variable "ansible_password" is shorter than 4 characters'],
    ["ansible_host={{nope}}", 'gw1: undefined variable "nope" (in the variable "ansible_host"'],
  ])("%s is refused with its reason", async (words, message) => {
    const result = await load({ playbook: "- { hosts: all, resources: [] }\n", inventory: `gw1 ${words}\n` });
    expect(problemsText(result.problems)).toContain(message);
  });

  it("a vaulted value is a problem only where it is used", async () => {
    const inventory = "all:\n  hosts:\n    gw1:\n      other: !vault |\n        $ANSIBLE_VAULT;1.1;AES256\n        6162\n";
    expect((await load({ playbook: "- { hosts: all, resources: [] }\n", inventory })).ok).toBe(true);
    const used = await load({
      playbook: '- { hosts: all, resources: [ { tunnel: { conn: "{{ other }}", state: down } } ] }\n',
      inventory,
    });
    expect(problemsText(used.problems)).toContain("this value is encrypted with ansible-vault, which ipsec-fix does not open");
  });
});

describe("secrets", () => {
  const playbook = `- hosts: gateways
  vars: { play_psk: "{{ env('PSK') }}" }
  resources:
    - libreswan_conn: { name: a, options: { leftid: "{{ play_psk }}", rightid: "x{{ site_secret }}y", left: "{{ vpn.deep_password }}" } }
`;

  it("stand in specs as tokens by name, and their values in the book alone", async () => {
    const canaries = fc.uniqueArray(
      fc.stringMatching(/^[A-Za-z0-9!#$%^&*()<>?/'"\\@~ -]{6,20}$/).map((text) => `canary${text}`),
      { minLength: 3, maxLength: 3 },
    );
    await fc.assert(
      fc.asyncProperty(canaries, async ([psk = "", secret = "", deep = ""]) => {
        const project = await loaded({
          playbook,
          groupVars: { gateways: JSON.stringify({ site_secret: secret, vpn: { deep_password: deep } }) },
          environment: { PSK: psk },
        });
        const { secrets, ...rest } = project;
        expect(JSON.stringify(rest)).not.toContain("canary");
        expect([...secrets.tokens().keys()].sort()).toEqual([psk, secret, deep].sort());
      }),
      { numRuns: 20 },
    );
  });

  it("keep their names however many hosts there are", async () => {
    const tokens = async (limit?: string) => {
      const { secrets } = await loaded({
        playbook,
        groupVars: { gateways: "site_secret: shared\nvpn: { deep_password: 'of {{ inventory_hostname }}' }\n" },
        environment: { PSK: "correct horse" },
        ...(limit === undefined ? {} : { limit }),
      });
      return [...secrets.tokens().values()].map((token) => token.slice(8, -1)).sort();
    };
    expect(await tokens()).toEqual(["env:PSK", "gateways:site_secret", "gw1:vpn.deep_password", "gw2:vpn.deep_password"]);
    expect(await tokens("gw2")).toEqual(["env:PSK", "gateways:site_secret", "gw2:vpn.deep_password"]);
  });

  it("that no template uses are masked all the same, but never looked up for it", async () => {
    const inventory = `gw1 spare_psk=unused-value other_psk="{{ lookup('pipe', 'exit 1') }}"\n`;
    const { secrets } = await loaded({ playbook: "- { hosts: gw1, resources: [] }\n", inventory, allowCommands: true });
    expect([...secrets.tokens().keys()]).toEqual(["unused-value"]);
  });

  it("come from commands only when commands are allowed", async () => {
    const command =
      "- hosts: gw1\n  resources:\n    - libreswan_conn: { name: a, options: { leftid: \"{{ command('printf %s from-a-program') }}\" } }\n";
    const refused = await load({ playbook: command });
    expect(problemsText(refused.problems)).toContain("allow it with --allow-commands");
    const { secrets } = await loaded({ playbook: command, allowCommands: true });
    expect([...secrets.tokens().keys()]).toEqual(["from-a-program"]);
  });

  it("a failing command repeats nothing of what it printed", async () => {
    const command =
      "- hosts: gw1\n  resources:\n    - libreswan_conn: { name: a, options: { leftid: \"{{ command('echo canary; exit 3') }}\" } }\n";
    const result = await load({ playbook: command, allowCommands: true });
    expect(result.problems[0]?.message).toBe('command("echo canary; exit 3") ended with exit 3');
  });
});

describe("hostile playbooks", () => {
  it("never throw, whatever stands where", async () => {
    const value = fc.letrec((tie) => ({
      data: fc.oneof(
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.constantFrom("{{ x }}", "{{", "{% if %}", "\uE000", "`$(reboot)`"),
        fc.array(tie("data"), { maxLength: 3 }),
        fc.dictionary(fc.string(), tie("data"), { maxKeys: 3 }),
      ),
    })).data;
    const key = fc.constantFrom(
      "hosts",
      "vars",
      "serial",
      "resources",
      "verify",
      "name",
      "tags",
      "nat_exemption",
      "libreswan_conn",
      "options",
      "conn",
      "when",
      "ping",
      "__proto__",
      "constructor",
    );
    const map = fc.dictionary(
      key,
      fc.oneof(value, fc.array(fc.dictionary(key, fc.oneof(value, fc.dictionary(key, value))), { maxLength: 3 })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(map, { maxLength: 2 }), async (plays) => {
        const result = await load({ playbook: JSON.stringify(plays.map((play) => ({ hosts: "all", ...play }))) });
        problemsText(result.problems);
      }),
      { numRuns: 60 },
    );
  });

  it("hand every hostile value on as it is, inside the limits of its schema", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "binary", minLength: 1 }).filter((text) => !/[\r\n\0\uE000\uE001]|\{[{%#]|^\$ANSIBLE_VAULT/.test(text)),
        async (text) => {
          const playbook = JSON.stringify([
            { hosts: "gw1", resources: [{ libreswan_conn: { name: "a", options: { leftid: text } } }] },
          ]);
          expect((await firstHost({ playbook })).resources[0]?.spec).toMatchObject({ options: { leftid: text } });
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("validate and init", () => {
  const folder = mkdtempSync(join(tmpdir(), "ipsec-fix-init-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const said: string[] = [];
  const out = (text: string): void => void said.push(text);

  it("init lays a project that validate accepts, and leaves a folder with anything in it alone", async () => {
    const project = join(folder, "new");
    expect(init({ directory: project }, out)).toBe(0);
    expect(
      await validate(
        { playbook: join(project, "playbook.yml"), inventory: [join(project, "inventory")], extraVars: [], json: true },
        out,
      ),
    ).toBe(0);
    expect(JSON.parse(said.at(-1) ?? "")).toEqual({ valid: true, problems: [] });
    const before = readdirSync(project);
    writeFileSync(join(project, "playbook.yml"), "mine");
    expect(init({ directory: project }, out)).toBe(1);
    expect(readFileSync(join(project, "playbook.yml"), "utf8")).toBe("mine");
    expect(readdirSync(project)).toEqual(before);
    expect(said.at(-1)).toContain("is not empty (inventory, playbook.yml, schemas): nothing was written");
    expect(init({ directory: join(project, "playbook.yml") }, out)).toBe(1);
    expect(said.at(-1)).toMatch(/playbook\.yml: a part of the path is no folder\n$/);
  });

  it("validate needs no secret, runs nothing, and counts what it found", async () => {
    const playbook = join(folder, "p.yml");
    const marker = join(folder, "ran");
    writeFileSync(
      playbook,
      `- hosts: all\n  resources:\n    - libreswan_conn: { name: "{{ env('NOT_SET') }}", options: { leftid: "{{ command('touch ${marker}') }}" } }\n    - tunel: {}\n`,
    );
    expect(await validate({ playbook, inventory: ["gw1,"], extraVars: [], json: false }, out)).toBe(65);
    expect(said.at(-1)).toMatch(/p\.yml:4:7: unknown key "tunel" \(did you mean "tunnel"\?\).*p\.yml: 1 error\n$/s);
    expect(readdirSync(folder)).not.toContain("ran");
  });

  it("validate checks a playbook without an inventory as far as that goes", async () => {
    const playbook = join(folder, "alone.yml");
    writeFileSync(playbook, "- hosts: gateways\n  resources:\n    - ipsec_service: {}\n");
    const here = process.cwd();
    process.chdir(folder);
    try {
      expect(await validate({ playbook, inventory: [], extraVars: [], json: false }, out)).toBe(0);
    } finally {
      process.chdir(here);
    }
    expect(said.at(-1)).toContain("warning: there is no inventory");
  });
});
