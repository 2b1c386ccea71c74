import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bondModeName, parseBond } from "../../src/network/bonding.ts";
import { parseFeatures, parseOffloadCounters } from "../../src/network/offload.ts";
import { afterModify, bondOptions, parseProperties, profileMode, profileOf } from "../../src/network/profile.ts";
import { readNetwork } from "../../src/network/state.ts";
import { factsOf } from "./namespace.ts";

const CORPUS = process.env["IPSEC_FIX_CORPUS"] ?? join(import.meta.dirname, "../../../shared/corpus");
const BONDS = join(CORPUS, "formats/xfrm/xfrm_stat-experiments_and_bond-proc.txt");
const PROFILES = readFileSync(join(import.meta.dirname, "../fixtures/network/nmcli-1.42-bond-profiles.txt"), "utf8");

describe("/proc/net/bonding", () => {
  test("names mode, active port and ports with their link", () => {
    const text = [
      "Ethernet Channel Bonding Driver: v6.1.176",
      "",
      "Bonding Mode: fault-tolerance (active-backup) (fail_over_mac active)",
      "Primary Slave: enp1s0 (primary_reselect always)",
      "Currently Active Slave: enp1s0",
      "MII Status: up",
      "",
      "Slave Interface: enp1s0",
      "MII Status: up",
      "",
      "Slave Interface: enp2s0",
      "MII Status: down",
      "",
    ].join("\n");
    expect(parseBond("bond0", text)).toEqual({
      name: "bond0",
      mode: "active-backup",
      activePort: "enp1s0",
      ports: [
        { name: "enp1s0", up: true },
        { name: "enp2s0", up: false },
      ],
    });
  });

  test("a bond without ports has no active port", () => {
    const text = "Bonding Mode: fault-tolerance (active-backup)\nCurrently Active Slave: None\nMII Status: down\n";
    expect(parseBond("bond0", text)).toEqual({ name: "bond0", mode: "active-backup", ports: [] });
  });

  test("a mode new to us keeps the kernel's words", () => {
    expect(parseBond("bond0", "Bonding Mode: quantum\n")?.mode).toBe("quantum");
  });

  test("other text is no bond", () => {
    expect(parseBond("bond0", "cat: bond0: Permission denied\n")).toBeUndefined();
  });

  test.skipIf(!existsSync(BONDS))("every mode of a recorded kernel", () => {
    const recorded = readFileSync(BONDS, "utf8")
      .split(/^--- /m)
      .flatMap((section) => {
        const bond = parseBond("bond0", section.slice(section.indexOf("\n") + 1));
        return bond ? [[section.split("\n")[0], bond.mode, bond.activePort, bond.ports.map(({ name }) => name)]] : [];
      });
    expect(recorded).toEqual([
      ["active-backup", "active-backup", "e1", ["v0", "e1"]],
      ["balance-rr", "balance-rr", undefined, ["v0", "e1"]],
      ["802.3ad", "802.3ad", undefined, ["v0", "e1"]],
      ["balance-xor", "balance-xor", undefined, ["v0", "e1"]],
      ["broadcast", "broadcast", undefined, ["v0", "e1"]],
      ["balance-tlb", "balance-tlb", "v0", ["v0", "e1"]],
      ["balance-alb", "balance-alb", "v0", ["v0", "e1"]],
    ]);
  });

  test("modes by number are modes by name", () => {
    expect(["0", "1", "4", "802.3ad", "9"].map(bondModeName)).toEqual(["balance-rr", "active-backup", "802.3ad", "802.3ad", "9"]);
  });
});

