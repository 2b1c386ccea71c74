import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { factsScript, parseFacts } from "../../../src/engine/facts.ts";
import { stepScript } from "../../../src/engine/step-script.ts";
import { readGateway } from "../../../src/gateway/effect.ts";
import type { Gateway } from "../../../src/gateway/gateway.ts";
import { ipsecService } from "../../../src/kinds/ipsec-service.ts";
import { tunnel } from "../../../src/kinds/tunnel.ts";
import { xfrmHealth } from "../../../src/kinds/xfrm-health.ts";
import { versionOf } from "../../../src/libreswan/version.ts";
import type { Probe } from "../../../src/model/fact.ts";
import type { Resource } from "../../../src/model/resource.ts";
import type { Step } from "../../../src/model/step.ts";

const PLUTO = "/usr/libexec/ipsec/pluto";
const canRun =
  existsSync(PLUTO) &&
  process.getuid?.() === 0 &&
  spawnSync("unshare", ["-nmp", "--fork", "true"]).status === 0 &&
  spawnSync("certutil", ["-H"]).error === undefined;

const conf = (directory: string, mtu: number) => `config setup
	nssdir=${directory}/nss
	logfile=${directory}/pluto.log

conn office
	left=203.0.113.10
	right=198.51.100.20
	leftsubnets=10.0.1.0/24,10.0.2.0/24
	rightsubnet=10.9.0.0/16
	authby=secret
	mtu=${mtu}
	ike=aes256-sha2;modp2048,aes-sha1;dh14
	esp=aes_gcm256,aes128-sha2
	salifetime=1h
	auto=ondemand

conn plain
	left=203.0.113.10
	right=198.51.100.30
	authby=secret
	pfs=no
	type=transport
	auto=add
`;

const MARK = "0123456789abcdef0123456789abcdef";
const probes: readonly Probe[] = [...tunnel.probes({ state: "loaded" }), ...xfrmHealth.probes({ ignore: [] })];

/** Runs a real pluto in namespaces of its own, does the steps of each stage there, and gathers the facts after each. */
function stages(list: readonly (readonly (Step | string)[])[]): readonly Gateway[] {
  const directory = mkdtempSync(join(tmpdir(), "ipsec-fix-pluto-"));
  try {
    mkdirSync(join(directory, "nss"));
    writeFileSync(join(directory, "ipsec.conf"), conf(directory, 1400));
    writeFileSync(join(directory, "facts.sh"), factsScript(probes, MARK));
    const context = { libreswan: versionOf("4.10"), reveal: (text: string) => text };
    const does = list.map((steps, index) =>
      [
        ...steps.map((step) => (typeof step === "string" ? step : stepScript(step, "x", context))),
        `sh ${directory}/facts.sh > ${directory}/facts.${index}`,
      ].join("\n"),
    );
    const script = `mount -t tmpfs tmpfs /run && mkdir -p /run/pluto && mount --bind ${directory}/ipsec.conf /etc/ipsec.conf || exit 1
ip link set lo up; ip link add eth0 type veth peer name peer0; ip addr add 203.0.113.10/24 dev eth0
ip link set eth0 up; ip link set peer0 up; ip route add default via 203.0.113.1
certutil -N -d sql:${directory}/nss --empty-password
${PLUTO} --config /etc/ipsec.conf --nofork --nssdir ${directory}/nss &
for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do ipsec whack --status && break; sleep 0.2; done
${does.join("\n")}
ipsec whack --shutdown`;
    const run = spawnSync("timeout", ["60", "unshare", "-nmp", "--fork", "--mount-proc", "sh", "-c", script], {
      encoding: "utf8",
    });
    return list.map((_, index) => {
      const path = join(directory, `facts.${index}`);
      const facts = existsSync(path) ? parseFacts(readFileSync(path), probes, MARK) : undefined;
      return facts === undefined ? expect.fail(run.stderr) : readGateway(facts);
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function resource<Spec>(spec: Spec): Resource<Spec> {
  return { address: "x[x]", kind: "x", name: "x", spec, tags: [], ignore_drift: [], at: { file: "p", line: 1, column: 1 } };
}

describe.skipIf(!canRun)("a real pluto", () => {
  test("is read, loaded, edited behind its back, loaded again and emptied", { timeout: 90_000 }, () => {
    const edit = `sed 's/mtu=1400/mtu=1300/' /etc/ipsec.conf > /run/edited && cat /run/edited > /etc/ipsec.conf`;
    // Pluto loads by itself what the file tells it to, a moment after its start.
    const loads = "for try in 1 2 3 4 5 6 7 8 9 10; do ipsec whack --status | grep -q 'plain.*newest' && break; sleep 0.2; done";
    const [loaded, edited, again, empty, refilled, down] = stages([
      [loads],
      [edit],
      [
        { do: "load-conn", conn: "office" },
        { do: "route-conn", conn: "office" },
      ],
      [
        { do: "unload-conn", conn: "office" },
        { do: "unload-conn", conn: "plain" },
      ],
      [{ do: "load-conn", conn: "plain" }],
      ["ipsec whack --shutdown; sleep 0.3"],
    ]);
    const assess = (gateway: Gateway | undefined, spec: Parameters<typeof tunnel.probes>[0]) =>
      tunnel.assess(resource(spec), gateway ?? expect.fail());
    const established = { conn: "office", state: "established" } as const;

    expect(loaded?.daemon).toMatchObject({ flavour: "libreswan", answer: "answered", service: { running: true } });
    expect([...(loaded?.daemon.conns.values() ?? [])].map(({ name, routing }) => `${name} ${routing}`)).toEqual([
      "office/1x0 trap",
      "office/2x0 trap",
      "plain none",
    ]);
    expect(assess(loaded, established)).toEqual({
      changes: [],
      notes: ["office/1x0, office/2x0 waits for traffic (a trap policy is in place): idle, and healthy"],
    });
    expect(assess(loaded, { conns: ["*"], state: "loaded" }).changes).toEqual([]);
    expect(ipsecService.assess(resource({ enabled: true, running: true }), loaded ?? expect.fail()).changes).toEqual([]);
    expect(xfrmHealth.assess(resource({ ignore: [] }), loaded ?? expect.fail()).violated).toBeUndefined();

    expect(assess(edited, { conn: "office", state: "loaded" }).changes.map(({ reason }) => reason)).toEqual([
      "mtu is 1400 in the daemon and 1300 on disk",
    ]);
    expect(assess(again, { conn: "office", state: "loaded" }).changes).toEqual([]);

    expect(empty?.daemon.conns.size).toBe(0);
    expect(assess(empty, { conn: "office", state: "down" })).toEqual({ changes: [], notes: [] });
    expect(assess(empty, established).changes.flatMap((change) => change.finally)).toEqual([
      { do: "load-conn", conn: "office" },
      { do: "route-conn", conn: "office" },
    ]);
    expect([...(refilled?.daemon.conns.keys() ?? [])]).toEqual(["plain"]);
    expect(assess(refilled, { conn: "plain", state: "established" }).changes.flatMap((change) => change.finally)).toEqual([
      { do: "initiate-conn", conn: "plain" },
    ]);

    expect(down?.daemon).toMatchObject({ answer: "down", service: { running: false } });
    expect(assess(down, established).blocked?.reason).toBe("the ipsec service does not run");
  });
});
