import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  fingerprint,
  type HostName,
  judgeHostKey,
  keyTypeOf,
  knownHostLine,
  knownKeyTypes,
  matchesPatterns,
  parseKnownHosts,
} from "../../src/text/known-hosts.ts";

const wire = (type: string, seed: number) => {
  const name = Buffer.from(type);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(name.length);
  return Buffer.concat([length, name, Buffer.alloc(32, seed)]);
};
const ed = wire("ssh-ed25519", 1);
const edOther = wire("ssh-ed25519", 2);
const rsa = wire("ssh-rsa", 3);
const gw: HostName = { host: "gw1.example.net", port: 22 };
const verdict = (text: string, name: HostName, key: Buffer) => judgeHostKey(parseKnownHosts(text, "kh"), name, key).verdict;
const b64 = (key: Buffer) => key.toString("base64");

describe("known_hosts", () => {
  test("finds a host by name, list, wildcard, port and any case", () => {
    for (const hosts of ["gw1.example.net", "a,gw1.example.net,b", "*.example.net", "gw?.*", "GW1.Example.NET"]) {
      expect(verdict(`${hosts} ssh-ed25519 ${b64(ed)} a comment`, gw, ed)).toBe("known");
    }
    expect(verdict(`[gw1.example.net]:2222 ssh-ed25519 ${b64(ed)}`, { ...gw, port: 2222 }, ed)).toBe("known");
    expect(verdict(`[gw1.example.net]:2222 ssh-ed25519 ${b64(ed)}`, gw, ed)).toBe("unknown");
    expect(verdict(`*.example.net,!gw1.* ssh-ed25519 ${b64(ed)}`, gw, ed)).toBe("unknown");
  });

  test("finds a hashed host: the vector was made by ssh-keygen -H for gw1.example.net", () => {
    const line = `|1|I5ThVjoTnh1aU0nmC2FAtYNmQ6k=|Oy5Fgn7fj6PQ5UBYde5JjTb4/C4= ssh-ed25519 ${b64(ed)}`;
    expect(verdict(line, gw, ed)).toBe("known");
    expect(verdict(line, { host: "gw2.example.net", port: 22 }, ed)).toBe("unknown");
    expect(verdict(`|2|x|y ssh-ed25519 ${b64(ed)}\n|1|x ssh-ed25519 ${b64(ed)}`, gw, ed)).toBe("unknown");
  });

  test("calls another key changed, of the same type or not, and names the line", () => {
    const text = `# comment\n\ngw1.example.net ssh-ed25519 ${b64(ed)}\n`;
    const judged = judgeHostKey(parseKnownHosts(text, "kh"), gw, edOther);
    expect(judged).toMatchObject({ verdict: "changed", entry: { file: "kh", line: 3 } });
    expect(verdict(text, gw, rsa)).toBe("changed");
    expect(verdict(`${text}gw1.example.net ssh-ed25519 ${b64(edOther)}`, gw, edOther)).toBe("known");
  });

  test("lets a revoked key never pass, wherever it stands", () => {
    const known = `gw1.example.net ssh-ed25519 ${b64(ed)}\n`;
    const revoked = `@revoked * ssh-ed25519 ${b64(ed)}\n`;
    expect(verdict(known + revoked, gw, ed)).toBe("revoked");
    expect(verdict(revoked + known, gw, ed)).toBe("revoked");
    expect(verdict(`@revoked gw1.example.net ssh-ed25519 ${b64(ed)}`, { ...gw, port: 2222 }, ed)).toBe("revoked");
    expect(verdict(`${known}@revoked * ssh-ed25519 ${b64(edOther)}`, gw, ed)).toBe("known");
  });

  test("never takes an authority's key for a host's", () => {
    const text = `@cert-authority *.example.net ssh-ed25519 ${b64(ed)}`;
    expect(judgeHostKey(parseKnownHosts(text, "kh"), gw, ed)).toEqual({ verdict: "unknown", certified: true });
  });

  test("trusts the key under the plain name for another port, but a different one is not a change", () => {
    const text = `gw1.example.net ssh-ed25519 ${b64(ed)}`;
    expect(verdict(text, { ...gw, port: 2222 }, ed)).toBe("known");
    expect(verdict(text, { ...gw, port: 2222 }, edOther)).toBe("unknown");
  });

  test("passes over lines that are none", () => {
    const odd = [
      "gw1.example.net",
      "gw1.example.net ssh-ed25519",
      `gw1.example.net ssh-rsa ${b64(ed)}`,
      `@odd * ssh-ed25519 ${b64(ed)}`,
      "\0\uffff",
    ];
    expect(parseKnownHosts(odd.join("\n"), "kh")).toEqual([]);
    expect(parseKnownHosts(`  gw1\tssh-ed25519   ${b64(ed)}\r\n`, "kh")).toHaveLength(1);
  });

  test("names the known types, of the port or else of the plain name", () => {
    const known = parseKnownHosts(`gw1.example.net ssh-rsa ${b64(rsa)}\n[gw1.example.net]:2222 ssh-ed25519 ${b64(ed)}\n`, "kh");
    expect(knownKeyTypes(known, gw)).toEqual(["ssh-rsa"]);
    expect(knownKeyTypes(known, { ...gw, port: 2222 })).toEqual(["ssh-ed25519"]);
    expect(knownKeyTypes(known, { ...gw, port: 2200 })).toEqual(["ssh-rsa"]);
  });

  test("knows a key once its line is written, and no other", () => {
    const hosts = fc.record({ host: fc.domain(), port: fc.integer({ min: 1, max: 65535 }) });
    fc.assert(
      fc.property(hosts, hosts, fc.integer({ min: 0, max: 255 }), (name, elsewhere, seed) => {
        const key = wire("ssh-ed25519", seed);
        const known = parseKnownHosts(`${knownHostLine(name, key)}\n`, "kh");
        expect(judgeHostKey(known, name, key).verdict).toBe("known");
        expect(judgeHostKey(known, name, wire("ssh-ed25519", (seed + 1) % 256)).verdict).toBe("changed");
        if (elsewhere.host !== name.host) expect(judgeHostKey(known, elsewhere, key).verdict).toBe("unknown");
      }),
    );
  });

  test("reads any text without failing", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void verdict(text, gw, ed)));
  });
});

