import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ikeVersion, optionHolds, translateOption } from "../../src/libreswan/options.ts";
import { builtInDefault, sameValue } from "../../src/libreswan/values.ts";
import { parseVersion, versionOf } from "../../src/libreswan/version.ts";

const v = (text: string) => versionOf(text) ?? expect.fail(text);

describe("parseVersion", () => {
  test.each([
    ["Libreswan 4.10\n", "4.10", 4, 10],
    ["Linux Libreswan 3.32 (netkey) on 6.1.176\n", "3.32", 3, 32],
    ["Libreswan 5.3.2", "5.3.2", 5, 3],
    ["Linux Libreswan v4.2-rc1 (XFRM) on 5.4", "4.2-rc1", 4, 2],
  ])("%s", (text, name, major, minor) => {
    expect(parseVersion(text)).toEqual({ text: name, major, minor });
  });

  test.each(["Linux strongSwan U5.9.8/K6.1.0-18-amd64", "Openswan U2.6.52", "", "bash: ipsec: command not found"])(
    "%s is none",
    (text) => {
      expect(parseVersion(text)).toBeUndefined();
    },
  );
});

describe("sameValue", () => {
  test.each([
    ["4.10", "pfs", "yes", "true", true],
    ["4.10", "pfs", "yes", "YES", false],
    ["5.2", "pfs", "YES", "1", true],
    ["5.2", "pfs", "no", "off", true],
    ["4.10", "auto", "route", "ondemand", true],
    ["4.10", "auto", "UP", "start", true],
    ["4.10", "auto", "add", "start", false],
    ["4.10", "keyingtries", "0", "%forever", true],
    ["4.10", "keyingtries", "3", "%forever", false],
    ["5.4", "nic-offload", "yes", "crypto", true],
    ["4.10", "nic-offload", "yes", "auto", false],
    ["4.10", "ikev2", "never", "no", true],
    ["4.10", "ikev2", "never", "permit", true],
    ["4.10", "ikev2", "insist", "propose", true],
    ["4.10", "ikev2", "insist", "never", false],
    ["5.4", "ikev2", "never", "off", true],
    ["5.4", "fragmentation", "on", "yes", true],
    ["5.4", "leftsendcert", "ifasked", "sendifasked", true],
    ["5.4", "salifetime", "3600", "1h", true],
    ["4.10", "mtu", "1400", "01400", true],
    ["4.10", "mtu", "1400", "1401", false],
    ["4.10", "ikelifetime", "8h", "28800", true],
    ["4.10", "ikelifetime", "8h", "480m", true],
    ["4.10", "retransmit-interval", "500", "500ms", true],
    ["4.10", "retransmit-timeout", "60", "1m", true],
    ["4.10", "rekeyfuzz", "100%", "0100%", true],
    ["4.10", "esp", "aes_gcm,aes-sha2", "AES_GCM,aes-sha256", true],
    ["4.10", "ike", "aes-sha1;modp2048", "aes-sha1-dh14", true],
    ["4.10", "esp", "aes-sha1,aes-sha2", "aes-sha2,aes-sha1", false],
    ["4.10", "leftsubnet", "10.0.2.0/24", "10.0.2.77/24", true],
    ["4.10", "leftsubnet", "10.0.2.0/24", "10.0.2.0/255.255.255.0", true],
    ["4.10", "leftsubnet", "2001:db8::/64", "2001:0db8:0::/64", true],
    ["4.10", "leftsubnets", "10.0.1.0/24,10.0.2.0/24", "{ 10.0.2.0/24 10.0.1.0/24 }", true],
    ["4.10", "leftsubnets", "10.0.1.0/24", "10.0.1.0/24,10.0.2.0/24", false],
    ["5.2", "leftsubnet", "10.0.1.5", "10.0.1.5/32", true],
    ["5.2", "leftsubnet", "10.0.1.0/24,10.0.2.0/24", "10.0.2.0/24, 10.0.1.0/24", true],
    ["4.10", "left", "VPN.example.com", "vpn.example.com", true],
    ["4.10", "left", "%Eth0", "%eth0", false],
    ["4.10", "leftprotoport", "17/1701", "udp/1701", true],
    ["4.10", "leftprotoport", "udp/0", "udp", true],
    ["4.10", "authby", "rsasig,ecdsa", "ecdsa, rsasig", true],
    ["4.10", "leftid", "@West", "@west", false],
    ["4.10", "plutodebug", "base,crypt", "crypt base", true],
    ["4.10", "plutodebug", "all,no-private", "all", true],
    ["4.10", "no-such-key", "a", "a", true],
    ["4.10", "no-such-key", "a", "A", false],
  ])("%s %s: %s and %s: %s", (version, key, one, other, same) => {
    expect(sameValue(key, one, other, v(version))).toBe(same);
    expect(sameValue(key, other, one, v(version))).toBe(same);
  });

  const key = fc.constantFrom(
    "pfs",
    "auto",
    "mtu",
    "esp",
    "leftsubnet",
    "rightsubnets",
    "ikelifetime",
    "left",
    "plutodebug",
    "rekeyfuzz",
  );
  const value = fc.oneof(
    fc.string(),
    fc.constantFrom("yes", "NO", "1400", "1h", "10.0.0.0/8", "aes-sha1", "route", "$(id)", "'", "\n"),
  );
  test("is reflexive and symmetric for any text", () => {
    fc.assert(
      fc.property(key, value, value, fc.constantFrom("3.32", "4.10", "5.4"), (name, one, other, version) => {
        expect(sameValue(name, one, one, v(version))).toBe(true);
        expect(sameValue(name, one, other, v(version))).toBe(sameValue(name, other, one, v(version)));
      }),
    );
  });
});

