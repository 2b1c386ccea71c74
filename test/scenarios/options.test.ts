import { spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { masquerade } from "../lab/faults.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { type Ended, run } from "../lab/process.ts";
import { documentErrors } from "../plan-document.ts";
import { hostOf, ipsecFix, ipsecFixJson, playbook, program, resourceOf, resources, runProgram, told } from "./cli.ts";
import { hostState, stateDifference } from "./host-state.ts";

const EXEMPTION = "nat_exemption: { conn: myvpn }";
const mtu = (value: number): string => `libreswan_conn: { name: myvpn, options: { mtu: ${value} } }`;

let lab: Lab;
beforeAll(async () => {
  lab = await startLab({ hosts: 4 });
  await Promise.all(lab.hosts.map((host) => masquerade(host, { backend: "iptables-nft", exemption: "below" })));
});
afterAll(async () => lab.stop());

/** The addresses of a host's resources that take part. */
async function planned(file: string, ...args: readonly string[]): Promise<readonly string[]> {
  const { plan } = await ipsecFixJson(lab, "plan", file, "-l", "gw1", ...args);
  return hostOf(plan, "gw1")
    .resources.filter(({ outcome }) => outcome !== "skipped")
    .map(({ address }) => address);
}

describe("what takes part", () => {
  it("is chosen by every form of --limit", async () => {
    writeFileSync(join(lab.directory, "again.retry"), "gw2\ngw4\n");
    const file = resources(lab, EXEMPTION);
    const hosts = async (limit: string): Promise<readonly string[]> =>
      (await ipsecFixJson(lab, "plan", file, "-l", limit)).plan.hosts.map(({ host }) => host);
    expect(await hosts("gw1")).toEqual(["gw1"]);
    expect(await hosts("gateways[0:1],gw4")).toEqual(["gw1", "gw2", "gw4"]);
    expect(await hosts("gateways:!gw1:!gw3")).toEqual(["gw2", "gw4"]);
    expect(await hosts("gateways:&gw*:!~gw[12]")).toEqual(["gw3", "gw4"]);
    expect(await hosts(`@${join(lab.directory, "again.retry")}`)).toEqual(["gw2", "gw4"]);
    const nobody = await ipsecFix(lab, "plan", file, "-l", "nobody*");
    expect(nobody.exit, told(nobody)).toBe(64);
  });

  it("is chosen by tags, addresses and conditions", async () => {
    const file = resources(
      lab,
      `{ name: nat, tags: [firewall], ${EXEMPTION} }`,
      "{ name: clamp, tags: [firewall, mss], tcp_mss_clamp: { mss: pmtu } }",
      `{ name: new, when: "facts.libreswan.version is version('5.0', '>=')", ${mtu(1400)} }`,
      `{ name: old, when: "facts.libreswan.version is version('5.0', '<')", ${mtu(1380)} }`,
    );
    expect(await planned(file)).toEqual(["nat_exemption[nat]", "tcp_mss_clamp[clamp]", "libreswan_conn[old]"]);
    expect(await planned(file, "-t", "mss")).toEqual(["tcp_mss_clamp[clamp]"]);
    expect(await planned(file, "--skip-tags", "firewall")).toEqual(["libreswan_conn[old]"]);
    expect(await planned(file, "--target", "nat_exemption[nat]")).toEqual(["nat_exemption[nat]"]);
    const { plan } = await ipsecFixJson(lab, "plan", file, "-l", "gw1");
    const skipped = hostOf(plan, "gw1").resources.find(({ name }) => name === "new");
    expect(skipped).toMatchObject({ outcome: "skipped", changes: [] });
    expect(skipped?.reason).toMatch(/version/);
  });

  it("leaves a property alone that may drift, and creates it where it is missing", async () => {
    const file = resources(
      lab,
      "{ name: kept, ignore_drift: [mtu], libreswan_conn: { name: other, options: { mtu: 1400, dpddelay: 30 } } }",
      `{ name: made, ignore_drift: [mtu], ${mtu(1400)} }`,
    );
    const { plan } = await ipsecFixJson(lab, "plan", file, "-l", "gw1");
    const changes = hostOf(plan, "gw1").resources.map(({ name, changes: list }) => [name, list.map(({ property }) => property)]);
    expect(changes).toEqual([
      ["kept", ["dpddelay"]],
      ["made", ["mtu"]],
    ]);
  });
});

describe("what a run says", () => {
  it("comes in every form at once, each fit for its reader", async () => {
    const at = (name: string): string => join(lab.directory, name);
    const reports = ["json", "jsonl", "markdown", "junit", "html"].flatMap((form) => ["--report", `${form}=${at(form)}`]);
    const file = resources(lab, EXEMPTION, "bond_esp_offload: { bond: bond0 }");
    const ended = await ipsecFix(lab, "plan", file, "-l", "gw1,gw2", ...reports, "--log-file", at("log"));
    expect(ended.exit, told(ended)).toBe(7);
    expect(ended.stdout).toMatch(/^Plan: 0 to add, .* 2 to move, .* on 2 of 2 hosts$/m);
    const read = (name: string): string => readFileSync(at(name), "utf8");
    expect(documentErrors("plan", JSON.parse(read("json")))).toEqual([]);
    expect(
      read("jsonl")
        .trim()
        .split("\n")
        .map((line) => typeof JSON.parse(line)),
    ).toEqual(["object", "object", "object"]);
    expect(read("markdown")).toMatch(/^# /);
    expect(read("junit")).toMatch(/<testsuites?[ >][\s\S]*gw2[\s\S]*<\/testsuites?>/);
    expect(read("html")).toMatch(/<!doctype html>[\s\S]*gw1/i);
    const log = read("log")
      .trim()
      .split("\n")
      .map((line): { event: string } => JSON.parse(line));
    expect(log.filter(({ event }) => event === "finished")).toHaveLength(2);
  });

  it("goes nowhere else than to the file that --out names", async () => {
    const path = join(lab.directory, "out.json");
    const ended = await ipsecFix(lab, "plan", resources(lab, EXEMPTION), "-l", "gw1", "--json", "--out", path);
    expect(ended).toMatchObject({ exit: 2, stdout: "" });
    expect(documentErrors("plan", JSON.parse(readFileSync(path, "utf8")))).toEqual([]);
  });
});

describe("drift --fix", () => {
  it("keeps to its window and its budget", async () => {
    const host = lab.host("gw4");
    const before = await hostState(host);
    const file = resources(lab, EXEMPTION, mtu(1400));
    const yesterday = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][(new Date().getDay() + 3) % 7];
    const closed = await ipsecFixJson(lab, "drift", file, "--fix", "-l", "gw4", "--window", `${yesterday} 10:00-11:00`);
    expect(closed.exit, told(closed)).toBe(7);
    expect(hostOf(closed.plan, "gw4").reason).toMatch(/window/);
    const over = await ipsecFix(lab, "drift", file, "--fix", "-l", "gw4", "--max-changes", "1");
    expect(over.exit, told(over)).toBe(7);
    expect(stateDifference(before, await hostState(host))).toEqual([]);
    const wrong = await ipsecFix(lab, "drift", file, "--fix", "--window", "whenever");
    expect(wrong.exit, told(wrong)).toBe(64);
    const open = await ipsecFix(lab, "drift", file, "--fix", "-l", "gw4", "--window", "00:00-24:00", "--max-changes", "9");
    expect(open.exit, told(open)).toBe(0);
    expect((await ipsecFix(lab, "drift", file, "-l", "gw4")).exit).toBe(0);
  });
});

describe("ways to a host", () => {
  it("lead through the system's own ssh", async () => {
    const openssh = await ipsecFixJson(
      lab,
      "apply",
      resources(lab, mtu(1410)),
      "-y",
      "-l",
      "gw2",
      "-e",
      "ipsec_fix_transport=openssh",
    );
    expect(openssh.exit, told(openssh)).toBe(0);
    expect(await lab.host("gw2").read("/etc/ipsec.d/myvpn.conf")).toContain("mtu=1410");
    const again = await ipsecFix(lab, "plan", resources(lab, mtu(1410)), "-l", "gw2", "-e", "ipsec_fix_transport=openssh");
    expect(again.exit, told(again)).toBe(0);
  });

  it("lead over another host, in both transports", async () => {
    const hidden = lab.host("gw3");
    await hidden.hideBehind(lab.host("gw1"));
    const direct = await ipsecFix(lab, "plan", resources(lab, mtu(1420)), "-l", "gw3", "--timeout", "3");
    expect(direct.exit, told(direct)).toBe(6);
    const config = join(lab.directory, "jump_config");
    writeFileSync(config, readFileSync(lab.sshConfigPath, "utf8").replace(/(Host gw3 .*\n)/, "$1  ProxyJump gw1\n"));
    for (const [transport, value] of [
      ["ssh2", 1421],
      ["openssh", 1422],
    ] as const) {
      const args = ["-i", lab.inventoryPath, "-F", config, "-l", "gw3", "-e", `ipsec_fix_transport=${transport}`];
      const applied = await runProgram(["apply", resources(lab, mtu(value)), "-y", ...args]);
      expect(applied.exit, told(applied)).toBe(0);
      expect(await hidden.read("/etc/ipsec.d/myvpn.conf")).toContain(`mtu=${value}`);
    }
  });

  it("are not needed by a gateway that corrects itself", async () => {
    const host = lab.host("gw2");
    const inventory = join(lab.directory, "local.yml");
    writeFileSync(
      inventory,
      "all:\n  children:\n    gateways:\n      hosts:\n        self:\n          ansible_connection: local\n",
    );
    const file = resources(lab, mtu(1430));
    const inside = (...args: readonly string[]): Promise<Ended> =>
      run([
        "nsenter",
        "-t",
        String(host.pid),
        "-n",
        "-m",
        "-p",
        "-u",
        "--",
        "env",
        "HOME=/root",
        process.execPath,
        program,
        ...args,
      ]);
    // The host's /tmp is its own, and the checkout may lie there.
    await host.must(`mkdir -p ${lab.directory}/playbooks ${dirname(program)}`);
    for (const name of readdirSync(dirname(program)))
      await host.write(join(dirname(program), name), readFileSync(join(dirname(program), name), "utf8"));
    await host.write(join(dirname(program), "../package.json"), '{ "type": "module" }\n');
    await host.write(inventory, readFileSync(inventory, "utf8"));
    await host.write(file, readFileSync(file, "utf8"));
    const applied = await inside("drift", file, "--fix", "-i", inventory, "--json");
    expect(applied.exit, told(applied)).toBe(0);
    expect(await host.read("/etc/ipsec.d/myvpn.conf")).toContain("mtu=1430");
    const again = await inside("plan", file, "-i", inventory);
    expect(again.exit, told(again)).toBe(0);
  });
});

describe("a person at the terminal", () => {
  const onTerminal = (answer: string, ...args: readonly string[]): Promise<Ended> => {
    const command = [process.execPath, program, ...args, "-i", lab.inventoryPath, "-F", lab.sshConfigPath].join(" ");
    const child = spawn("script", ["-qefc", command, "/dev/null"], { env: { ...process.env, SSH_AUTH_SOCK: "", TERM: "xterm" } });
    let screen = "";
    child.stdout.on("data", (chunk: Buffer) => {
      const wasAsked = screen.includes("[y/N]");
      screen += chunk.toString();
      if (!wasAsked && screen.includes("[y/N]")) child.stdin.write(`${answer}\n`);
    });
    return new Promise((resolve) => child.on("close", (exit) => resolve({ exit: exit ?? 1, stdout: screen, stderr: "" })));
  };

  it("sees the plan before anything is written, and a no is a no", async () => {
    const host = lab.host("gw1");
    const file = resources(lab, mtu(1440));
    const before = await hostState(host);
    const [refused, unasked] = await Promise.all([
      onTerminal("n", "apply", file, "-l", "gw1"),
      ipsecFix(lab, "apply", file, "-l", "gw1"),
    ]);
    expect(refused.stdout).toMatch(/1440[\s\S]*Apply this to 1 host\? /);
    expect(refused.stdout).toMatch(/nothing was written/);
    expect(refused.exit).toBe(1);
    expect(unasked.exit, told(unasked)).toBe(64);
    expect(stateDifference(before, await hostState(host))).toEqual([]);
    const applied = await onTerminal("y", "apply", file, "-l", "gw1");
    expect(applied.exit, told(applied)).toBe(0);
    expect(await host.read("/etc/ipsec.d/myvpn.conf")).toContain("mtu=1440");
  });

  it("may press Ctrl-C: what has begun is finished, and nothing else begins", async () => {
    const file = playbook(lab, `- hosts: gw1,gw2\n  become: true\n  serial: 1\n  resources:\n    - ${mtu(1450)}\n`);
    const untouched = await hostState(lab.host("gw2"));
    const child = spawn(
      process.execPath,
      [program, "apply", file, "-y", "-i", lab.inventoryPath, "-F", lab.sshConfigPath, "--json"],
      {
        env: { ...process.env, SSH_AUTH_SOCK: "" },
      },
    );
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    await lab
      .host("gw1")
      .must(
        "tries=0; until [ -s /run/ipsec-fix.lock/holder ]; do tries=$((tries + 1)); [ $tries -lt 2000 ] || exit 1; sleep 0.01; done",
      );
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    const report = JSON.parse(Buffer.concat(chunks).toString());
    expect(documentErrors("report", report)).toEqual([]);
    expect(hostOf(report, "gw2").status).toBe("skipped");
    expect(stateDifference(untouched, await hostState(lab.host("gw2")))).toEqual([]);
    const conf = await lab.host("gw1").read("/etc/ipsec.d/myvpn.conf");
    expect(["changed", "rolled-back"]).toContain(hostOf(report, "gw1").status);
    expect(conf.includes("mtu=1450")).toBe(hostOf(report, "gw1").status === "changed");
    expect(resourceOf(report, "gw1", "libreswan_conn").outcome).toBe(hostOf(report, "gw1").status);
  });
});
