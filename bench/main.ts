// How ipsec-fix compares with the floor (a bare ssh2 script) and with Ansible on the same hosts, in one run:
//   npm run bench -- [--hosts 50] [--rounds 3] [--no-ansible]
// Ratios count; absolute times depend on the machine, and the lab's hosts share its processors with the tool.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { LabHost } from "../test/lab/host.ts";
import { startLab } from "../test/lab/lab.ts";
import { run } from "../test/lab/process.ts";
import { ANSIBLE_PLAYBOOK, breakHost, PLAYBOOK, REPAIR_SCRIPT } from "./desired.ts";
import { type Cost, measure, median } from "./measure.ts";

const FORKS = 50;
const FAR_HOSTS = 10;
const ONE_WAY_MS = 20;

const { values: options } = parseArgs({
  options: {
    hosts: { type: "string", default: "50" },
    rounds: { type: "string", default: "3" },
    "no-ansible": { type: "boolean", default: false },
  },
});
const count = Number(options.hosts);
const rounds = Number(options.rounds);
const cli = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const floor = fileURLToPath(new URL("floor.mjs", import.meta.url));

if (!existsSync(cli)) throw new Error("dist/main.js is missing: run `npm run build` first");
const withAnsible = !options["no-ansible"] && (await installAnsible());

await using lab = await startLab({ hosts: count });
const playbook = file("playbook.yml", PLAYBOOK);
const ansiblePlaybook = file("ansible.yml", ANSIBLE_PLAYBOOK);
const plan = (...more: string[]) => ipsecFix("plan", ...more);
const gather = () => bare(factScript, lab.hosts);
await everyHost(breakHost);
const factScript = await recordFactScript();
const [first] = lab.hosts;
if (first === undefined) throw new Error("--hosts must be at least 1");

console.log(
  `${count} lab hosts, ${rounds} rounds, median; ${FORKS} hosts at a time. Facts script: ${factScript.length} bytes.\n`,
);

const faulty = await section(`plan, ${count} faulty hosts`, {
  floor: { run: gather, exit: 0 },
  "ipsec-fix plan": { run: plan, exit: 2 },
  ...(withAnsible ? { "ansible --check": { run: () => ansible(), exit: 0, rounds: 1 } } : {}),
});
const single = await section("plan, 1 host, from process start", {
  floor: { run: () => bare(factScript, [first]), exit: 0, hosts: 1 },
  "ipsec-fix plan": { run: () => plan("-l", first.name), exit: 2, hosts: 1 },
  ...(withAnsible ? { "ansible --check": { run: () => ansible("-l", first.name), exit: 0, hosts: 1 } } : {}),
});
const far = lab.hosts.slice(0, FAR_HOSTS);
await Promise.all(far.map((host) => host.link({ delayMs: ONE_WAY_MS })));
const distant = await section(`plan, ${far.length} hosts at ${2 * ONE_WAY_MS} ms round-trip time`, {
  floor: { run: () => bare(factScript, far), exit: 0, hosts: far.length },
  "ipsec-fix plan": { run: () => plan("-l", far.map(({ name }) => name).join(",")), exit: 2, hosts: far.length },
});
await Promise.all(far.map((host) => host.link("up")));
const repair = await section(`apply, ${count} faulty hosts (the floor neither plans nor verifies)`, {
  floor: { run: () => bare(REPAIR_SCRIPT, lab.hosts), exit: 0, before: () => everyHost(breakHost), rounds: 1 },
  "ipsec-fix apply": { run: () => ipsecFix("apply", "-y"), exit: 0, before: () => everyHost(breakHost), rounds: 1 },
});
const unchanged = await section(`plan, ${count} unchanged hosts`, {
  floor: { run: gather, exit: 0 },
  "ipsec-fix plan": { run: plan, exit: 0 },
  ...(withAnsible ? { "ansible --check": { run: () => ansible(), exit: 0, rounds: 1 } } : {}),
});
const second = await section(`second apply, ${count} unchanged hosts`, {
  floor: { run: gather, exit: 0 },
  "ipsec-fix apply": { run: () => ipsecFix("apply", "-y"), exit: 0 },
});

console.log("targets");
target("plan of faulty hosts / floor", wall(faulty, "ipsec-fix plan") / wall(faulty, "floor"), 1.2);
target("plan of unchanged hosts / floor", wall(unchanged, "ipsec-fix plan") / wall(unchanged, "floor"), 1.2);
if (withAnsible) {
  target("plan of faulty hosts / ansible", wall(faulty, "ipsec-fix plan") / wall(faulty, "ansible --check"), 1 / 20);
  target("plan of unchanged hosts / ansible", wall(unchanged, "ipsec-fix plan") / wall(unchanged, "ansible --check"), 1 / 20);
}
target("apply / the floor's repair", wall(repair, "ipsec-fix apply") / wall(repair, "floor"), 2.5);
target("second apply / floor", wall(second, "ipsec-fix apply") / wall(second, "floor"), 1.2);
target("one host, plan / floor", wall(single, "ipsec-fix plan") / wall(single, "floor"), 0.45 / 0.22);
target(`${far.length} hosts at ${2 * ONE_WAY_MS} ms / floor`, wall(distant, "ipsec-fix plan") / wall(distant, "floor"), 1.3);
target("controller CPU of the plan, s per 100 hosts", (100 / count) * (faulty.get("ipsec-fix plan")?.cost.cpu ?? Number.NaN), 2);
target("peak memory of the plan, MB", faulty.get("ipsec-fix plan")?.cost.memory ?? Number.NaN, 150);
target("executions a host, plan", faulty.get("ipsec-fix plan")?.executions ?? Number.NaN, 1);
target("executions a host, apply (2 and 1 confirming)", repair.get("ipsec-fix apply")?.executions ?? Number.NaN, 3);