describe("translateOption", () => {
  const line = (version: string, key: string, value: string | number | boolean, section: "conn" | "setup" = "conn") => {
    const result = translateOption(key, value, v(version), section);
    return "refused" in result ? result.refused : result.options.map((option) => `${option.key}=${option.value}`).join(" ");
  };

  test.each([
    ["4.10", "mtu", 1400, "mtu=1400"],
    ["4.10", "MTU", "1400", "mtu=1400"],
    ["4.10", "pfs", true, "pfs=yes"],
    ["4.10", "pfs", "NO", "pfs=no"],
    ["4.10", "ikev2", "never", "ikev2=never"],
    ["5.2", "ikev2", "never", "keyexchange=ikev1"],
    ["5.4", "ikev2", "permit", "keyexchange=ikev1"],
    ["5.4", "ikev2", "insist", "keyexchange=ikev2"],
    ["4.10", "keyexchange", "ikev1", "ikev2=never"],
    ["4.10", "keyexchange", "ikev2", "ikev2=insist"],
    ["4.10", "keyexchange", "ike", "keyexchange=ike"],
    ["4.10", "nic-offload", true, "nic-offload=yes"],
    ["4.10", "nic-offload", "crypto", "nic-offload=yes"],
    ["5.2", "nic-offload", "yes", "nic-offload=yes"],
    ["5.2", "nic-offload", "crypto", "nic-offload=crypto"],
    ["4.10", "nic-offload", "auto", "nic-offload=auto"],
    ["4.10", "leftsubnet", "10.0.1.5", "leftsubnet=10.0.1.5/32"],
    ["5.2", "leftsubnet", "10.0.1.5", "leftsubnet=10.0.1.5"],
    ["4.10", "rekeyfuzz", 100, "rekeyfuzz=100%"],
    ["4.10", "nat_keepalive", "no", "nat-keepalive=no"],
    ["3.32", "nat_keepalive", "no", "nat_keepalive=no"],
    ["5.4", "forceencaps", "yes", "encapsulation=yes"],
    ["4.10", "auto", "UP", "auto=start"],
    ["4.10", "ike", "aes-sha2,aes-sha1;modp2048", "ike=aes-sha2,aes-sha1;modp2048"],
  ] as const)("%s %s: %s is %s", (version, key, value, wanted) => {
    expect(line(version, key, value)).toBe(wanted);
  });

  test.each([
    ["5.2", "nic-offload", "auto", /no nic-offload=auto/],
    ["4.10", "nic-offload", "packet", /does not know "packet"/],
    ["5.2", "dpdaction", "restart", /obsolete in Libreswan 5.2/],
    ["4.10", "sareftrack", "no", /gone since Libreswan 4.0.*whole file/],
    ["4.10", "iptfs", "yes", /came with Libreswan 5.2/],
    ["4.10", "leftfirewall", "yes", /no key "leftfirewall".*whole file/],
    ["4.10", "mtu", "1400x", /not a number; Libreswan 4.10 would silently take it for 0/],
    ["5.2", "mtu", "abc", /would ignore it/],
    ["4.10", "mtu", "70000", /out of range/],
    ["4.10", "reqid", "16390", /out of range/],
    ["4.10", "auto", "maybe", /does not know "maybe"/],
    ["3.32", "auto", "keep", /does not know "keep"/],
    ["4.10", "leftsubnet", "10.0.1.0/24,10.0.2.0/24", /takes one network/],
    ["4.10", "leftsubnets", "10.0.1.0/24 bogus", /"bogus" is not a network/],
    ["4.10", "esp", "bogus", /ESP encryption algorithm 'bogus' is not recognized/],
    ["4.10", "logfile", "/var/log/pluto.log", /belongs into config setup/],
    ["4.10", "subnet", "10.0.0.0/8", /no key "subnet"/],
    ["4.10", "left-subnet", "10.0.0.0/8", /came with Libreswan 5.0/],
    ["4.10", "mtu", "", /empty/],
    ["4.10", "leftid", '@a"b', /double quote/],
    ["4.10", "leftid", "@a\n\tmtu=1", /line break/],
    ["4.10", "ikelifetime", "8 hours", /not a time/],
    ["3.32", "ipsec-lifetime", "1h", /came with Libreswan 4.10/],
    ["4.10", "host", "x", /no key "host"/],
    ["4.10", "lefthost", "x", /no key "lefthost"/],
  ] as const)("%s %s: %s is refused", (version, key, value, reason) => {
    expect(line(version, key, value)).toMatch(reason);
  });

  test.each([
    ["4.10", "plutodebug", "all", "plutodebug=all"],
    ["4.10", "logfile", "/var/log/pluto.log", "logfile=/var/log/pluto.log"],
    ["4.10", "plutostderrlog", "/var/log/pluto.log", "plutostderrlog=/var/log/pluto.log"],
    ["5.4", "plutostderrlog", "/var/log/pluto.log", "logfile=/var/log/pluto.log"],
    ["5.4", "virtual_private", "%v4:10.0.0.0/8", "virtual-private=%v4:10.0.0.0/8"],
  ] as const)("config setup, %s %s: %s is %s", (version, key, value, wanted) => {
    expect(line(version, key, value, "setup")).toBe(wanted);
  });

  test("config setup refuses what the version does not have", () => {
    expect(line("4.10", "plutodebug", "control", "setup")).toContain('no debug word "control"');
    expect(line("3.32", "plutodebug", "control", "setup")).toBe("plutodebug=control");
    expect(line("4.10", "mtu", 1400, "setup")).toContain("belongs into a conn");
    expect(line("5.4", "syslog", "daemon.info", "setup")).toContain("obsolete");
    expect(line("4.10", "klipsdebug", "all", "setup")).toContain("gone since Libreswan 4.0");
  });

  test("a misspelt key is guessed", () => {
    expect(translateOption("nic_ofload", "yes", v("4.10"))).toMatchObject({ help: "did you mean nic-offload?" });
  });

  test("IKEv1 on 5.x says what else it needs", () => {
    const result = translateOption("ikev2", "never", v("5.2"));
    expect("notes" in result && result.notes.join()).toContain("ikev1-policy=accept in config setup");
  });

  test("what it gives is a fixed point", () => {
    const pairs = fc.constantFrom<[string, string]>(
      ["pfs", "YES"],
      ["auto", "Route"],
      ["nic-offload", "crypto"],
      ["ikev2", "no"],
      ["rekeyfuzz", "50"],
    );
    fc.assert(
      fc.property(pairs, fc.constantFrom("3.32", "4.10", "5.2", "5.4"), ([key, value], version) => {
        const first = line(version, key, value);
        const [again = "", word = ""] = first.split("=");
        fc.pre(!first.includes(" "));
        expect(line(version, again, word)).toBe(first);
      }),
    );
  });
});

