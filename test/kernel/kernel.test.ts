import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { afterKernelStep, readKernel, sysctlProbes, xfrmProbes } from "../../src/kernel/state.ts";
import { afterWrite, interfacesOf, sysctlKey, sysctlPath } from "../../src/kernel/sysctl.ts";
import { bootSetting, OWN_FILE, ownFileWins, withSetting } from "../../src/kernel/sysctl-files.ts";
import { isTrapped, type PromisedTunnel, tunnelFaults } from "../../src/kernel/tunnel-policies.ts";
import { parseAssociations, parsePolicies } from "../../src/kernel/xfrm.ts";
import { counterMeaning, grown, parseXfrmStat } from "../../src/kernel/xfrm-stat.ts";
import type { FileFact } from "../../src/model/fact.ts";
import { hasRecordings, recording, scenarios } from "../libreswan/status-recordings.ts";

const policyText = `src 10.0.1.0/24 dst 10.0.2.0/24 
	dir out priority 1757393 ptype main 
	tmpl src 192.0.2.1 dst 192.0.2.2
		proto esp reqid 16389 mode tunnel
src 10.0.2.0/24 dst 10.0.1.0/24 
	dir fwd priority 1757393 ptype main 
	tmpl src 192.0.2.2 dst 192.0.2.1
		proto esp reqid 16389 mode tunnel
src 10.0.2.0/24 dst 10.0.1.0/24 
	dir in priority 1757393 ptype main 
	tmpl src 192.0.2.2 dst 192.0.2.1
		proto esp reqid 16389 mode tunnel
src 0.0.0.0/0 dst 0.0.0.0/0 
	socket out priority 0 ptype main 
src ::/0 dst ::/0 proto ipv6-icmp type 135 
	dir out priority 1 ptype main 
`;

const stateText = `src 192.0.2.2 dst 192.0.2.1
	proto esp spi 0x1ab944c9 reqid 16389 mode tunnel
	replay-window 0 flag af-unspec esn
	aead rfc4106(gcm(aes)) <<Keys hidden>> 128
	crypto offload parameters: dev bond0 dir in mode crypto
src 192.0.2.1 dst 192.0.2.2
	proto esp spi 0xc9f9c5b8(3388589496) reqid 16389(0x00004005) mode tunnel
	replay-window 0 flag af-unspec esn
	auth-trunc hmac(sha256) <<Keys hidden>> 128
	enc cbc(aes) <<Keys hidden>>
	encap type espinudp sport 4500 dport 4500 addr 0.0.0.0
	if_id 0x3
`;

const tunnel: PromisedTunnel = {
  name: "t",
  local: "10.0.1.0/24",
  remote: "10.0.2.0/24",
  ourHost: "192.0.2.1",
  theirHost: "192.0.2.2",
  mode: "tunnel",
};

