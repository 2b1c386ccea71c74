import { expect, it } from "vitest";
import { type Config, readConfig } from "../../src/libreswan/config.ts";
import { type Version, versionOf } from "../../src/libreswan/version.ts";

const MAIN = "/etc/ipsec.conf";
const main = "config setup\n\tuniqueids=no\ninclude /etc/ipsec.d/*.conf\n";
const conn = (name: string) => `conn ${name}\n\tleft=192.0.2.1\n\tright=192.0.2.2\n`;

function read(files: Readonly<Record<string, string>>, version = "4.10"): Config {
  return readConfig({ main: MAIN, files: new Map([[MAIN, main], ...Object.entries(files)]) }, versionOf(version) as Version);
}

const names = (config: Config) => config.conns.map(({ name }) => name);

it("reads what it read before once, whatever other files there are, and nothing else for the same", () => {
  const one = { "/etc/ipsec.d/one.conf": conn("one") };
  const first = read(one);
  expect(read({ ...one })).toBe(first);
  expect(read({ ...one, "/etc/iptables/rules.v4": "*nat\nCOMMIT\n" })).toBe(first);
  expect(names(first)).toEqual(["one"]);
  expect(names(read({ ...one, "/etc/ipsec.d/two.conf": conn("two") }))).toEqual(["one", "two"]);
  expect(names(read({ "/etc/ipsec.d/one.conf": conn("other") }))).toEqual(["other"]);
  expect(names(read({ "/etc/ipsec.d/other.conf": conn("one") }))).toEqual(["one"]);
  expect(read({ "/etc/ipsec.d/other.conf": conn("one") }).conns[0]?.file).toBe("/etc/ipsec.d/other.conf");
  expect(names(read({}))).toEqual([]);
  expect(names(read({ ...one, [MAIN]: "include /etc/ipsec.d/*.conf\n" }))).toEqual(["one"]);
  expect(read({ ...one, [MAIN]: "include /etc/ipsec.d/*.conf\n" }).setup.size).toBe(0);
  expect(read(one, "5.3").version.text).toBe("5.3");
});
