import { expect, it } from "vitest";
import { startFirewalld, startPluto } from "./daemons.ts";
import { labIsPossible } from "./host.ts";
import { startLab } from "./lab.ts";
import { startTraffic } from "./traffic.ts";

it.skipIf(!labIsPossible())("a lab host runs the real pluto", async () => {
  await using lab = await startLab({ hosts: 2 });
  const [host] = lab.hosts;
  if (host === undefined) return;
  await startPluto(host);
  expect(await host.must("ipsec status")).toMatch(/"myvpn": 10\.0\.2\.0\/24===172\.16\.0\.1.*192\.168\.0\.0\/16/);
  await host.must("sed -i 's/^    auto=start/    mtu=1400\\n    auto=start/' /etc/ipsec.d/myvpn.conf; ipsec auto --add myvpn");
  expect(await host.must("ipsec status")).toMatch(/"myvpn":.*mtu: 1400/);
  await host.must("ipsec auto --route other");
  expect(await host.must("ip xfrm policy")).toContain("src 10.0.3.0/24 dst 172.20.0.0/16");
  expect((await lab.host("gw2").exec("ipsec whack --status")).exit).not.toBe(0);
});

it.skipIf(!labIsPossible())(
  "a lab host runs the real firewalld, whose masquerade an iptables rule does not exempt from",
  async () => {
    await using lab = await startLab({ hosts: 1 });
    const [host] = lab.hosts;
    if (host === undefined) return;
    await startFirewalld(host);
    const traffic = await startTraffic(host);
    const packet = { from: "10.0.2.33", to: "192.168.7.9" };
    expect(await traffic.source(packet)).toBe("172.16.0.1");
    await host.must("iptables -t nat -I POSTROUTING -s 10.0.2.0/24 -d 192.168.0.0/16 -j RETURN");
    expect(await traffic.source(packet)).toBe("172.16.0.1");
    await host.must("firewall-cmd -q --zone=external --remove-masquerade");
    await host.must(
      "firewall-cmd -q --zone=external --add-rich-rule='rule family=ipv4 destination not address=192.168.0.0/16 masquerade'",
    );
    expect(await traffic.source(packet)).toBe("10.0.2.33");
    expect(await traffic.source({ ...packet, to: "198.51.100.7" })).toBe("172.16.0.1");
  },
);
