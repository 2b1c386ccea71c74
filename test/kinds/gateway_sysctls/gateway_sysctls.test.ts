import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gatewaySettings, kernelDefault } from "../../../src/kernel/gateway-settings.ts";
import { afterWrite } from "../../../src/kernel/sysctl.ts";
import { gatewaySysctls } from "../../../src/kinds/gateway-sysctls.ts";
import { casesOf, checkCase, checkLaws } from "../cases.ts";

describe("gateway_sysctls", () => {
  test.each(casesOf("gateway_sysctls"))("$file", (given) => checkCase(gatewaySysctls, given));

  const flag = fc.constantFrom("0", "1");
  const state = fc.record({
    "net/ipv4/ip_forward": flag,
    "net/ipv6/conf/all/forwarding": flag,
    "net/ipv4/conf/all/rp_filter": fc.constantFrom("0", "1", "2"),
    "net/ipv4/conf/default/rp_filter": fc.constantFrom("0", "1", "2"),
    "net/ipv4/conf/eth0.5/rp_filter": fc.constantFrom("0", "1", "2"),
    "net/ipv4/conf/all/send_redirects": flag,
    "net/ipv4/conf/default/send_redirects": flag,
    "net/ipv4/conf/eth0.5/send_redirects": flag,
    "net/ipv4/conf/all/accept_redirects": flag,
    "net/ipv4/conf/default/accept_redirects": flag,
    "net/ipv4/conf/eth0.5/accept_redirects": flag,
    "net/ipv6/conf/default/accept_redirects": flag,
    "net/ipv6/conf/eth0.5/accept_redirects": flag,
  });
  const wish = fc.record(
    {
      forwarding: fc.boolean(),
      redirects: fc.boolean(),
      rp_filter: fc.constantFrom("off" as const, "strict" as const, "loose" as const),
    },
    { requiredKeys: [] },
  );
  const network =
    "2: eth0.5@eth0: <UP> mtu 1500 state UP\n    inet 203.0.113.10/24 scope global eth0.5\n== route\ndefault via 203.0.113.1 dev eth0.5\n== route6\n";

  test("any state converges, and comes back", () => {
    fc.assert(
      fc.property(
        state,
        wish,
        fc.array(
          fc.constantFrom(
            "net.ipv4.ip_forward = 0",
            "net.ipv4.conf.*.rp_filter = 1",
            "net.ipv4.conf.all.send_redirects=0",
            "# c",
          ),
        ),
        (values, spec, lines) => {
          const sysctl = Object.entries(values).map(([path, value]) => `/proc/sys/${path}:${value}\n`);
          const given = {
            spec,
            readings: { network, "kernel.sysctl": sysctl.join("") },
            files: { "/etc/sysctl.d/99-x.conf": lines.join("\n") },
          };
          checkLaws(gatewaySysctls, given);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("a setting that holds after being written holds whatever order it was found in", () => {
    fc.assert(
      fc.property(state, wish, (values, wanted) => {
        let kernel: ReadonlyMap<string, string> = new Map(Object.entries(values));
        const settings = gatewaySettings(wanted, kernel, { ipv6: true, tunnelInterfaces: ["eth0.5"] });
        for (const { holds, path, value } of settings)
          if (!holds((other) => kernel.get(other))) kernel = afterWrite(kernel, path, value);
        for (const { holds, path } of settings)
          expect(
            holds((other) => kernel.get(other)),
            path,
          ).toBe(true);
        expect(kernelDefault("net/ipv4/conf/all/send_redirects")).toBe("1");
      }),
    );
  });
});
