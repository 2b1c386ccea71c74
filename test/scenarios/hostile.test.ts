import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startPluto } from "../lab/daemons.ts";
import { masquerade } from "../lab/faults.ts";
import type { LabHost } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { ipsecFix, ipsecFixJson, playbook, resources, runProgram, told } from "./cli.ts";
import { changedFiles, hostState, stateDifference } from "./host-state.ts";

// Whoever manages to run a command leaves this file, on the host or on the controller.
const PWNED = `/tmp/ipsec-fix-pwned-${process.pid}`;
const TOUCH = `touch ${PWNED}`;
const HOSTILE = [
  `$(${TOUCH})`,
  `$(touch\${IFS}${PWNED})`,
  `\`${TOUCH}\``,
  `x;${TOUCH}`,
  `x;touch\${IFS}${PWNED}`,
  `'; ${TOUCH}; '`,
  `"; ${TOUCH}; "`,
  `x\n${TOUCH}\n`,
  `x\r\n${TOUCH}`,
  `| ${TOUCH}`,
  `&${TOUCH}&`,
  `--exec=${TOUCH}`,
  "-j",
  "-oProxyCommand=x",
  "*",
  "/etc/*",
  "../../../etc/shadow",
  "\\",
  "%n%s",
  "~root",
  "!x",
  "ünïcødé-日本",
  "\u001b]0;title\u0007\u001b[2J",
  "x\u0000y",
  "x\u202egnp.exe",
  "a".repeat(10_000),
  "<script>alert(1)</script>",
  "| a | b |",
  "conn evil\n    left=%defaultroute",
  "COMMIT\n*filter\n-P INPUT DROP",
];
const YAML_VALUES = HOSTILE.map((text) => JSON.stringify(text));

let lab: Lab;
let host: LabHost;
beforeAll(async () => {
  lab = await startLab({ hosts: [{}, { name: "odd" }, { name: "daemon" }] });
  host = lab.host("gw1");
  await masquerade(host, { backend: "iptables-nft", exemption: "none" });
});
afterAll(async () => lab.stop());

async function nothingRan(): Promise<void> {
  expect(existsSync(PWNED), "the controller ran it").toBe(false);
  for (const { name, exec } of lab.hosts) expect((await exec(`ls ${PWNED}`)).exit, `${name} ran it`).not.toBe(0);
}

/** Every parameter that takes text, with every hostile text, one resource a line. */
function hostileResources(): readonly string[] {
  const forms: readonly ((value: string, name: string) => string)[] = [
    (value, name) => `{ name: ${name}, nat_exemption: { conn: ${value} } }`,
    (value, name) => `{ name: ${name}, nat_exemption: { conns: [${value}] } }`,
    (value, name) => `{ name: ${name}, nat_exemption: { source: ${value}, destination: 10.9.0.0/16 } }`,
    (value, name) => `{ name: ${name}, tcp_mss_clamp: { mss: ${value} } }`,
    (value, name) => `{ name: ${name}, tcp_mss_clamp: { mss: 1300, out: ${value} } }`,
    (value, name) => `{ name: ${name}, tcp_mss_clamp: { mss: 1300, in: eth0, conn: ${value} } }`,
    (value, name) => `{ name: ${name}, ike_access: { peers: [${value}] } }`,
    (value, name) => `{ name: ${name}, libreswan_conn: { name: ${value}, options: { mtu: 1400 } } }`,
    (value, name) => `{ name: ${name}, libreswan_conn: { name: myvpn, options: { leftid: ${value} } } }`,
    (value, name) => `{ name: ${name}, libreswan_conn: { name: myvpn, options: { ${value}: 1 } } }`,
    (value, name) =>
      `{ name: ${name}, libreswan_conn: { name: new, file: ${value}, options: { left: 10.0.0.1, right: 10.0.0.2 } } }`,
    (value, name) => `{ name: ${name}, libreswan_setup: { options: { logfile: ${value} } } }`,
    (value, name) => `{ name: ${name}, libreswan_setup: { expires: ${value}, options: { plutodebug: all } } }`,
    (value, name) => `{ name: ${name}, bond_esp_offload: { bond: ${value} } }`,
    (value, name) => `{ name: ${name}, bond_esp_offload: { bond: bond0, connection: ${value} } }`,
    (value, name) => `{ name: ${name}, tunnel: { conn: ${value}, state: loaded } }`,
    (value, name) => `{ name: ${name}, xfrm_health: { ignore: [${value}] } }`,
    (value, name) => `{ name: ${name}, when: ${value}, gateway_sysctls: { forwarding: true } }`,
    (value, name) => `{ name: ${value}, tags: [${name}, ${value}], gateway_sysctls: { forwarding: true } }`,
  ];
  return forms.flatMap((form, one) => YAML_VALUES.map((value, other) => form(value, `r${one}-${other}`)));
}

