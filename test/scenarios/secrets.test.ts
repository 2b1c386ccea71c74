import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ADMIN_PASSWORD } from "../lab/boot.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { playbook, runProgram, told } from "./cli.ts";

// One for each way by which a secret gets in.
const SECRETS = {
  variable: "canary-var-83hf7",
  env: "canary-env-92jd1",
  file: "canary-file-7sk20",
  psk: "canary-psk-18qp4",
  sudo: ADMIN_PASSWORD,
};

let lab: Lab;
beforeAll(async () => {
  lab = await startLab({
    hosts: [{ name: "gw1", user: "admin", sudo: "password", vars: { ansible_become_password: ADMIN_PASSWORD } }],
  });
  await lab.host("gw1").write("/etc/ipsec.secrets", `172.16.0.1 203.0.113.9 : PSK "${SECRETS.psk}"\n`);
});
afterAll(async () => lab.stop());

function leaks(text: string): readonly string[] {
  return Object.entries(SECRETS).flatMap(([name, secret]) => (text.includes(secret) ? [name] : []));
}

/** Every command line of the machine, the lab's hosts included, again and again until told to stop. */
async function watchProcesses(until: Promise<unknown>): Promise<readonly string[]> {
  const seen = new Set<string>();
  let isOver = false;
  void until.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        seen.add(readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " "));
      } catch {
        // It ended meanwhile.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return [...seen];
}

function everyFile(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

it("keeps every secret out of all that it prints, writes and runs, and still puts it where it belongs", async () => {
  const host = lab.host("gw1");
  const output = join(lab.directory, "output");
  mkdirSync(output);
  writeFileSync(join(lab.directory, "token"), `${SECRETS.file}\n`);
  const file = playbook(
    lab,
    `- hosts: gateways
  become: true
  vars:
    peer_psk: ${SECRETS.variable}
  resources:
    - { name: one, libreswan_conn: { name: myvpn, options: { leftid: "@{{ peer_psk }}" } } }
    - { name: two, libreswan_conn: { name: other, options: { leftid: "@{{ env('CANARY') }}", rightid: "@{{ file('${lab.directory}/token') }}" } } }
    - { name: three, libreswan_setup: { options: { myvendorid: "{{ peer_psk }}" } } }
    - { name: "clamp for {{ peer_psk }}", tcp_mss_clamp: { mss: pmtu } }
`,
  );
  const texts: string[] = [];
  for (const args of [
    // No playbook tells facts what is secret, so it comes before the values stand in the host's files.
    ["facts", "--json"],
    ["validate", file, "-i", lab.inventoryPath],
    ["plan", file, "-vv"],
    ["apply", file, "-y", "--json"],
    ["drift", file, "-vv"],
  ]) {
    const fleet =
      args[0] === "validate" ? [] : ["-i", lab.inventoryPath, "-F", lab.sshConfigPath, "--log-file", join(output, "log")];
    const reports = ["plan", "apply", "drift"].includes(args[0] ?? "")
      ? ["markdown", "junit", "html", "jsonl", "json", "text"].flatMap((form) => [
          "--report",
          `${form}=${join(output, `${args[0]}.${form}`)}`,
        ])
      : [];
    const running = runProgram([...args, ...fleet, ...reports], { env: { CANARY: SECRETS.env } });
    const [ended, processes] = await Promise.all([running, watchProcesses(running)]);
    expect(leaks(processes.join("\n")), `ps during ${args.join(" ")}`).toEqual([]);
    expect(leaks(`${ended.stdout}${ended.stderr}`), `${args.join(" ")}`).toEqual([]);
    expect([0, 2], told(ended)).toContain(ended.exit);
    texts.push(...everyFile(output).map((path) => readFileSync(path, "utf8")));
  }
  expect(leaks(texts.join("\n"))).toEqual([]);
  expect(await host.read("/etc/ipsec.d/myvpn.conf")).toContain(`leftid=@${SECRETS.variable}`);
  expect(await host.read("/etc/ipsec.d/other.conf")).toMatch(
    new RegExp(`leftid=@${SECRETS.env}[\\s\\S]*rightid=@${SECRETS.file}`),
  );

  // What the host keeps of the run: for root alone, and no name of a file tells a secret.
  expect(await host.must("find /var/lib/ipsec-fix \\( -perm /077 -o -not -uid 0 \\) -not -path '*/files/*'")).toBe("");
  expect(leaks(await host.must("find / -xdev -newer /etc/hostname -not -path '/proc/*' 2>/dev/null; cat /var/log/sshd"))).toEqual(
    [],
  );
});

it("masks a secret that a host or a broken playbook says back", async () => {
  const file = playbook(
    lab,
    `- hosts: gateways
  become: true
  vars: { peer_psk: ${SECRETS.variable} }
  resources:
    - libreswan_conn: { name: "{{ peer_psk }}", options: { mtu: 1400 } }
    - { name: bad, tcp_mss_clamp: { mss: "{{ peer_psk }}" } }
`,
  );
  const refused = await runProgram(["plan", file, "-i", lab.inventoryPath, "-F", lab.sshConfigPath]);
  expect(refused.exit, told(refused)).toBe(65);
  expect(leaks(`${refused.stdout}${refused.stderr}`)).toEqual([]);
  const missing = playbook(
    lab,
    `- hosts: gateways\n  become: true\n  vars: { peer_psk: ${SECRETS.variable} }\n  resources:\n    - libreswan_conn: { name: "{{ peer_psk }}", options: { mtu: 1400 } }\n  verify:\n    - command: { argv: [sh, -c, "echo {{ peer_psk }}; exit 1"] }\n`,
  );
  const blocked = await runProgram(["apply", missing, "-y", "-i", lab.inventoryPath, "-F", lab.sshConfigPath]);
  expect(blocked.exit, told(blocked)).toBe(7);
  expect(leaks(`${blocked.stdout}${blocked.stderr}`)).toEqual([]);
  const checked = await runProgram(["verify", missing, "-i", lab.inventoryPath, "-F", lab.sshConfigPath]);
  expect(checked.exit, told(checked)).toBe(2);
  expect(leaks(`${checked.stdout}${checked.stderr}`)).toEqual([]);
});