describe("ethtool", () => {
  test("features are on or off, fixed, or held against a request", () => {
    const text = [
      "Features for eth0:",
      "tx-checksumming: on",
      "\ttx-checksum-ipv4: off [fixed]",
      "esp-hw-offload: off [requested on]",
      "esp-tx-csum-hw-offload: on [fixed]",
      "garbage: maybe",
    ].join("\n");
    expect([...parseFeatures(text)]).toEqual([
      ["tx-checksumming", { on: true, fixed: false }],
      ["tx-checksum-ipv4", { on: false, fixed: true }],
      ["esp-hw-offload", { on: false, fixed: false, requested: true }],
      ["esp-tx-csum-hw-offload", { on: true, fixed: true }],
    ]);
  });

  test.each([
    ["ixgbe", "NIC statistics:\n     rx_packets: 7\n     tx_ipsec: 15\n     rx_ipsec: 14\n", 15n, 14n],
    ["mlx5", "     ipsec_rx_pkts: 3\n     ipsec_rx_bytes: 300\n     ipsec_tx_pkts: 4\n     ipsec_tx_drop_pkts: 9\n", 4n, 3n],
    [
      "mlx5 with FPGA",
      "     ipsec_dec_in_packets: 18446744073709551615\n     ipsec_enc_out_packets: 2\n",
      2n,
      18446744073709551615n,
    ],
  ])("counters of %s", (_driver, text, sent, received) => {
    expect(parseOffloadCounters(text)).toMatchObject({ sent, received });
  });

  test("a driver that counts under no known name has no counters", () => {
    expect(parseOffloadCounters("     rx_packets: 7\n     ipsec_tx_drop_pkts: 9\n")).toBeUndefined();
    expect(parseOffloadCounters("no stats available\n")).toBeUndefined();
  });
});

describe("nmcli", () => {
  const { profiles, nmRunning } = readNetwork(factsOf({ "network.profiles": PROFILES }));

  test("recorded profiles are read, a name with colons, quotes and backslashes too", () => {
    expect(nmRunning).toBe(true);
    expect(profiles.map(({ name, interfaceName, features }) => [name, interfaceName, [...features]])).toEqual([
      ['Uplink: a\\b "bond"', "bond0", []],
      ["arp", "bond2", [["esp-hw-offload", false]]],
      ["lan", "bond1", [["esp-hw-offload", true]]],
    ]);
    expect(profiles.map(profileMode)).toEqual(["active-backup", "active-backup", "802.3ad"]);
  });

  test("a feature that is ignored counts as unset", () => {
    const text = "connection.uuid:u\nethtool.feature-esp-hw-offload:ignore\n";
    expect(profileOf(parseProperties(text), "").features.size).toBe(0);
  });

  test("+bond.options merges, bond.options replaces, -bond.options removes", () => {
    const [profile] = profiles;
    if (profile === undefined) throw new Error("no profile");
    expect(afterModify(profile, "+bond.options", "mode=balance-alb").bondOptions).toBe(
      "mode=balance-alb,miimon=100,primary=enp1s0",
    );
    expect(afterModify(profile, "bond.options", "mode=active-backup").bondOptions).toBe("mode=active-backup");
    expect(afterModify(profile, "-bond.options", "primary").bondOptions).toBe("mode=active-backup,miimon=100");
    expect(profileMode(afterModify(profile, "bond.options", "mode=4"))).toBe("802.3ad");
    expect(profileMode(afterModify(profile, "bond.options", ""))).toBe("balance-rr");
    expect(afterModify(profile, "ipv4.method", "auto")).toEqual(profile);
  });

  test("modifying a feature and modifying it back leaves the profile as it was", () => {
    const [profile] = profiles;
    if (profile === undefined) throw new Error("no profile");
    const on = afterModify(profile, "ethtool.feature-esp-hw-offload", "on");
    expect(on.features.get("esp-hw-offload")).toBe(true);
    expect(afterModify(on, "ethtool.feature-esp-hw-offload", "")).toEqual(profile);
  });
});

test("no text makes a parser throw", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      parseBond("b", text);
      parseFeatures(text);
      parseOffloadCounters(text);
      bondOptions(text);
      parseProperties(text);
      const readings = ["network", "network.features", "network.bonds", "network.profiles", "network.management"];
      readNetwork(factsOf(Object.fromEntries(readings.map((key) => [key, text]))));
    }),
  );
});