it("runs no hostile text of any parameter, and refuses what is invalid with its place", async () => {
  const before = await hostState(host);
  let lines = hostileResources();
  const total = lines.length;
  for (let rounds = 0; rounds < 4; rounds += 1) {
    const path = resources(lab, ...lines);
    const checked = await runProgram(["validate", path, "-i", lab.inventoryPath]);
    await nothingRan();
    if (checked.exit === 0) break;
    expect(checked.exit, told(checked).slice(0, 3000)).toBe(65);
    const text = readFileSync(path, "utf8").split("\n");
    const bad = new Set(
      [...told(checked).matchAll(/\.yml:(\d+):\d+: /g)].map(([, line]) => text[Number(line) - 1]?.replace("    - ", "")),
    );
    expect(bad.size, told(checked).slice(0, 3000)).toBeGreaterThan(0);
    lines = lines.filter((line) => !bad.has(line));
  }
  // What is left is valid: odd names of conns, files, connections and resources.
  expect(lines.length).toBeGreaterThan(20);
  expect(lines.length).toBeLessThan(total / 2);

  const path = resources(lab, ...lines);
  const planned = await ipsecFix(lab, "plan", path, "-l", "gw1", "-vv", "--no-color");
  expect([2, 7], told(planned).slice(0, 3000)).toContain(planned.exit);
  expect(planned.stdout, "no control characters reach a terminal").not.toMatch(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/u,
  );
  await nothingRan();
  expect(stateDifference(before, await hostState(host)), "a plan writes nothing").toEqual([]);

  const applied = await ipsecFixJson(lab, "apply", path, "-y", "-l", "gw1");
  expect([0, 1, 4, 7], told(applied).slice(0, 3000)).toContain(applied.exit);
  await nothingRan();
  const changed = changedFiles(before, await hostState(host));
  expect(changed.filter((file) => !/^\/etc\/(ipsec|sysctl\.d|iptables)/.test(file))).toEqual([]);
  expect(await host.must("ipsec addconn --checkconfig 2>&1; iptables-nft-save | iptables-nft-restore --test")).toBe("");
}, 200_000);

