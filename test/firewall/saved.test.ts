import { describe, expect, test } from "vitest";
import { findings } from "../../src/firewall/exemption.ts";
import { parseIptablesSave } from "../../src/firewall/iptables-save.ts";
import type { Rule, Table } from "../../src/firewall/model.ts";
import { parseNftJson } from "../../src/firewall/nft-json.ts";
import { ownerComment } from "../../src/firewall/owner.ts";
import { placeExemptions, removeExemptions } from "../../src/firewall/placement.ts";
import { type SavedAssessment, type SavedGateway, savedChanges } from "../../src/firewall/saved.ts";
import { parseNetwork } from "../../src/text/address.ts";
import { fileFact, inNamespace, kernelLoads } from "./saved-kernel.ts";

const RULES = "/etc/iptables/rules.v4";
const SCRIPT = "/etc/nftables.conf";

const [source, destination] = [parseNetwork("10.0.2.0/24"), parseNetwork("192.168.0.0/16")];
if (!source || !destination) throw new Error("no networks");
const pair = { source, destination };
const comment = ownerComment("nat_exemption", ["10.0.2.0/24", "192.168.0.0/16"]);
const exemption = { pair, match: "subnets", verdict: "return", comment } as const;

const hinders = ({ verdict }: Rule) => ["rewrite", "unknown", "jump", "goto", "map"].includes(verdict.kind);

interface Host {
  readonly init?: string;
  readonly live?: readonly Table[];
  readonly files: { readonly [path: string]: string };
}

function gateway({ init = "sh", live = [], files }: Host): SavedGateway {
  const facts = Object.entries(files).map(([path, text]) => [path, fileFact(path, text)] as const);
  return {
    facts: { readings: new Map([["persistence", { exit: 0, text: `init ${init}` }]]), files: new Map(facts) },
    files: new Map(facts),
    firewall: { tables: live },
  };
}

function assess(host: Host): SavedAssessment {
  return savedChanges(gateway(host), {
    plan: (tables) => placeExemptions(tables, [exemption], () => true).placements.map(({ batch }) => batch),
    families: ["ipv4"],
    hinders,
    reason: "test",
  });
}

/** The files as the changes leave them. */
function written(host: Host, { changes }: SavedAssessment): { readonly [path: string]: string } {
  const writes = changes.flatMap((change) => change.steps.flatMap((step) => (step.do === "write-file" ? [step] : [])));
  return { ...host.files, ...Object.fromEntries(writes.map(({ path, after }) => [path, after])) };
}

function iptables(...rules: readonly string[]): string {
  return `*nat\n:POSTROUTING ACCEPT [0:0]\n${rules.map((rule) => `-A POSTROUTING ${rule}\n`).join("")}COMMIT\n`;
}

function nft(...rules: readonly string[]): string {
  const body = rules.map((rule) => `\t\t${rule}\n`).join("");
  return `flush ruleset\ntable ip nat {\n\tchain postrouting {\n\t\ttype nat hook postrouting priority srcnat;\n${body}\t}\n}\n`;
}

const live = (text: string): readonly Table[] => parseIptablesSave(text, "iptables-legacy", "ipv4").tables;

const MASQUERADE = "-o eth0 -j MASQUERADE";
const EXEMPT = `-s 10.0.2.0/24 -d 192.168.0.0/16 -m comment --comment "${comment}" -j RETURN`;

describe("a saved file is judged by what it would load", () => {
  test.each([
    ["our rule at the head", iptables(EXEMPT, MASQUERADE), []],
    ["somebody's accept at the head", iptables("-d 192.168.0.0/16 -j ACCEPT", MASQUERADE), []],
    ["a condition on the masquerade", iptables("! -d 192.168.0.0/16 -o eth0 -j MASQUERADE"), []],
    ["no rule for it", iptables(MASQUERADE), ["create"]],
    ["our rule too low", iptables(MASQUERADE, EXEMPT), ["move"]],
    [
      "a hand-written spelling",
      "*nat\n-A POSTROUTING -s 10.0.2.0/255.255.255.0 -d 192.168.0.0/16 -j RETURN\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n",
      [],
    ],
    ["no NAT at all", "*filter\nCOMMIT\n", []],
  ])("%s", (_, text, actions) => {
    expect(assess({ files: { [RULES]: text } }).changes.map(({ action }) => action)).toEqual(actions);
  });
});

