import { describe, expect, test } from "vitest";
import { persistProbes, readPersistence } from "../../src/firewall/persist.ts";
import type { Facts } from "../../src/model/fact.ts";
import { fileFact } from "./saved-kernel.ts";

function loaders(text: string, ...paths: readonly string[]): readonly string[] {
  return readPersistence(facts(text, ...paths)).loaders.map(({ path }) => path);
}

function facts(text: string, ...paths: readonly string[]): Facts {
  return {
    readings: new Map([["persistence", { exit: 0, text }]]),
    files: new Map(paths.map((path) => [path, fileFact(path, "")])),
  };
}

const PLUGINS =
  "plugin /usr/share/netfilter-persistent/plugins.d/15-ip4tables\nplugin /usr/share/netfilter-persistent/plugins.d/25-ip6tables";

describe("who loads saved rules at boot", () => {
  test.each([
    [
      "Debian with iptables-persistent",
      `init systemd\nunit netfilter-persistent enabled\nunit iptables alias\n${PLUGINS}`,
      ["/etc/nftables.conf"],
      ["/etc/iptables/rules.v4", "/etc/iptables/rules.v6"],
    ],
    ["netfilter-persistent without its plugins", "init systemd\nunit netfilter-persistent enabled", [], []],
    [
      "netfilter-persistent disabled",
      `init systemd\nunit netfilter-persistent disabled\n${PLUGINS}`,
      ["/etc/iptables/rules.v4"],
      [],
    ],
    ["Debian with nftables", "init systemd\nunit nftables enabled", ["/etc/nftables.conf"], ["/etc/nftables.conf"]],
    ["nftables as the package leaves it", "init systemd\nunit nftables disabled", ["/etc/nftables.conf"], []],
    [
      "RHEL with iptables-services",
      "init systemd\ndistribution redhat\nunit iptables enabled\nunit ip6tables disabled",
      [],
      ["/etc/sysconfig/iptables"],
    ],
    [
      "RHEL with nftables",
      "init systemd\ndistribution redhat\nunit nftables enabled enabled",
      ["/etc/sysconfig/nftables.conf"],
      ["/etc/sysconfig/nftables.conf"],
    ],
    [
      "SysV init",
      `init init\nlink /etc/rcS.d/S15netfilter-persistent\n${PLUGINS}`,
      [],
      ["/etc/iptables/rules.v4", "/etc/iptables/rules.v6"],
    ],
    ["OpenRC", "init init\nlink /etc/runlevels/default/nftables", ["/etc/nftables.conf"], ["/etc/nftables.conf"]],
    ["an init that starts none of them", "init runit", ["/etc/iptables/rules.v4", "/etc/nftables.conf"], []],
    [
      "no init, a saved file of iptables",
      "init sh",
      ["/etc/iptables/rules.v4"],
      ["/etc/iptables/rules.v4", "/etc/iptables/rules.v6"],
    ],
    [
      "no init, a saved script of nftables",
      "init sleep",
      ["/etc/nftables.conf"],
      ["/etc/iptables/rules.v4", "/etc/iptables/rules.v6", "/etc/nftables.conf"],
    ],
    ["no init and nothing saved", "init sh", [], []],
  ] as const)("%s", (_, text, paths, expected) => {
    expect(loaders(text, ...paths)).toEqual(expected);
  });

  test("what to install or enable where there is none", () => {
    const { remedy } = readPersistence(facts("init systemd\ndistribution redhat\nunit nftables disabled"));
    expect(remedy).toEqual({
      iptables: "install the package iptables-services and enable iptables (and ip6tables)",
      nftables: "enable nftables",
    });
  });

  test("the probe is one, and asks nothing twice", () => {
    expect(persistProbes.map(({ key }) => key)).toEqual(["persistence"]);
  });
});
