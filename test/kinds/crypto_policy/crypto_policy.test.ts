import { describe, expect, test } from "vitest";
import { readGateway } from "../../../src/gateway/effect.ts";
import { cryptoPolicy } from "../../../src/kinds/crypto-policy.ts";
import { casesOf, checkCase, factsOf } from "../cases.ts";

describe("crypto_policy", () => {
  test.each(casesOf("crypto_policy"))("$file", (given) => checkCase(cryptoPolicy, given));

  test("names the conns that it changes, and loads them anew", () => {
    const status = '000 "a": 192.0.2.1<192.0.2.1>...192.0.2.2<192.0.2.2>; unrouted; eroute owner: #0\n';
    const gateway = readGateway(
      factsOf({
        readings: { "libreswan.version": "Libreswan 4.10", "libreswan.status": status },
        files: {
          "/etc/ipsec.conf":
            "include /etc/crypto-policies/back-ends/libreswan.config\nconn a\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tike=aes256-sha2\n",
          "/etc/crypto-policies/back-ends/libreswan.config": "conn %default\n\tike=aes256-sha2\n\tesp=aes256-sha2\n",
        },
      }),
    );
    const at = { file: "p.yml", line: 1, column: 1 };
    const resource = {
      address: "crypto_policy[x]",
      kind: "crypto_policy",
      name: "x",
      spec: { follow: false },
      tags: [],
      ignore_drift: [],
      at,
    };
    const [change] = cryptoPolicy.assess(resource, gateway).changes;
    expect(change?.reason).toContain("this changes a");
    expect(change?.finally).toEqual([{ do: "load-conn", conn: "a" }]);
  });
});