describe("running rules and saved ones", () => {
  const right = live(iptables(EXEMPT, MASQUERADE));
  const byHand = live(iptables("-s 10.0.2.0/24 -d 192.168.0.0/16 -j RETURN", MASQUERADE));

  test.each([
    ["both right", right, iptables(EXEMPT, MASQUERADE), 0],
    ["only the running ones", right, iptables(MASQUERADE), 1],
    ["the running ones by hand, and the masquerade made anew by whoever made it", byHand, "*filter\nCOMMIT\n", 1],
    ["only the saved ones", live(iptables(MASQUERADE)), iptables(EXEMPT, MASQUERADE), 0],
    ["neither", live(iptables(MASQUERADE)), iptables(MASQUERADE), 1],
    ["a masquerade that is not saved, and an exemption that is", live(iptables(MASQUERADE)), iptables(EXEMPT), 0],
  ])("%s", (_, tables, text, changes) => {
    const host = { live: tables, files: { [RULES]: text } };
    const first = assess(host);
    expect(first.changes).toHaveLength(changes);
    expect(assess({ ...host, files: written(host, first) }).changes).toEqual([]);
  });

  test("nothing loads them at boot: blocked, with what to install", () => {
    const { blocked, changes } = assess({ init: "systemd", live: right, files: {} });
    expect(changes).toEqual([]);
    expect(blocked).toEqual({
      reason: "nothing on the host would load a saved iptables rule set at boot, so that the rule would be gone after one",
      unblock: "install the package iptables-persistent and enable netfilter-persistent, or set persist: false",
    });
    expect(assess({ init: "systemd", live: live(iptables()), files: {} }).blocked).toBeUndefined();
  });

  test("a file that cannot be edited line by line blocks with the reason", () => {
    const text = "*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n";
    expect(assess({ files: { [RULES]: text } }).blocked?.reason).toBe("/etc/iptables/rules.v4 holds the table nat twice");
  });

  test("what is not understood of a script is said", () => {
    const notes = assess({ files: { [SCRIPT]: `${nft("masquerade")}add element ip nat s { 10.0.0.1 }\n` } }).notes;
    expect(notes).toEqual([
      "the saved rule set may differ from what is read: /etc/nftables.conf: adds elements to a set by a command",
    ]);
  });
});

const scripts: { readonly [name: string]: { readonly [path: string]: string } } = {
  "a chain in braces": { [SCRIPT]: nft('oifname "eth0" masquerade') },
  "our rule below the masquerade": {
    [SCRIPT]: nft("masquerade", `ip saddr 10.0.2.0/24 ip daddr 192.168.0.0/16 return comment "${comment}"`),
  },
  "a jump to a chain that masquerades": {
    [SCRIPT]:
      "table ip nat {\n chain out { masquerade\n }\n chain postrouting { type nat hook postrouting priority 100\n ip daddr 10.0.0.0/8 accept\n jump out\n }\n}\n",
  },
  "two base chains in two families": {
    [SCRIPT]: `${nft("masquerade")}table inet more {\n\tchain last {\n\t\ttype nat hook postrouting priority srcnat + 10\n\t\toifname "eth0" snat ip to 192.0.2.1\n\t}\n}\n`,
  },
  "commands, line by line": {
    [SCRIPT]:
      "#!/usr/sbin/nft -f\nadd table ip nat\nadd chain ip nat postrouting { type nat hook postrouting priority 100; }\nadd rule ip nat postrouting counter\nadd rule ip nat postrouting masquerade\n",
  },
  "rules inserted by commands": {
    [SCRIPT]:
      "add table ip nat\nadd chain ip nat postrouting { type nat hook postrouting priority 100; }\ninsert rule ip nat postrouting masquerade\ninsert rule ip nat postrouting counter\n",
  },
  "a chain with a variable": {
    [SCRIPT]: `define wan = { "eth0", "eth1" }\n${nft("oifname $wan masquerade")}`,
  },
};

describe.each(Object.entries(scripts))("a script with %s", (_, files) => {
  const first = assess({ files });
  const after = written({ files }, first);

  test("is edited once and then left alone", () => {
    expect(first.blocked).toBeUndefined();
    expect(first.changes).toHaveLength(1);
    expect(assess({ files: after }).changes).toEqual([]);
  });

  test("is as it was when the rule is taken back, where the rule was not there before", () => {
    if (files[SCRIPT]?.includes(comment)) return;
    const removed = savedChanges(gateway({ files: after }), {
      plan: (tables) => removeExemptions(tables, new Set([comment])).placements.map(({ batch }) => batch),
      families: ["ipv4"],
      hinders: () => false,
      reason: "test",
    });
    expect(written({ files: after }, removed)).toEqual(files);
  });

  test.runIf(kernelLoads)("exempts the packets once the kernel has loaded it", () => {
    const loaded = (text: string) => parseNftJson(inNamespace('nft -f "$1"; nft -j list ruleset', text))?.tables ?? [];
    const offends = (text: string) => findings(loaded(text), pair).some(({ offence }) => offence !== undefined);
    expect(offends(files[SCRIPT] ?? "")).toBe(true);
    expect(offends(after[SCRIPT] ?? "")).toBe(false);
  });
});

test.runIf(kernelLoads)("a chain that only the kernel has is declared in the script, which then loads", () => {
  const running = parseNftJson(inNamespace('nft -f "$1"; nft -j list ruleset', nft("masquerade")))?.tables ?? [];
  const host = { live: running, files: { [SCRIPT]: "flush ruleset\n" } };
  const first = assess(host);
  const after = written(host, first);
  expect(after[SCRIPT]).toContain("type nat hook postrouting priority 100; policy accept;");
  expect(assess({ ...host, files: after }).changes).toEqual([]);
  // Whoever masquerades does so behind our rule.
  const boot = inNamespace('nft -f "$1"; nft add rule ip nat postrouting masquerade; nft -j list ruleset', after[SCRIPT] ?? "");
  expect(findings(parseNftJson(boot)?.tables ?? [], pair).every(({ offence }) => offence === undefined)).toBe(true);
});
