import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { factsScript, parseFacts } from "../../../src/engine/facts.ts";
import { LIBRARY } from "../../../src/engine/shell-library.ts";
import { stepScript } from "../../../src/engine/step-script.ts";
import { readGateway } from "../../../src/gateway/effect.ts";
import { systemProbes } from "../../../src/gateway/system.ts";
import { gatewaySysctls } from "../../../src/kinds/gateway-sysctls.ts";
import type { Step } from "../../../src/model/step.ts";

const canRun = process.getuid?.() === 0 && spawnSync("unshare", ["-nm", "true"]).status === 0;
const MARK = "0123456789abcdef0123456789abcdef";

/** A network namespace with an Ethernet interface, a VLAN on it, and an /etc/sysctl.d of its own. */
const HOST = `mount -t tmpfs tmpfs /etc/sysctl.d
printf 'net.ipv4.conf.all.send_redirects = 0\\n' > /etc/sysctl.d/10-old.conf
ip link add eth0 type veth peer name peer0 && ip link add name vti0.5 type veth peer name peer1
ip addr add 203.0.113.10/24 dev eth0; ip link set eth0 up; ip link set peer0 up; ip link set vti0.5 up; ip link set peer1 up
ip route add default via 203.0.113.1
echo 1 > /proc/sys/net/ipv4/conf/eth0/rp_filter
echo ready; exec sleep 60`;

describe.skipIf(!canRun)("the kernel's own settings", () => {
  test("converge, hold at the next boot, and come back", { timeout: 60_000 }, async () => {
    const host = spawn("unshare", ["-nm", "sh", "-c", HOST], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await once(host.stdout, "data");
      const run = (script: string): Buffer => {
        const result = spawnSync("nsenter", ["-t", String(host.pid), "-n", "-m", "sh", "-c", script]);
        expect(result.status, result.stderr.toString()).toBe(0);
        return result.stdout;
      };
      const probes = [...systemProbes, ...gatewaySysctls.probes({})];
      const gateway = () => readGateway(parseFacts(run(factsScript(probes, MARK)), probes, MARK) ?? expect.fail());
      const assess = (state = gateway()) => {
        const at = { file: "p", line: 1, column: 1 };
        return gatewaySysctls.assess({ address: "g", kind: "g", name: "g", spec: {}, tags: [], ignore_drift: [], at }, state);
      };
      const context = { libreswan: undefined, reveal: (text: string) => text };
      const apply = (steps: readonly Step[]) =>
        run(`${LIBRARY}\n${steps.map((step) => stepScript(step, "x", context)).join(" &&\n")}`);

      const before = gateway();
      const { changes } = assess(before);
      expect(changes.map(({ target }) => target)).toContain("net.ipv4.ip_forward");
      apply(changes.flatMap(({ steps }) => steps));
      const after = gateway();
      expect(assess(after).changes).toEqual([]);
      expect(after.kernel.sysctl.get("net/ipv4/conf/eth0/rp_filter")).toBe("2");
      expect(after.files.get("/etc/sysctl.d/10-old.conf")?.content).toBe("net.ipv4.conf.all.send_redirects = 0\n");

      // What is written is what sysctl(8) itself reads: the same state from the files alone.
      run(
        "for key in ip_forward conf/all/accept_redirects; do echo 0 > /proc/sys/net/ipv4/$key; done; sysctl -p /etc/sysctl.d/99-ipsec-fix.conf",
      );
      expect(assess().changes).toEqual([]);

      apply([...changes].reverse().flatMap(({ undo }) => undo.filter(({ do: name }) => name === "sysctl")));
      expect(gateway().kernel.sysctl).toEqual(before.kernel.sysctl);
    } finally {
      host.kill("SIGKILL");
    }
  });
});
