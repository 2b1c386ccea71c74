import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPluto } from "../lab/daemons.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { hostOf, ipsecFix, ipsecFixJson, resourceOf, resources, told } from "./cli.ts";

const SETUP = "config setup\n\tuniqueids=no\n\n";
const conn = (name: string, remote: string, ...options: readonly string[]): string =>
  [
    `conn ${name}`,
    "left=172.16.0.1",
    "leftsubnet=10.0.2.0/24",
    `right=203.0.113.${remote}`,
    `rightsubnet=192.168.${remote}.0/24`,
    "authby=secret",
    ...options,
    "auto=add",
  ]
    .join("\n    ")
    .concat("\n");
const other = (...options: readonly string[]): string => conn("other", "10", ...options);
const myvpn = (...options: readonly string[]): string => conn("myvpn", "9", ...options);

interface Trap {
  readonly host: string;
  readonly what: string;
  readonly before: string;
  readonly after: string;
  /** Set where the conn shall be created. */
  readonly file?: string;
}

// The ways in which line editors get `mtu=1400` into the wrong place; `after` is the whole file, byte for byte.
const TRAPS: readonly Trap[] = [
  {
    host: "d0",
    what: "no conn has it",
    before: SETUP + myvpn() + other(),
    after: SETUP + myvpn().replace("auto=add", "auto=add\n    mtu=1400") + other(),
  },
  {
    host: "d1",
    what: "another conn has another value",
    before: SETUP + myvpn() + other("mtu=1500"),
    after: SETUP + myvpn().replace("auto=add", "auto=add\n    mtu=1400") + other("mtu=1500"),
  },
  {
    host: "d2",
    what: "another conn has the wanted value",
    before: SETUP + other("mtu=1400") + myvpn(),
    after: SETUP + other("mtu=1400") + myvpn().replace("auto=add", "auto=add\n    mtu=1400"),
  },
  {
    host: "d4",
    what: "it stands there with spaces",
    before: SETUP + myvpn("mtu = 1400") + other(),
    after: SETUP + myvpn("mtu = 1400") + other(),
  },
  {
    host: "d5",
    what: "the conn is written with two spaces",
    before: SETUP + myvpn().replace("conn myvpn", "conn  myvpn") + other(),
    after: SETUP + myvpn().replace("conn myvpn", "conn  myvpn").replace("auto=add", "auto=add\n    mtu=1400") + other(),
  },
  {
    host: "d8",
    what: "a comment and another value are there by hand",
    before: SETUP + myvpn("# by hand, 2019", "mtu=1300   # see wiki") + other(),
    after: SETUP + myvpn("# by hand, 2019", "mtu=1400   # see wiki") + other(),
  },
];

let lab: Lab;
beforeAll(async () => {
  const files = (text: string) => ({ "/etc/ipsec.conf": text, "/etc/ipsec.d/myvpn.conf": "", "/etc/ipsec.d/other.conf": "" });
  lab = await startLab({
    hosts: [
      ...TRAPS.map(({ host, before }) => ({ name: host, files: files(before) })),
      { name: "d3", files: files(SETUP + other()) },
      { name: "d6", files: files(SETUP + myvpn("mtu=1300", "mtu=1400") + other()) },
      { name: "e" },
    ],
  });
});
afterAll(async () => lab.stop());

const MTU = "libreswan_conn: { name: myvpn, options: { mtu: 1400 } }";