describe("optionHolds", () => {
  const conn = (values: Record<string, string>) => (key: string) => values[key];
  test("what is not set has the built-in default", () => {
    expect(optionHolds({ key: "pfs", value: "yes" }, conn({}), v("4.10"))).toBe(true);
    expect(optionHolds({ key: "nic-offload", value: "no" }, conn({}), v("5.2"))).toBe(true);
    expect(optionHolds({ key: "nic-offload", value: "no" }, conn({}), v("4.10"))).toBe(false);
    expect(optionHolds({ key: "mtu", value: "1400" }, conn({}), v("4.10"))).toBe(false);
    expect(builtInDefault("setup", "ikev1-policy", v("5.2"))).toBe("drop");
  });

  test("5.x: ikev2=never already is keyexchange=ikev1", () => {
    const wanted = { key: "keyexchange", value: "ikev1" };
    expect(optionHolds(wanted, conn({ ikev2: "no" }), v("5.2"))).toBe(true);
    expect(optionHolds(wanted, conn({ keyexchange: "ikev2", ikev2: "no" }), v("5.2"))).toBe(false);
    expect(optionHolds(wanted, conn({}), v("5.2"))).toBe(false);
    expect(ikeVersion(conn({ ikev2: "permit" }), v("4.10"))).toBe("ikev1");
  });
});