describe("a key", () => {
  test("has ssh-keygen's fingerprint", () => {
    const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICV7ziVgqqTZGjWzdFu98aheuGOoDOEg+LsnOgMiyYRv";
    expect(fingerprint(Buffer.from(line.split(" ")[1] ?? "", "base64"))).toBe(
      "SHA256:52Ei0Yn+z6fpRyGueJVq++uWxUbrZA0ldumbxTidsz0",
    );
  });

  test("that is none has no type", () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(3), Buffer.from([255, 255, 255, 255]), Buffer.from([0, 0, 0, 9, 1])]) {
      expect(keyTypeOf(bytes)).toBe("");
    }
  });
});

describe("patterns", () => {
  test("match as ssh reads them, brackets and dots literally", () => {
    expect(matchesPatterns(["[10.0.0.1]:22"], "[10.0.0.1]:22")).toBe(true);
    expect(matchesPatterns(["10.0.0.?"], "10.0.0.12")).toBe(false);
    expect(matchesPatterns(["10.0.0.1"], "10a0b0c1")).toBe(false);
    expect(matchesPatterns(["!a*"], "b")).toBe(false);
    expect(matchesPatterns([], "")).toBe(false);
    expect(matchesPatterns(["*"], "")).toBe(true);
  });

  test("agree with a plain definition, and stay quick with many stars", () => {
    const plain = (pattern: string, name: string): boolean => {
      if (pattern === "") return name === "";
      if (pattern[0] === "*") return plain(pattern.slice(1), name) || (name !== "" && plain(pattern, name.slice(1)));
      return name !== "" && (pattern[0] === "?" || pattern[0] === name[0]) && plain(pattern.slice(1), name.slice(1));
    };
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
    fc.assert(
      fc.property(
        letters,
        fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 8 }),
        (pattern, name) => matchesPatterns([pattern], name) === plain(pattern, name),
      ),
    );
    expect(matchesPatterns([`${"*a".repeat(500)}c`], "a".repeat(5000))).toBe(false);
  });
});