describe("an option in the right conn", () => {
  it("changes exactly the bytes that it must on every host, and nothing a second time", async () => {
    const names = TRAPS.map(({ host }) => host).join(",");
    const applied = await ipsecFixJson(lab, "apply", resources(lab, MTU), "-y", "-l", names);
    expect(applied.exit, told(applied)).toBe(0);
    for (const { host, what, before, after } of TRAPS) {
      expect(await lab.host(host).read("/etc/ipsec.conf"), what).toBe(after);
      expect(hostOf(applied.plan, host).status, what).toBe(before === after ? "ok" : "changed");
      expect(await lab.host(host).must("ipsec addconn --checkconfig 2>&1"), what).toBe("");
    }
    const again = await ipsecFix(lab, "plan", resources(lab, MTU), "-l", names);
    expect(again.exit, told(again)).toBe(0);
  });

  it("is not put into another conn when the conn is missing, unless a file to create it in is named (D3)", async () => {
    const host = lab.host("d3");
    const missing = await ipsecFixJson(lab, "apply", resources(lab, MTU), "-y", "-l", "d3");
    expect(missing.exit, told(missing)).toBe(7);
    expect(resourceOf(missing.plan, "d3", "libreswan_conn").reason).toContain("myvpn");
    expect(await host.read("/etc/ipsec.conf")).toBe(SETUP + other());

    const options =
      "{ left: 172.16.0.1, leftsubnet: 10.0.2.0/24, right: 203.0.113.9, rightsubnet: 192.168.9.0/24, authby: secret, mtu: 1400, auto: add }";
    const file = resources(lab, `libreswan_conn: { name: myvpn, file: /etc/ipsec.conf, options: ${options} }`);
    const created = await ipsecFix(lab, "apply", file, "-y", "-l", "d3");
    expect(created.exit, told(created)).toBe(0);
    expect((await host.read("/etc/ipsec.conf")).startsWith(SETUP + other())).toBe(true);
    expect(await host.must("ipsec addconn --checkconfig 2>&1")).toBe("");
    const again = await ipsecFix(lab, "plan", resources(lab, MTU), "-l", "d3");
    expect(again.exit, told(again)).toBe(0);
    const gone = await ipsecFix(lab, "apply", resources(lab, "libreswan_conn: { name: myvpn, state: absent }"), "-y", "-l", "d3");
    expect(gone.exit, told(gone)).toBe(0);
    expect((await host.read("/etc/ipsec.conf")).trimEnd()).toBe((SETUP + other()).trimEnd());
  });

  it("heals a conn that sets the key twice, which Libreswan 4 would drop (D6)", async () => {
    const host = lab.host("d6");
    expect(await host.must("ipsec addconn --checkconfig 2>&1")).toContain("duplicate key 'mtu'");
    const applied = await ipsecFix(lab, "apply", resources(lab, MTU), "-y", "-l", "d6");
    expect(applied.exit, told(applied)).toBe(0);
    expect((await host.read("/etc/ipsec.conf")).match(/mtu ?=.*/g)).toEqual(["mtu=1400"]);
    expect(await host.must("ipsec addconn --checkconfig 2>&1")).toBe("");
  });
});

/** POSIX sh that waits for a condition, for ten seconds at most. */
function until(condition: string): string {
  return `tries=0; until ${condition}; do tries=$((tries + 1)); [ $tries -lt 1000 ] || exit 1; sleep 0.01; done`;
}

describe("a run that dies between the write and the load (E)", () => {
  it("is finished by the next run, which loads what stands on disk", async () => {
    const host = lab.host("e");
    await startPluto(host);
    // The rules are written after the file, so there is time to kill the run between the file and its load.
    const file = resources(lab, MTU, "tcp_mss_clamp: { mss: pmtu }", "gateway_sysctls: { forwarding: true, redirects: false }");
    const dying = ipsecFix(lab, "apply", file, "-y", "-l", "e");
    await host.must(`${until("grep -q mtu=1400 /etc/ipsec.d/myvpn.conf")}; kill -9 $(sed -n 1p /run/ipsec-fix.lock/holder)`);
    const died = await dying;
    expect(died.exit, told(died)).toBe(5);
    expect(await host.read("/etc/ipsec.d/myvpn.conf")).toContain("mtu=1400");
    expect(await host.must("ipsec whack --status | grep myvpn || :")).not.toMatch(/mtu: 1400/);

    const planned = await ipsecFixJson(lab, "plan", file, "-l", "e");
    expect(planned.exit, told(planned)).toBe(2);
    const next = await ipsecFix(lab, "apply", file, "-l", "e", "-y");
    expect(next.exit, told(next)).toBe(0);
    expect(await host.must("ipsec whack --status | grep myvpn")).toMatch(/"myvpn":.* mtu: 1400/);
    const again = await ipsecFix(lab, "plan", file, "-l", "e");
    expect(again.exit, told(again)).toBe(0);
  });
});