describe("ip xfrm", () => {
  test("policies, without sockets and neighbour discovery", () => {
    const policies = parsePolicies(policyText);
    expect(policies.map(({ direction, source }) => `${direction} ${source}`)).toEqual([
      "out 10.0.1.0/24",
      "fwd 10.0.2.0/24",
      "in 10.0.2.0/24",
    ]);
    expect(policies[0]?.templates).toEqual([
      { source: "192.0.2.1", destination: "192.0.2.2", proto: "esp", reqid: 16389, mode: "tunnel" },
    ]);
  });

  test("blocks, marks, interfaces and protocols", () => {
    const [block, marked] = parsePolicies(
      "src 10.0.0.0/24 dst 10.1.0.0/24 \\\tdir out action block priority 5 ptype main \\\n" +
        "src 10.0.0.0/24 dst 10.2.0.0/24 proto udp dport 53 uid 0\n\tdir fwd action allow index 26 priority 7 ptype main flag  (0x00000000)\n\tmark 0x1/0xffffffff \n\ttmpl src 1.1.1.1 dst 2.2.2.2\n\t\tproto esp spi 0x00000000(0) reqid 9(0x00000009) mode tunnel\n\t\tlevel use \n\tif_id 0x4\n",
    );
    expect(block).toMatchObject({ isBlock: true, priority: 5, templates: [] });
    expect(marked).toMatchObject({
      protocol: "proto udp dport 53",
      mark: "0x1/0xffffffff",
      ifId: "0x4",
      isBlock: false,
      templates: [{ reqid: 9 }],
    });
  });

  test("SAs without keys, larval ones apart", () => {
    const [inbound, outbound] = parseAssociations(stateText);
    expect(inbound).toMatchObject({ spi: "0x1ab944c9", reqid: 16389, isLarval: false, offload: "bond0", isEncapsulated: false });
    expect(outbound).toMatchObject({
      spi: "0xc9f9c5b8",
      algorithms: ["hmac(sha256)", "cbc(aes)"],
      isEncapsulated: true,
      ifId: "0x3",
    });
    const larval =
      "src 10.0.1.1 dst 10.0.2.1\n\tproto esp spi 0x00000000 reqid 0 mode transport\n\treplay-window 0 \n\tsel src 10.0.1.1/32 dst 10.0.2.1/32 proto icmp\n";
    expect(parseAssociations(larval)).toMatchObject([{ isLarval: true }]);
  });

  test("never throws", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parsePolicies(`src ${text}`);
        parseAssociations(`src ${text}\n${text}`);
      }),
    );
  });

  test("the filter of the probe hides keys of an ip that cannot", () => {
    const filter = /\| (sed .*)$/.exec(xfrmProbes[1]?.command ?? "")?.[1] ?? expect.fail();
    const key = "000102030405060708090a0b0c0d0e0f10111213";
    const run = spawnSync("sh", ["-c", filter], {
      input: `proto esp spi 0xc51441f8 reqid 1\n\taead rfc4106(gcm(aes)) 0x${key} 128\n`,
      encoding: "utf8",
    });
    expect(run.stdout).toBe("proto esp spi 0xc51441f8 reqid 1\n\taead rfc4106(gcm(aes)) <<Keys hidden>> 128\n");
  });
});

describe("tunnelFaults", () => {
  const policies = parsePolicies(policyText);
  const associations = parseAssociations(stateText);

  test("none where policies and SAs are there", () => {
    expect(tunnelFaults(tunnel, { policies, associations })).toEqual([]);
    expect(tunnelFaults({ ...tunnel, local: "10.0.1.99/24" }, { policies, associations })).toEqual([]);
  });

  test("a missing policy, SA or key is named", () => {
    expect(tunnelFaults(tunnel, { policies: policies.slice(0, 1), associations })).toEqual([
      "no in policy 10.0.2.0/24 -> 10.0.1.0/24",
      "no fwd policy 10.0.2.0/24 -> 10.0.1.0/24",
    ]);
    expect(tunnelFaults(tunnel, { policies, associations: associations.slice(0, 1) })).toEqual([
      "the outbound SA 192.0.2.1 -> 192.0.2.2 with reqid 16389 is missing",
    ]);
    const larval = associations.map((sa) => ({ ...sa, isLarval: true }));
    expect(tunnelFaults(tunnel, { policies, associations: larval })).toContain(
      "the inbound SA 192.0.2.2 -> 192.0.2.1 with reqid 16389 has no keys yet",
    );
    const blocked = policies.map((policy) => ({ ...policy, isBlock: true }));
    expect(tunnelFaults(tunnel, { policies: blocked, associations })[0]).toBe("the out policy 10.0.1.0/24 -> 10.0.2.0/24 blocks");
    expect(tunnelFaults(tunnel, { policies, associations: associations.map((sa) => ({ ...sa, reqid: 16393 })) })).toHaveLength(2);
  });

  test("transport mode has no forward policy and names no hosts", () => {
    const text = `src 192.0.2.1/32 dst 192.0.2.2/32 \n\tdir out priority 1753281 ptype main \n\ttmpl src 0.0.0.0 dst 0.0.0.0\n\t\tproto esp reqid 16513 mode transport\nsrc 192.0.2.2/32 dst 192.0.2.1/32 \n\tdir in priority 1753281 ptype main \n\ttmpl src 0.0.0.0 dst 0.0.0.0\n\t\tproto esp reqid 16513 mode transport\n`;
    const host: PromisedTunnel = { ...tunnel, local: "192.0.2.1", remote: "192.0.2.2", mode: "transport" };
    const sas = associations.map((sa) => ({ ...sa, reqid: 16513, mode: "transport" }));
    expect(tunnelFaults(host, { policies: parsePolicies(text), associations: sas })).toEqual([]);
    expect(tunnelFaults(host, { policies: parsePolicies(text), associations: [] })).toHaveLength(2);
  });

  test("a trap waits", () => {
    const trap = parsePolicies(
      "src 10.0.1.0/24 dst 10.0.2.0/24 \n\tdir out priority 1757393 ptype main \n\ttmpl src 0.0.0.0 dst 0.0.0.0\n\t\tproto esp reqid 0 mode transport\n",
    );
    expect(isTrapped(tunnel, { policies: trap, associations: [] })).toBe(true);
    expect(isTrapped(tunnel, { policies, associations })).toBe(false);
    expect(isTrapped(tunnel, { policies: [], associations: [] })).toBe(false);
    expect(tunnelFaults(tunnel, { policies: trap, associations: [] })[0]).toContain("only a trap");
  });
});