interface Contender {
  readonly run: () => Promise<Cost>;
  /** What it must exit with: a failed run is not a fast run. */
  readonly exit: number;
  readonly hosts?: number;
  readonly rounds?: number;
  readonly before?: () => Promise<void>;
}

type Measured = ReadonlyMap<string, { readonly cost: Cost; readonly executions: number }>;

// The contenders take turns, so that whatever else the machine does hits them alike.
async function section(title: string, contenders: Readonly<Record<string, Contender>>): Promise<Measured> {
  const costs = new Map<string, Cost[]>();
  const executions = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, contender] of Object.entries(contenders)) {
      if (round >= (contender.rounds ?? rounds)) continue;
      await contender.before?.();
      const before = await countExecutions();
      const cost = await contender.run();
      if (cost.exit !== contender.exit)
        throw new Error(`${name}: exit ${cost.exit}, not ${contender.exit}\n${cost.output.slice(-2000)}`);
      executions.set(name, ((await countExecutions()) - before) / (contender.hosts ?? count));
      costs.set(name, [...(costs.get(name) ?? []), cost]);
    }
  }
  const measured: Measured = new Map(
    [...costs].map(([name, all]) => [name, { cost: median(all), executions: executions.get(name) ?? Number.NaN }]),
  );
  console.log(`${title.padEnd(66)}wall s   x floor   CPU s   peak MB   exec/host`);
  for (const [name, { cost, executions: executed }] of measured) {
    const cells = [
      cost.wall.toFixed(2),
      (cost.wall / wall(measured, "floor")).toFixed(2),
      cost.cpu.toFixed(2),
      cost.memory.toFixed(0),
    ];
    console.log(`  ${name.padEnd(62)}${[...cells, executed.toFixed(1)].map((cell) => cell.padStart(8)).join("  ")}`);
  }
  console.log("");
  return measured;
}

function wall(measured: Measured, name: string): number {
  return measured.get(name)?.cost.wall ?? Number.NaN;
}

function target(what: string, value: number, limit: number): void {
  const digits = limit < 1 ? 3 : 2;
  console.log(
    `  ${what.padEnd(52)}${value.toFixed(digits).padStart(8)}   target <= ${limit.toFixed(digits)}   ${value <= limit ? "met" : "MISSED"}`,
  );
}

function file(name: string, content: string): string {
  const path = join(lab.directory, name);
  writeFileSync(path, content);
  return path;
}

async function everyHost(act: (host: LabHost) => Promise<void>): Promise<void> {
  const queue = [...lab.hosts];
  const worker = async () => {
    for (let host = queue.shift(); host !== undefined; host = queue.shift()) await act(host);
  };
  await Promise.all(Array.from({ length: 4 }, worker));
}

async function countExecutions(): Promise<number> {
  const sessions = await Promise.all(lab.hosts.map((host) => host.sessions()));
  return sessions.reduce((sum, { executions }) => sum + executions, 0);
}

function ipsecFix(verb: string, ...more: string[]): Promise<Cost> {
  const common = ["-i", lab.inventoryPath, "-F", lab.sshConfigPath, "-f", String(FORKS)];
  return measure([process.execPath, cli, verb, playbook, ...common, ...more]);
}

function bare(script: string, hosts: readonly LabHost[]): Promise<Cost> {
  const targets = hosts.map(({ address, port }) => ({ address, port }));
  const job = file("floor.json", JSON.stringify({ hosts: targets, identity: lab.identityPath, script, forks: FORKS }));
  return measure([process.execPath, floor, job]);
}

function ansible(...more: string[]): Promise<Cost> {
  return measure(
    ["ansible-playbook", "--check", "--diff", "-i", lab.inventoryPath, "-f", String(FORKS), ansiblePlaybook, ...more],
    {
      ANSIBLE_PIPELINING: "1",
      ANSIBLE_SSH_ARGS: `-F ${lab.sshConfigPath} -o ControlMaster=auto -o ControlPersist=60s`,
      ANSIBLE_SSH_CONTROL_PATH_DIR: join(lab.directory, "control"),
      ANSIBLE_PYTHON_INTERPRETER: "/usr/bin/python3",
      ANSIBLE_LOCAL_TEMP: join(lab.directory, "ansible"),
    },
  );
}

// The floor must run what ipsec-fix runs: a login shell that keeps a copy of its input gives exactly that.
async function recordFactScript(): Promise<string> {
  const [host] = lab.hosts;
  if (host === undefined) throw new Error("--hosts must be at least 1");
  await host.write("/usr/local/bin/recorder", `#!/bin/sh\ntee /run/recorded | /bin/sh -c "$2"\n`);
  await host.must("chmod 755 /usr/local/bin/recorder; sed -i 's|^\\(root:.*:\\).*|\\1/usr/local/bin/recorder|' /etc/passwd");
  const cost = await plan("-l", host.name);
  if (cost.exit !== 2) throw new Error(`ipsec-fix plan: exit ${cost.exit}, not 2\n${cost.output}`);
  await host.must("sed -i 's|^\\(root:.*:\\).*|\\1/bin/sh|' /etc/passwd");
  return host.read("/run/recorded");
}

async function installAnsible(): Promise<boolean> {
  if ((await run(["/bin/sh", "-c", "command -v ansible-playbook"])).exit === 0) return true;
  console.error("bench: installing ansible-core (--no-ansible does without)");
  const { exit, stderr } = await run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "ansible-core"], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (exit !== 0) console.error(`bench: going on without Ansible: ${stderr}`);
  return exit === 0;
}
