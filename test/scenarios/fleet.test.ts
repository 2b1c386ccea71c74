import { afterAll, beforeAll, expect, it } from "vitest";
import { masquerade } from "../lab/faults.ts";
import { type HostOptions, type Lab, startLab } from "../lab/lab.ts";
import { hostOf, ipsecFixJson, resources, told } from "./cli.ts";

const HOSTS = 20;
let lab: Lab;

beforeAll(async () => {
  const hosts: HostOptions[] = Array.from({ length: HOSTS }, (_, index) =>
    index === 2 ? { name: "gw3", user: "admin", sudo: "none" } : { name: `gw${index + 1}` },
  );
  lab = await startLab({ hosts });
  await Promise.all(lab.hosts.map((host) => masquerade(host, { backend: "iptables-nft", exemption: "below" })));
  await lab.host("gw1").link("closed");
  await lab.host("gw2").link("hangs");
});
afterAll(async () => lab.stop());

it("converges 17 of 20 hosts when one is unreachable, one hangs and one lets nobody become root", async () => {
  const playbook = resources(lab, "nat_exemption: { conn: myvpn }", "libreswan_conn: { name: myvpn, options: { mtu: 1400 } }");
  const run = await ipsecFixJson(lab, "apply", playbook, "-y", "--max-fail", "20", "--timeout", "10");
  expect(run.exit, told(run)).toBe(1);
  expect(run.plan.hosts).toHaveLength(HOSTS);
  expect(hostOf(run.plan, "gw1")).toMatchObject({ status: "unreachable", exit: 6 });
  expect(hostOf(run.plan, "gw2")).toMatchObject({ status: "unreachable", exit: 6 });
  expect(hostOf(run.plan, "gw3")).toMatchObject({ status: "failed", exit: 1 });
  expect(hostOf(run.plan, "gw3").reason).toMatch(/sudo/);
  const rest = run.plan.hosts.filter(({ host }) => !["gw1", "gw2", "gw3"].includes(host));
  expect(rest.map(({ status }) => status)).toEqual(Array.from({ length: 17 }, () => "changed"));

  const again = await ipsecFixJson(lab, "plan", playbook, "-l", "gateways:!gw1:!gw2:!gw3");
  expect(again.exit, told(again)).toBe(0);
}, 60_000);

it("starts no batch after too many failures", async () => {
  const playbook = resources(lab, "tcp_mss_clamp: { mss: pmtu }");
  const run = await ipsecFixJson(lab, "apply", playbook, "-y", "--serial", "1", "--timeout", "3", "-l", "gw1,gw5,gw6");
  expect(run.exit, told(run)).toBe(6);
  expect(run.plan.hosts.map(({ status }) => status)).toEqual(["unreachable", "skipped", "skipped"]);
  expect(hostOf(run.plan, "gw5").reason).toMatch(/max-fail/);
});

it("needs one execution for a gateway without changes, and three with changes", async () => {
  const host = lab.host("gw10");
  const playbook = resources(
    lab,
    "gateway_sysctls: { forwarding: true }",
    "libreswan_conn: { name: myvpn, options: { mtu: 1360 } }",
  );
  const count = async (): Promise<number> => (await host.sessions()).executions;
  const start = await count();
  await ipsecFixJson(lab, "apply", playbook, "-y", "-l", "gw10");
  expect((await count()) - start).toBe(3);
  const second = await count();
  const run = await ipsecFixJson(lab, "apply", playbook, "-y", "-l", "gw10");
  expect(run.exit, told(run)).toBe(0);
  expect((await count()) - second).toBe(1);
});
