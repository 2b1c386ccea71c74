// The main job on two faulty gateways of the lab, from the fault to its correction by the scheduled run.
import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startPluto } from "../test/lab/daemons.ts";
import { masquerade } from "../test/lab/faults.ts";
import { labIsPossible } from "../test/lab/host.ts";
import { startLab } from "../test/lab/lab.ts";
import { startTraffic, type Traffic } from "../test/lab/traffic.ts";

const PLAYBOOK = `- name: Site-to-site gateways carry tunnel traffic unharmed
  hosts: gateways
  vars:
    conn: myvpn
  resources:
    - name: Tunnel subnets bypass NAT
      nat_exemption: { conn: "{{ conn }}" }
    - tcp_mss_clamp: { mss: pmtu }
    - libreswan_conn:
        name: "{{ conn }}"
        options: { mtu: 1400 }
    - gateway_sysctls: { forwarding: true, redirects: false, rp_filter: loose }
`;
const CLIENT = "10.0.2.33";
const REMOTE = "192.168.7.9";
// One flow all the time: connection tracking must forget how it was treated before the repair.
const PORT = 40_000;

const program = fileURLToPath(new URL("../dist/main.js", import.meta.url));
if (!existsSync(program)) stop("dist/main.js is missing: run `npm run build` first");
if (!labIsPossible()) stop("the demo needs Linux and root: it makes its gateways out of namespaces");

const coloured = process.stdout.isTTY && !process.env["NO_COLOR"];
const paint = (code: number) => (text: string) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);
const [bold, dim, green, red] = [paint(1), paint(2), paint(32), paint(31)];
const begun = Date.now();
const checks: { readonly what: string; readonly seen: string; readonly ok: boolean }[] = [];

const lab = await startLab({ hosts: [{ name: "gw-east" }, { name: "gw-west" }] });
const east = lab.host("gw-east");
const west = lab.host("gw-west");
const playbook = join(lab.directory, "playbook.yml");
writeFileSync(playbook, PLAYBOOK);
try {
  await show();
} finally {
  await lab.stop();
}
summarize();

async function show(): Promise<void> {
  chapter("Two gateways, both with an exemption that does nothing");
  await masquerade(east, { backend: "iptables-nft", exemption: "below" });
  await masquerade(west, { backend: "nft-inet", chain: "user", exemption: "below" });
  say("gw-east (iptables): the rule is there, and stands below the masquerade:");
  quoteLines(await east.must("iptables -t nat -S POSTROUTING"), /-A/);
  say("gw-west (nftables): the masquerade hides in a chain that is jumped to first:");
  quoteLines(await west.must("nft list table inet nat"), /chain|jump|masquerade|return|}/);
  say("Both run pluto with the conn myvpn, without an mtu. A client sends a packet into the tunnel's network:");
  await Promise.all([startPluto(east), startPluto(west)]);
  const traffic = new Map([
    [east.name, await startTraffic(east)],
    [west.name, await startTraffic(west)],
  ]);
  await packets(traffic, "172.16.0.1", "misses the tunnel");

  chapter("ipsec-fix plan: what would change, and why");
  await command(2, "plan");
  chapter("ipsec-fix apply: one transaction a host, verified over a new connection");
  await command(0, "apply", "-y", "--out", join(lab.directory, "report.txt"));
  await packets(traffic, CLIENT, "keeps its address");
  chapter("ipsec-fix plan again: nothing left to do");
  await command(0, "plan");

  chapter("Somebody deletes the rule by hand; the scheduled run notices");
  await east.must("iptables -t nat -D POSTROUTING 1");
  await command(2, "drift");
  chapter("ipsec-fix drift --fix");
  await command(0, "drift", "--fix");
  await command(0, "plan");
  await packets(traffic, CLIENT, "keeps its address again");
  await Promise.all([...traffic.values()].map((one) => one.stop()));
}

async function packets(traffic: ReadonlyMap<string, Traffic>, wanted: string, meaning: string): Promise<void> {
  for (const [name, one] of traffic) {
    const source = (await one.source({ from: CLIENT, to: REMOTE, port: PORT })) ?? "nowhere";
    check(`${name}: a packet ${CLIENT} -> ${REMOTE} ${meaning}`, `arrives from ${source}`, source === wanted);
  }
}

function command(wanted: number, ...words: string[]): Promise<void> {
  const [verb = "", ...flags] = words;
  const shown = ["ipsec-fix", verb, "playbook.yml", ...flags.map((flag) => basename(flag))].join(" ");
  console.log(`${bold("$")} ${bold(shown)}\n`);
  const argv = [program, verb, playbook, "-i", lab.inventoryPath, "-F", lab.sshConfigPath, ...flags];
  return new Promise((resolve) => {
    const started = Date.now();
    spawn(process.execPath, argv, { stdio: ["ignore", "inherit", "inherit"] }).on("close", (code) => {
      console.log("");
      check(
        `ipsec-fix ${verb}${flags.includes("--fix") ? " --fix" : ""}`,
        `exit ${code} in ${((Date.now() - started) / 1000).toFixed(1)} s`,
        code === wanted,
      );
      resolve();
    });
  });
}

function chapter(title: string): void {
  console.log(`\n${bold(`── ${title} ${"─".repeat(Math.max(0, 76 - title.length))}`)}\n`);
}

function say(text: string): void {
  console.log(text);
}

function quoteLines(text: string, keep: RegExp): void {
  for (const line of text.split("\n").filter((one) => keep.test(one))) console.log(dim(`  ${line.replaceAll("\t", "  ")}`));
  console.log("");
}

function check(what: string, seen: string, ok: boolean): void {
  checks.push({ what, seen, ok });
  console.log(`${ok ? green("✔") : red("✘")} ${what}: ${seen}`);
}

function summarize(): void {
  chapter("Summary");
  for (const { what, seen, ok } of checks) console.log(`${ok ? green("✔") : red("✘")} ${what.padEnd(66)} ${dim(seen)}`);
  const failed = checks.filter(({ ok }) => !ok).length;
  const took = `${((Date.now() - begun) / 1000).toFixed(1)} s`;
  console.log(
    failed === 0 ? `\nAll ${checks.length} as expected, in ${took}.` : `\n${failed} of ${checks.length} not as expected.`,
  );
  process.exitCode = failed === 0 ? 0 : 1;
}

function stop(reason: string): never {
  console.error(`demo: ${reason}`);
  process.exit(1);
}
