import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chatter, fillDisk, type Masquerade, makeReadOnly, masquerade, uninstall } from "./faults.ts";
import { labIsPossible } from "./host.ts";
import { type Lab, startLab } from "./lab.ts";
import { run } from "./process.ts";
import { startTraffic } from "./traffic.ts";

const LAN = "10.0.2.33";
const REMOTE = "192.168.7.9";
const WAN = "172.16.0.1";

describe.skipIf(!labIsPossible())("the lab's faults are real", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({ hosts: 12 });
  });
  afterAll(() => lab.stop());

  const backends: readonly Masquerade["backend"][] = ["iptables-legacy", "iptables-nft", "nft-ip", "nft-inet"];
  const chains = ["base", "user"] as const;
  const cases = backends.flatMap((backend) => chains.map((chain) => ({ backend, chain })));

  it.each(cases)("$backend, masquerade in a $chain chain: traffic proves what the exemption does", async ({ backend, chain }) => {
    const host = lab.hosts[cases.findIndex((one) => one.backend === backend && one.chain === chain)];
    if (host === undefined) throw new Error("too few hosts");
    const traffic = await startTraffic(host);
    expect(await traffic.source({ from: LAN, to: REMOTE })).toBe(LAN);
    await masquerade(host, { backend, chain, exemption: "below" });
    expect(await traffic.source({ from: LAN, to: REMOTE })).toBe(WAN);
    await host.must(backend.startsWith("nft") ? "nft flush ruleset" : `${backend} -t nat -F`);
    await masquerade(host, { backend, chain, exemption: "above" });
    expect(await traffic.source({ from: LAN, to: REMOTE })).toBe(LAN);
    expect(await traffic.source({ from: LAN, to: "198.51.100.1" })).toBe(WAN);
    await traffic.stop();
  });

  it("keeps a running flow translated, as connection tracking does", async () => {
    const host = lab.host("gw9");
    const traffic = await startTraffic(host);
    await masquerade(host, { backend: "iptables-nft" });
    expect(await traffic.source({ from: LAN, to: REMOTE, port: 4000 })).toBe(WAN);
    await host.must("iptables-nft -t nat -I POSTROUTING -d 192.168.0.0/16 -j RETURN");
    expect(await traffic.source({ from: LAN, to: REMOTE, port: 4000 })).toBe(WAN);
    expect(await traffic.source({ from: LAN, to: REMOTE, port: 4001 })).toBe(LAN);
    await host.must("conntrack -D -s 10.0.2.0/24 -d 192.168.0.0/16");
    expect(await traffic.source({ from: LAN, to: REMOTE, port: 4000 })).toBe(LAN);
    await traffic.stop();
  });

  it("reads segment sizes and carries IPv6", async () => {
    const host = lab.host("gw10");
    const traffic = await startTraffic(host);
    expect(await traffic.segmentSize({ from: LAN, to: REMOTE })).toBe(1460);
    await host.must("iptables-nft -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1380");
    expect(await traffic.segmentSize({ from: LAN, to: REMOTE })).toBe(1380);
    expect(await traffic.segmentSize({ from: "fd00:10:2::33", to: "2001:db8:ffff::9" })).toBe(1440);
    expect(await traffic.source({ from: "fd00:10:2::33", to: "2001:db8:ffff::9" })).toBe("fd00:10:2::33");
    await host.must("ip6tables-nft -t nat -A POSTROUTING -o eth0 -j MASQUERADE");
    expect(await traffic.source({ from: "fd00:10:2::33", to: "2001:db8:ffff::9" })).toBe("2001:db8:16::1");
    expect(await traffic.source({ from: LAN, to: "203.0.113.99" })).toBe(LAN);
    await host.must("iptables-nft -A FORWARD -j DROP");
    expect(await traffic.source({ from: LAN, to: REMOTE })).toBeUndefined();
    await traffic.stop();
  });

  it("has counters, saved rulesets, full disks, read-only folders, missing programs and chatty shells", async () => {
    const host = lab.host("gw11");
    await masquerade(host, { backend: "iptables-legacy", exemption: "below" });
    expect(await host.must("iptables-legacy-save -c -t nat")).toContain(
      '[3:252] -A POSTROUTING -s 10.99.0.0/16 -m comment --comment "guests, see wiki"',
    );
    expect(await host.must("iptables-legacy-restore --test /etc/iptables/rules.v4; cat /etc/iptables/rules.v4")).toContain(
      "-j MASQUERADE",
    );

    await fillDisk(host, "/etc");
    expect((await host.exec("cp /etc/group /etc/new")).stderr).toMatch(/No space left/);
    expect(await host.read("/etc/ipsec.conf")).toContain("config setup");
    await host.must("umount /etc");
    await makeReadOnly(host, "/etc");
    expect((await host.exec("echo text >/etc/new")).stderr).toMatch(/Read-only file system/);

    await uninstall(host, "conntrack", "nft");
    expect((await host.exec("conntrack -L")).exit).toBe(127);
    const talker = lab.host("gw12");
    await chatter(talker, "root");
    expect((await run(["ssh", "-F", lab.sshConfigPath, "gw12", "echo ok"])).stdout).toMatch(/^Welcome!.+no newlineok\n$/s);
  });
});
