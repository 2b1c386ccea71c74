import { expect, test } from "vitest";
import { mergeSteps } from "../../../src/engine/merge.ts";
import { changesOf, planGateway } from "../../../src/engine/plan.ts";
import { readGateway } from "../../../src/gateway/effect.ts";
import { kinds } from "../../../src/kinds/index.ts";
import { connOf, readConfig } from "../../../src/libreswan/config.ts";
import { versionOf } from "../../../src/libreswan/version.ts";
import type { Resource } from "../../../src/model/resource.ts";
import { factsOf } from "../cases.ts";

const POLICY = "/etc/crypto-policies/back-ends/libreswan.config";

function resource(kind: string, name: string, spec: unknown): Resource {
  return { address: `${kind}[${name}]`, kind, name, spec, tags: [], ignore_drift: [], at: { file: "p.yml", line: 1, column: 1 } };
}

test("resources that edit one file compose, and come out as one write", () => {
  const before = `# gateway\ninclude ${POLICY}\nconn t\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tmtu=1500\n\tmtu=1450\n`;
  const gateway = readGateway(
    factsOf({
      readings: { "libreswan.version": "Libreswan 4.12" },
      files: { "/etc/ipsec.conf": before, [POLICY]: "conn %default\n\tike=aes256-sha2\n\tesp=aes256-sha2\n" },
    }),
  );
  const request = {
    host: "gw",
    address: "192.0.2.1",
    kinds,
    condition: () => ({ holds: true }),
    resources: [
      resource("crypto_policy", "opt out", { follow: false }),
      resource("libreswan_conn", "mtu", { name: "t", state: "present", options: { mtu: "1400", pfs: "no" } }),
      resource("libreswan_conn", "legacy", {
        name: "t",
        state: "present",
        options: { ikev2: "never", ike: "aes-sha2;modp2048", mtu: "1400" },
      }),
      resource("libreswan_setup", "debug", { options: { plutodebug: "all" }, expires: "2h" }),
      resource("libreswan_conn", "new", {
        name: "u",
        state: "present",
        file: "/etc/ipsec.conf",
        options: { left: "192.0.2.1", right: "192.0.2.3" },
      }),
    ],
  };
  const plan = planGateway(request, gateway);
  expect(plan.resources.map(({ outcome, reason }) => reason ?? outcome)).toEqual(Array.from({ length: 5 }, () => "would-change"));
  const writes = mergeSteps(changesOf(plan).flatMap(({ steps }) => steps)).filter(
    (step) => step.do === "write-file" && step.path === "/etc/ipsec.conf",
  );
  expect(writes).toHaveLength(1);
  const [write] = writes;
  const after = write?.do === "write-file" ? write.after : "";
  expect(write).toMatchObject({ before, check: "libreswan" });
  expect(after).toBe(
    `# gateway\n#include ${POLICY}\nconfig setup\n\tplutodebug=all\n\nconn t\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tmtu=1400\n\tpfs=no\n\tikev2=never\n\tike=aes-sha2;modp2048\n\nconn u\n\tleft=192.0.2.1\n\tright=192.0.2.3\n`,
  );
  const version = versionOf("4.12");
  if (version === undefined) throw new Error("no version");
  const config = readConfig({ main: "/etc/ipsec.conf", files: new Map([["/etc/ipsec.conf", after]]) }, version);
  expect(["t", "u"].map((name) => connOf(config, name)?.loaded)).toEqual([true, true]);
});
