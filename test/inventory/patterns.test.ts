import { describe, expect, it } from "vitest";
import { readInventory } from "../../src/engine/inventory.ts";
import { globExpression, selectHosts } from "../../src/engine/pattern.ts";
import { readProjectFiles } from "../../src/io/project-files.ts";

const path = new URL("cases/ini/hosts", import.meta.url).pathname;
const files = readProjectFiles({
  playbook: "/nowhere/playbook.yml",
  inventory: [path],
  extraVars: [],
  limit: undefined,
  environment: {},
});
const inventory = readInventory(files.inventory, files.vars);

/** Recorded with `ansible PATTERN --list-hosts` of ansible-core 2.14; the order counts. */
const recorded: readonly (readonly [string, string])[] = [
  [
    "all",
    "lonely bastion gw01.example.com gw02.example.com gw03.example.com gw-x gw-y racka-1 racka-3 rackb-1 rackb-3 rackc-1 rackc-3",
  ],
  ["gateways", "gw01.example.com gw02.example.com gw03.example.com gw-x gw-y racka-1 racka-3 rackb-1 rackb-3 rackc-1 rackc-3"],
  ["gateways:!branches", "gw01.example.com gw03.example.com gw-x gw-y racka-1 racka-3 rackb-1 rackb-3 rackc-1 rackc-3"],
  ["sites:&branches", "gw02.example.com"],
  [
    "gateways,lonely",
    "gw01.example.com gw02.example.com gw03.example.com gw-x gw-y racka-1 racka-3 rackb-1 rackb-3 rackc-1 rackc-3 lonely",
  ],
  ["gw*", "gw01.example.com gw02.example.com gw03.example.com gw-x gw-y"],
  ["*.example.com", "gw01.example.com gw02.example.com gw03.example.com"],
  ["gateways[0]", "gw01.example.com"],
  ["gateways[-1]", "rackc-3"],
  ["gateways[0:2]", "gw01.example.com gw02.example.com gw03.example.com"],
  ["gateways[1:]", "gw02.example.com gw03.example.com gw-x gw-y racka-1 racka-3 rackb-1 rackb-3 rackc-1 rackc-3"],
  ["~gw0[13]", "gw01.example.com gw03.example.com"],
  ["~.*rack", "racka-1 racka-3 rackb-1 rackb-3 rackc-1 rackc-3"],
  ["rack[ab]-1", "racka-1 rackb-1"],
  ["gw0?.example.com", "gw01.example.com gw02.example.com gw03.example.com"],
  ["!branches", "lonely bastion gw01.example.com gw03.example.com gw-x gw-y racka-1 racka-3 rackb-1 rackb-3 rackc-1 rackc-3"],
  ["ungrouped", "lonely bastion"],
  ["lonely:bastion:!lonely", "bastion"],
  ["*:!sites", "lonely bastion"],
  ["gw[!0]*", "gw-x gw-y"],
  ["gw02.example.com,gw01.example.com", "gw02.example.com gw01.example.com"],
  ["sites:&~rack:!racka*", "rackb-1 rackb-3 rackc-1 rackc-3"],
  ["gateways[7:20]", "rackb-1 rackb-3 rackc-1 rackc-3"],
  ["gateways[99]", ""],
  ["gateways[3-5]", "gw-x gw-y racka-1"],
  ["~(gw|rack).*3", "gw03.example.com racka-3 rackb-3 rackc-3"],
  ["branches:branches", "gw02.example.com"],
  ["nothing", ""],
];

describe("patterns choose what Ansible's choose", () => {
  it.each(recorded)("%s", (pattern, hosts) => {
    expect(selectHosts(pattern, inventory).hosts.join(" ")).toBe(hosts);
  });

  it("mixes commas and colons, and takes blanks around parts", () => {
    expect(selectHosts(" gateways:&branches , lonely ", inventory).hosts).toEqual(["gw02.example.com"]);
    expect(selectHosts("branches, lonely:bastion", inventory).hosts).toEqual(["gw02.example.com", "lonely", "bastion"]);
  });

  it("says which part of a pattern names nothing, with the nearest name", () => {
    const { hosts, warnings } = selectHosts("gateway:!gw-z:~(", inventory);
    expect(hosts).toEqual([]);
    expect(warnings).toEqual([
      'no host or group matches "gateway" (did you mean "gateways"?)',
      '"~(" is no regular expression',
      'no host or group matches "gw-z" (did you mean "gw-x"?)',
    ]);
  });

  it("takes every other character of a glob as itself", () => {
    expect(globExpression("a.b+(c)|$^{d}").test("a.b+(c)|$^{d}")).toBe(true);
    expect(globExpression("a.b").test("axb")).toBe(false);
    expect(globExpression("[]").test("[]")).toBe(true);
  });
});
