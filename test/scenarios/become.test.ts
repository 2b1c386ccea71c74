import { expect, it } from "vitest";
import { ADMIN_PASSWORD } from "../lab/boot.ts";
import { startLab } from "../lab/lab.ts";
import { hostOf, ipsecFixJson, resources, told } from "./cli.ts";

it.each(["nopasswd", "password"] as const)(
  "knows the management connection behind sudo (%s), and never cuts it",
  async (sudo) => {
    await using lab = await startLab({
      hosts: [{ name: "gw1", user: "admin", sudo, vars: sudo === "password" ? { ansible_become_password: ADMIN_PASSWORD } : {} }],
    });
    const host = lab.host("gw1");
    await host.must("iptables-nft -A INPUT -p tcp --dport 2222 -j ACCEPT");
    const ok = resources(lab, "gateway_sysctls: { forwarding: true }");
    const applied = await ipsecFixJson(lab, "apply", ok, "-y");
    expect(applied.exit, told(applied)).toBe(0);
    const facts = await ipsecFixJson(lab, "facts");
    expect(JSON.stringify(facts.plan)).toMatch(/ssh=127\.0\.0\.1 \d+ 127\.77\.\d+\.\d+ \d+/);
    expect(hostOf(applied.plan, "gw1").status).toBe("changed");
    expect(`${applied.stdout}${applied.stderr}`).not.toContain(ADMIN_PASSWORD);
  },
);
