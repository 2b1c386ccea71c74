import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPluto } from "../lab/daemons.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { hostOf, ipsecFix, ipsecFixJson, resourceOf, resources, told } from "./cli.ts";

let lab: Lab;
beforeAll(async () => {
  lab = await startLab({ hosts: 1 });
  await startPluto(lab.host("gw1"));
});
afterAll(async () => lab.stop());

/** The number that pluto gave a conn when it was loaded: another one after it was loaded anew. */
async function serialOf(conn: string): Promise<string | undefined> {
  const status = await lab.host("gw1").must("ipsec whack --status");
  return new RegExp(`^000 "${conn}":.*conn serial: (\\S+);`, "m").exec(status)?.[1];
}

describe("conns of a running daemon", () => {
  it("loads the edited conn anew, and leaves the other alone", async () => {
    const [myvpn, other] = [await serialOf("myvpn"), await serialOf("other")];
    const file = resources(lab, "libreswan_conn: { name: other, options: { mtu: 1300 } }");
    const applied = await ipsecFix(lab, "apply", file, "-y");
    expect(applied.exit, told(applied)).toBe(0);
    expect(await lab.host("gw1").must("ipsec whack --status")).toMatch(/"other":.* mtu: 1300;/);
    expect(await serialOf("myvpn")).toBe(myvpn);
    expect(await serialOf("other")).not.toBe(other);
  });

  it("waits for a tunnel that negotiates, then says why it is not up, and takes nothing back", async () => {
    const file = resources(lab, "tunnel: { conn: other, state: established }");
    const applied = await ipsecFixJson(lab, "apply", file, "-y");
    expect(applied.exit, told(applied)).toBe(2);
    expect(hostOf(applied.plan, "gw1")).toMatchObject({ status: "failed", reason: expect.stringContaining("is in place") });
    expect(resourceOf(applied.plan, "gw1", "tunnel")).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("negotiating with 203.0.113.10"),
    });
    expect(await lab.host("gw1").must("ipsec whack --status")).toMatch(/"other":.*policy:.*\+UP\+/);
    const down = resources(lab, "tunnel: { conn: other, state: down }");
    const taken = await ipsecFix(lab, "apply", down, "-y");
    expect(taken.exit, told(taken)).toBe(0);
    const again = await ipsecFix(lab, "plan", down);
    expect(again.exit, told(again)).toBe(0);
  });
});