describe("xfrm_stat", () => {
  test("growth between two readings", () => {
    const earlier = parseXfrmStat("XfrmInError             \t0\nXfrmInNoStates          \t7\nXfrmOutNoStates         \t9\n");
    const later = parseXfrmStat(
      "XfrmInError             \t0\nXfrmInNoStates          \t9\nXfrmOutNoStates         \t1\nXfrmNewThing            \t2\n",
    );
    expect([...grown(earlier, later)]).toEqual([
      ["XfrmInNoStates", 2n],
      ["XfrmNewThing", 2n],
    ]);
    expect(counterMeaning("XfrmInNoStates").advice).toContain("re-establish");
    expect(counterMeaning("XfrmNewThing").meaning).toContain("does not know");
  });
});

describe("sysctl", () => {
  test.each([
    ["net.ipv4.ip_forward", "net/ipv4/ip_forward"],
    ["net/ipv4/conf/eth0.5/rp_filter", "net/ipv4/conf/eth0.5/rp_filter"],
    ["net.ipv4.conf.eth0/5.rp_filter", "net/ipv4/conf/eth0.5/rp_filter"],
  ])("%s is %s", (key, path) => {
    expect(sysctlPath(key)).toBe(path);
    expect(sysctlPath(sysctlKey(path))).toBe(path);
  });

  test("turning forwarding on turns the acceptance of redirects off", () => {
    const before = new Map([
      ["net/ipv4/ip_forward", "0"],
      ["net/ipv4/conf/all/accept_redirects", "1"],
      ["net/ipv4/conf/eth0/rp_filter", "1"],
      ["net/ipv4/conf/lo/rp_filter", "0"],
      ["net/ipv4/conf/all/rp_filter", "0"],
    ]);
    expect(afterWrite(before, "net/ipv4/ip_forward", "1").get("net/ipv4/conf/all/accept_redirects")).toBe("0");
    expect(afterWrite(before, "net/ipv4/ip_forward", "0")).toEqual(before);
    expect(interfacesOf(before)).toEqual(["eth0"]);
  });

  test("the kernel does so", () => {
    const script =
      "cd /proc/sys/net/ipv4; echo 1 > ip_forward; cat conf/all/accept_redirects; echo 0 > ip_forward; cat conf/all/accept_redirects";
    const run = spawnSync("unshare", ["-n", "sh", "-c", script], { encoding: "utf8" });
    if (run.status === 0) expect(run.stdout).toBe("0\n1\n");
  });
});