it("writes hostile values that are valid to the byte, and takes them back", async () => {
  // No value of ipsec.conf holds a double quote, a control character or a line break, and a hash sign starts a comment.
  const values = HOSTILE.filter((text) => !/["\p{C}#]/u.test(text));
  expect(values.length).toBeGreaterThan(15);
  const before = await hostState(host);
  const conns = (form: (value: string, index: number) => string): string => resources(lab, ...values.map(form));
  const wanted = conns((value, index) => {
    const options = `{ left: 10.0.0.1, right: 10.0.1.${index + 1}, leftid: ${JSON.stringify(`@${value}`)}, auto: ignore }`;
    return `libreswan_conn: { name: h${index}, file: /etc/ipsec.d/hostile.conf, options: ${options} }`;
  });
  const applied = await ipsecFix(lab, "apply", wanted, "-y", "-l", "gw1");
  expect(applied.exit, told(applied).slice(0, 3000)).toBe(0);
  const written = await host.read("/etc/ipsec.d/hostile.conf");
  for (const value of values) expect(written).toContain(`@${value}`);
  expect(await host.must("ipsec addconn --checkconfig 2>&1")).toBe("");
  const again = await ipsecFix(lab, "plan", wanted, "-l", "gw1");
  expect(again.exit, told(again)).toBe(0);
  const back = await ipsecFix(
    lab,
    "apply",
    conns((_, index) => `libreswan_conn: { name: h${index}, state: absent }`),
    "-y",
    "-l",
    "gw1",
  );
  expect(back.exit, told(back)).toBe(0);
  expect(await host.must("cat /etc/ipsec.d/hostile.conf")).not.toContain("conn");
  await host.must("rm /etc/ipsec.d/hostile.conf");
  expect(stateDifference(before, await hostState(host))).toEqual([]);
  await nothingRan();
});

it("reads a host whose own names are hostile without running any of them", async () => {
  const odd = lab.host("odd");
  const here = `cd;cd ..;cd tmp;touch ${PWNED.slice(5)}`;
  const names = [`$(${here})`, `\`${here}\``, `'; ${here}; '`, "-rf", "new\nline", "*", "ü"];
  for (const [index, name] of names.entries()) {
    await odd.write(
      `/etc/ipsec.d/${name}.conf`,
      `# odd\nconn odd${index}\n    left=172.16.0.1\n    leftsubnet=10.0.2.0/24\n    right=203.0.113.${index + 20}\n    rightsubnet=10.${index + 100}.0.0/16\n    authby=secret\n    auto=add\n`,
    );
    await odd.write(`/etc/sysctl.d/${name}.conf`, "net.ipv4.conf.all.send_redirects = 1\n");
  }
  await odd.write(
    "/etc/ipsec.d/zz.conf",
    `conn $(touch\${IFS}${PWNED});x\n    left=172.16.0.1\n    right=203.0.113.99\n    authby=secret\n    auto=add\n`,
  );
  await odd.must(`ip link add '$(id);x' type veth peer name 'a"b' && ip link set '$(id);x' up
iptables-nft -t nat -N '\`touch x\`'
iptables-nft -t nat -A '\`touch x\`' -o '$(id);x' -m comment --comment "it's \\"quoted\\" \\$(${TOUCH}) \\\\" -j MASQUERADE
iptables-nft -t nat -A POSTROUTING -o eth0 -m comment --comment "; ${TOUCH}" -j '\`touch x\`'
iptables-nft -t nat -A POSTROUTING -o eth0 -m comment --comment "'" -j MASQUERADE
mkdir -p /etc/iptables && iptables-nft-save >/etc/iptables/rules.v4`);
  const file = resources(
    lab,
    "gateway_sysctls: { forwarding: true, redirects: false, rp_filter: loose }",
    'nat_exemption: { conns: ["odd*", "$*"] }',
    "tcp_mss_clamp: { mss: pmtu }",
    ...names.map((_, index) => `libreswan_conn: { name: odd${index}, options: { mtu: 1400 } }`),
  );
  const foreign = async (): Promise<string> =>
    (await odd.must("iptables-nft-save -t nat"))
      .split("\n")
      .filter((line) => !/^#|ipsec-fix:/.test(line))
      .join("\n");
  const before = await foreign();
  const applied = await ipsecFix(lab, "apply", file, "-y", "-l", "odd");
  expect(applied.exit, told(applied)).toBe(0);
  expect(await foreign()).toBe(before);
  const again = await ipsecFix(lab, "plan", file, "-l", "odd");
  expect(again.exit, told(again)).toBe(0);
  await nothingRan();
});

it("hands hostile conns to the daemon by their names alone", async () => {
  const daemon = lab.host("daemon");
  const name = `$(touch\${IFS}${PWNED});x`;
  await daemon.write(
    "/etc/ipsec.d/odd.conf",
    `conn ${name}\n    left=172.16.0.1\n    leftsubnet=10.0.2.0/24\n    right=203.0.113.77\n    rightsubnet=10.77.0.0/16\n    authby=secret\n    auto=add\n`,
  );
  await startPluto(daemon);
  const file = resources(
    lab,
    `libreswan_conn: { name: '${name}', options: { mtu: 1400 } }`,
    `tunnel: { conn: '${name}', state: loaded }`,
  );
  const applied = await ipsecFix(lab, "apply", file, "-y", "-l", "daemon");
  expect([0, 7], told(applied)).toContain(applied.exit);
  await nothingRan();
});

it("lets no inventory value run anything, in either transport", async () => {
  const vars = (transport: string): string =>
    HOSTILE.flatMap((text, index) => {
      const value = JSON.stringify(text);
      return ["ansible_host", "ansible_user", "ansible_port", "ansible_ssh_private_key_file"].map((name) =>
        `    h${index}-${name.replaceAll("_", "-")}:\n      ansible_host: 127.0.0.1\n      ansible_port: 9\n      ipsec_fix_transport: ${transport}\n      ${name}: ${value}\n`.replace(
          name === "ansible_host"
            ? "      ansible_host: 127.0.0.1\n"
            : name === "ansible_port"
              ? "      ansible_port: 9\n"
              : "\u0000",
          "",
        ),
      );
    }).join("");
  const file = playbook(lab, "- hosts: all\n  resources:\n    - gateway_sysctls: { forwarding: true }\n");
  for (const transport of ["ssh2", "openssh"]) {
    const inventory = `${lab.directory}/hostile-${transport}.yml`;
    writeFileSync(inventory, `all:\n  hosts:\n${vars(transport)}`);
    let lines = readFileSync(inventory, "utf8");
    for (let rounds = 0; rounds < 5; rounds += 1) {
      const checked = await runProgram(["validate", file, "-i", inventory]);
      if (checked.exit === 0) break;
      expect(checked.exit, told(checked).slice(0, 2000)).toBe(65);
      const bad = new Set([...told(checked).matchAll(/\b(h\d+-ansible-[a-z-]+): /g)].map(([, name]) => name));
      expect(bad.size, told(checked).slice(0, 2000)).toBeGreaterThan(0);
      lines = lines.replace(/ {4}(h\d+-[a-z-]+):\n(?: {6}.*\n)+/g, (block, name: string) => (bad.has(name) ? "" : block));
      writeFileSync(inventory, lines);
    }
    const run = await ipsecFix(lab, "plan", file, "-i", inventory, "-l", "h*", "--timeout", "2");
    expect([1, 6], told(run).slice(0, 2000)).toContain(run.exit);
    await nothingRan();
  }
}, 200_000);