describe("sysctl.d", () => {
  const order = (files: Record<string, string>, options: { masked?: string[]; readsSysctlConf?: boolean } = {}) => ({
    files: new Map(
      Object.entries(files).map(([path, content]): [string, FileFact] => [
        path,
        { path, content, encoding: "utf8", mode: "-rw-r--r--", uid: 0, gid: 0 },
      ]),
    ),
    masked: new Set(options.masked ?? []),
    readsSysctlConf: options.readsSysctlConf ?? false,
  });
  const path = "net/ipv4/conf/eth0/rp_filter";
  const rp = (value: string) => `net.ipv4.conf.eth0.rp_filter = ${value}\n`;

  test("the last file by name counts, wherever it is", () => {
    const late = order({
      "/etc/sysctl.d/10-a.conf": rp("0"),
      "/usr/lib/sysctl.d/50-b.conf": rp("1"),
      "/run/sysctl.d/20-c.conf": rp("2"),
    });
    expect(bootSetting(late, path)).toMatchObject({ path: "/usr/lib/sysctl.d/50-b.conf", value: "1" });
  });

  test("a file in /etc hides one of its name, and a link to /dev/null hides it altogether", () => {
    expect(bootSetting(order({ "/etc/sysctl.d/50-b.conf": "", "/usr/lib/sysctl.d/50-b.conf": rp("1") }), path)).toBeUndefined();
    expect(bootSetting(order({ "/usr/lib/sysctl.d/50-b.conf": rp("1") }, { masked: ["50-b.conf"] }), path)).toBeUndefined();
  });

  test("/etc/sysctl.conf counts last, where it is read", () => {
    const files = { "/etc/sysctl.d/99-z.conf": rp("2"), "/etc/sysctl.conf": rp("1") };
    expect(bootSetting(order(files), path)?.value).toBe("2");
    expect(bootSetting(order(files, { readsSysctlConf: true }), path)).toMatchObject({ path: "/etc/sysctl.conf", value: "1" });
  });

  test("patterns yield to exact lines and to exclusions; comments and other spellings are read", () => {
    const pattern = "net.ipv4.conf.*.rp_filter = 1\n";
    expect(bootSetting(order({ "/usr/lib/sysctl.d/50-x.conf": pattern }), path)).toMatchObject({ value: "1", isExact: false });
    expect(bootSetting(order({ "/etc/sysctl.d/10-a.conf": rp("2"), "/usr/lib/sysctl.d/50-x.conf": pattern }), path)?.value).toBe(
      "2",
    );
    expect(
      bootSetting(
        order({ "/usr/lib/sysctl.d/50-x.conf": `${pattern}-net.ipv4.conf.all.rp_filter\n` }),
        "net/ipv4/conf/all/rp_filter",
      ),
    ).toBeUndefined();
    const odd = "# net.ipv4.conf.eth0.rp_filter = 0\n; x\n  -net/ipv4/conf/eth0/rp_filter=2  \nnonsense\n";
    expect(bootSetting(order({ "/etc/sysctl.d/a.conf": odd }), path)).toMatchObject({ value: "2", line: 2 });
  });

  test("whether our file has the last word", () => {
    const setting = { line: 0, value: "1", isExact: true };
    expect(ownFileWins({ ...setting, path: "/usr/lib/sysctl.d/50-x.conf" })).toBe(true);
    expect(ownFileWins({ ...setting, path: "/etc/sysctl.d/99-sysctl.conf" })).toBe(false);
    expect(ownFileWins({ ...setting, path: "/etc/sysctl.conf" })).toBe(false);
    expect(ownFileWins({ ...setting, path: "/usr/lib/sysctl.d/99-zz.conf", isExact: false })).toBe(true);
    expect(ownFileWins({ ...setting, path: OWN_FILE })).toBe(true);
  });

  test("an edit changes one line and no other byte", () => {
    expect(withSetting("# a\nnet.ipv4.ip_forward=0  \nx = 1", "net/ipv4/ip_forward", "1")).toBe(
      "# a\nnet.ipv4.ip_forward=1  \nx = 1",
    );
    expect(withSetting("x = 1", "net/ipv4/conf/eth0.5/rp_filter", "2")).toBe("x = 1\nnet/ipv4/conf/eth0.5/rp_filter = 2\n");
    const line = fc.constantFrom(
      "# c",
      "",
      "net.ipv4.ip_forward = 0",
      "net/ipv4/ip_forward=1",
      "kernel.x = a=b",
      "-net.ipv4.ip_forward",
      "; n",
    );
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom("0", "1"), (lines, value) => {
        const edited = withSetting(lines.join("\n"), "net/ipv4/ip_forward", value);
        expect(withSetting(edited, "net/ipv4/ip_forward", value)).toBe(edited);
        expect(bootSetting(order({ [OWN_FILE]: edited }), "net/ipv4/ip_forward")?.value).toBe(value);
      }),
    );
  });
});

describe("probes", () => {
  test.each(["dash", "busybox"])("settings are read by %s", (shell) => {
    const prelude = 'file() { [ -f "$1" ] && echo "FILE $1"; return 0; }';
    const args = shell === "busybox" ? (["busybox", ["sh", "-c"]] as const) : (["dash", ["-c"]] as const);
    const run = spawnSync(
      args[0],
      [...args[1], `${prelude}\n${sysctlProbes.map(({ command }) => `(${command}\n)`).join("\n")}`],
      { encoding: "utf8" },
    );
    expect(run.status).toBe(0);
    expect(run.stdout).toMatch(/^\/proc\/sys\/net\/ipv4\/ip_forward:[01]$/m);
    expect(run.stdout).toMatch(/^\/proc\/sys\/net\/ipv4\/conf\/all\/rp_filter:[012]$/m);
  });

  test("no xfrm right is not an empty SPD", () => {
    const facts = (exit: number | undefined, text: string) =>
      readKernel({ files: new Map(), readings: new Map([["kernel.xfrm.policy", { exit, text }]]) }).xfrm;
    expect(facts(0, "")).toBe("read");
    expect(facts(2, "RTNETLINK answers: Operation not permitted")).toBe("denied");
    expect(facts(undefined, "")).toBe("unavailable");
  });

  test("a planned setting is there", () => {
    const kernel = readKernel({
      files: new Map(),
      readings: new Map([["kernel.sysctl", { exit: 0, text: "/proc/sys/net/ipv4/ip_forward:0\n" }]]),
    });
    expect(
      afterKernelStep(kernel, { do: "sysctl", key: "net.ipv4.ip_forward", value: "1" }).sysctl.get("net/ipv4/ip_forward"),
    ).toBe("1");
  });
});

describe.skipIf(!hasRecordings)("recorded outputs", () => {
  const block = (text: string, command: string) =>
    new RegExp(`^# nx w ${command}$\\n([\\s\\S]*?)(?=^(?:#|---|\\[rc=))`, "m").exec(text)?.[1] ?? "";
  test.each(scenarios())("%s", (path) => {
    const text = recording(path);
    const plain = parsePolicies(block(text, "ip xfrm policy"));
    for (const option of ["-s ", "-d "]) {
      const other = block(text, `ip ${option}xfrm policy`);
      if (other !== "" && plain.length > 0) expect(parsePolicies(other)).toEqual(plain);
    }
    const associations = parseAssociations(block(text, "ip xfrm state"));
    const detailed = block(text, "ip -s xfrm state");
    if (detailed !== "") expect(parseAssociations(detailed)).toEqual(associations);
    if (plain.length > 0 && /ok_v[12]/.test(path)) {
      expect(associations.length).toBeGreaterThanOrEqual(2);
      expect(tunnelFaults(tunnel, { policies: plain, associations })).toEqual([]);
    }
  });
});
