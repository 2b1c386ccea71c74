import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mergeChanges } from "../../src/engine/merge.ts";
import { rollbackScript, type Transaction, transactionFolder, transactionScript } from "../../src/engine/transaction.ts";
import { parseTransactionLog, type TransactionLog } from "../../src/engine/transaction-log.ts";
import type { Change } from "../../src/model/plan.ts";
import type { Step } from "../../src/model/step.ts";
import { quote } from "../../src/text/shell.ts";
import { fillDisk, makeReadOnly } from "../lab/faults.ts";
import type { LabHost } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";

const MARK = "0123456789abcdef0123456789abcdef";
let lab: Lab;
let host: LabHost;
let serial = 0;

beforeAll(async () => {
  lab = await startLab({ hosts: 1 });
  host = lab.host("gw1");
});
afterAll(async () => lab.stop());

const write = (path: string, before: string | null, after: string): Step => ({
  do: "write-file",
  path,
  before,
  after,
  encoding: "utf8",
});

function transaction(steps: readonly Step[], more: Partial<Transaction> = {}): Transaction {
  serial += 1;
  const change: Change = {
    action: "update",
    target: "",
    property: "",
    before: null,
    after: null,
    reason: "",
    impact: "none",
    risks_access: false,
    interrupts: [],
    steps,
    undo: [],
  };
  return {
    id: `20260101T000000Z-${String(serial).padStart(4, "0")}`,
    holder: "tester@controller",
    mark: MARK,
    operations: mergeChanges([change], () => []),
    candidate: new Map(),
    libreswan: undefined,
    reveal: (text) => text,
    ...more,
  };
}

async function perform(wanted: Transaction, shell = "sh"): Promise<TransactionLog> {
  return parseTransactionLog(await host.must(`${shell} -s <<'SCRIPT_END'\n${transactionScript(wanted)}SCRIPT_END\n`), MARK);
}

describe("a transaction", () => {
  it.each(["dash", "busybox sh", "bash"])("writes files byte for byte under %s and remembers how they were", async (shell) => {
    const hostile = `it's "quoted" $(touch /tmp/broken) \`id\` %s \\n \\\\ *\n\tümlaut — no end`;
    await host.write("/etc/one", "old one\n");
    await host.must("chmod 640 /etc/one; chown 1:2 /etc/one; rm -f /etc/two");
    const wanted = transaction([write("/etc/one", "old one\n", hostile), write("/etc/two", null, "")]);
    expect((await perform(wanted, shell)).result).toBe("applied");
    expect(await host.read("/etc/one")).toBe(hostile);
    expect(await host.must("stat -c '%a %u %g' /etc/one /etc/two")).toBe("640 1 2\n644 0 0\n");
    expect(await host.exec("ls /tmp/broken")).toMatchObject({ exit: 2 });
    const log = parseTransactionLog(await host.must(rollbackScript(wanted)), MARK);
    expect(log.result).toBe("rolled-back");
    expect(await host.read("/etc/one")).toBe("old one\n");
    expect(await host.must("stat -c '%a %u %g' /etc/one; ls /etc/two 2>&1 | wc -l")).toBe("640 1 2\n1\n");
    expect(await host.must("ls -A /etc | grep -c ipsec-fix || true")).toBe("0\n");
  });

  it("keeps a file's ACL and its SELinux label, and writes through a symbolic link", async () => {
    await host.write("/etc/real", "a\n");
    await host.must(
      `ln -sf real /etc/link; setfacl -m u:daemon:r /etc/real; setfattr -n security.selinux -v system_u:object_r:ipsec_conf_file_t:s0 /etc/real`,
    );
    const before = await host.must("getfacl -p /etc/real; getfattr -d -m security.selinux /etc/real");
    expect(before).toContain("ipsec_conf_file_t");
    expect((await perform(transaction([write("/etc/link", "a\n", "b\n")]))).result).toBe("applied");
    expect(await host.read("/etc/real")).toBe("b\n");
    expect(await host.must("getfacl -p /etc/real; getfattr -d -m security.selinux /etc/real")).toBe(before);
    expect(await host.must("readlink /etc/link")).toBe("real\n");
  });

  it("takes back what it did when a later step fails", async () => {
    await host.write("/etc/kept", "before\n");
    await host.must("sysctl -qw net.ipv4.ip_forward=0");
    const log = await perform(
      transaction([
        write("/etc/kept", "before\n", "after\n"),
        { do: "sysctl", key: "net.ipv4.no_such_key", value: "1" },
        write("/etc/never", null, "x"),
      ]),
    );
    expect(log).toMatchObject({ result: "rolled-back", failedStep: 2 });
    expect(log.output.join("\n")).toContain("no_such_key");
    expect(await host.read("/etc/kept")).toBe("before\n");
    expect((await host.exec("test -e /etc/never")).exit).toBe(1);
  });

  it("writes nothing when a file is not what the plan was made on", async () => {
    await host.write("/etc/moved", "someone was here\n");
    await host.write("/etc/other", "1\n");
    const log = await perform(transaction([write("/etc/other", "1\n", "2\n"), write("/etc/moved", "as planned\n", "x\n")]));
    expect(log).toMatchObject({ result: "stale", output: ["/etc/moved changed since it was read"] });
    expect(await host.read("/etc/other")).toBe("1\n");
  });

  it.each([
    { backend: "iptables-nft", family: "ipv4", table: "nat", chain: "POSTROUTING", rule: "-j BOGUS" },
    { backend: "iptables-legacy", family: "ipv4", table: "mangle", chain: "FORWARD", rule: "-j BOGUS" },
    { backend: "nftables", family: "inet", table: "rehearsal", chain: "post", rule: "masquerade to :999999" },
  ] as const)("writes nothing when $backend would refuse the rule", async ({ chain, rule, ...place }) => {
    await host.must(
      "nft add table inet rehearsal; nft add chain inet rehearsal post '{ type nat hook postrouting priority 100; }'",
    );
    await host.write("/etc/first", "1\n");
    const batch: Step = { do: "firewall-batch", ...place, edits: [{ edit: "insert", chain, rule, before: null }] };
    const log = await perform(transaction([write("/etc/first", "1\n", "2\n"), batch]));
    expect(log.result).toBe("refused");
    expect(await host.read("/etc/first")).toBe("1\n");
  });

  it.each([
    { backend: "iptables-nft", family: "ipv4", table: "filter", chain: "OUTPUT", rules: ["-p esp -j ACCEPT"] },
    { backend: "nftables", family: "inet", table: "rehearsal", chain: "post", rules: ["77"] },
  ] as const)("writes nothing when a chain of $backend is not what the plan was made on", async ({ chain, rules, ...place }) => {
    await host.write("/etc/first", "1\n");
    const batch: Step = {
      do: "firewall-batch",
      ...place,
      edits: [{ edit: "insert", chain, rule: place.backend === "nftables" ? "counter accept" : "-j ACCEPT", before: null }],
      expect: [{ chain, rules }],
    };
    const log = await perform(transaction([write("/etc/first", "1\n", "2\n"), batch]));
    expect(log.result).toBe("stale");
    expect(await host.read("/etc/first")).toBe("1\n");
  });

  it("has nft check a saved script before the swap", async () => {
    const good = "table inet t {\n\tchain c {\n\t\ttype filter hook input priority 0;\n\t}\n}\n";
    await host.write("/etc/check.nft", good);
    const change = (before: string, after: string): Step => ({ ...write("/etc/check.nft", before, after), check: "nft" }) as Step;
    const refused = await perform(transaction([change(good, `${good}bogus\n`)]));
    expect(refused.result).toBe("refused");
    expect(refused.output.join("\n")).toMatch(/bogus/);
    expect(await host.read("/etc/check.nft")).toBe(good);
    expect((await perform(transaction([change(good, `${good}# more\n`)]))).result).toBe("applied");
    expect((await host.must("nft list ruleset")).includes("table inet t ")).toBe(false);
  });

  it("waits for the lock of iptables", async () => {
    await host.must("(flock /run/xtables.lock sleep 2) >/dev/null 2>&1 </dev/null &");
    const insert = { edit: "insert", chain: "FORWARD", rule: "-p tcp -j ACCEPT", before: null } as const;
    const log = await perform(
      transaction([{ do: "firewall-batch", backend: "iptables-legacy", family: "ipv4", table: "mangle", edits: [insert] }]),
    );
    expect(log.result).toBe("applied");
    expect(await host.must("iptables-legacy -t mangle -S FORWARD")).toContain("-A FORWARD -p tcp -j ACCEPT");
  });

  it("is refused while another run holds the lock, and takes over from a dead one", async () => {
    const held = `mkdir /run/ipsec-fix.lock; sleep 60 >/dev/null 2>&1 </dev/null & pid=$!; printf '%s\\n%s\\nsomeone@desk (transaction 1)\\n' $pid "$(cut -d ' ' -f 22 /proc/$pid/stat)" > /run/ipsec-fix.lock/holder; echo $pid`;
    const pid = (await host.must(`{ ${held}; } 2>/dev/null`)).trim();
    await host.write("/etc/locked", "1\n");
    const wanted = transaction([write("/etc/locked", "1\n", "2\n")]);
    expect(await perform(wanted)).toMatchObject({ result: "locked", output: ["someone@desk (transaction 1)"] });
    expect(await host.read("/etc/locked")).toBe("1\n");
    await host.must(`kill ${pid}`);
    expect((await perform(wanted)).result).toBe("applied");
    expect((await host.exec("test -e /run/ipsec-fix.lock")).exit).toBe(1);
  });

  it("does nothing when only a part of the script arrives", async () => {
    await host.write("/etc/part", "1\n");
    const script = transactionScript(transaction([write("/etc/part", "1\n", "2\n")]));
    for (const share of [0.1, 0.5, 0.9, 0.99]) await host.exec("sh -s", script.slice(0, Math.floor(script.length * share)));
    expect(await host.read("/etc/part")).toBe("1\n");
    expect((await host.exec("test -e /run/ipsec-fix.lock")).exit).toBe(1);
  });

  it("finishes when the connection is gone", async () => {
    await host.write("/etc/hup", "1\n");
    const script = transactionScript(
      transaction([write("/etc/hup", "1\n", "2\n"), { do: "sysctl", key: "net.ipv4.ip_forward", value: "1" }]),
    );
    await host.must(`( printf %s ${quote(script)} | sh -s | true )`);
    expect(await host.read("/etc/hup")).toBe("2\n");
    expect(await host.must("cat /proc/sys/net/ipv4/ip_forward")).toBe("1\n");
  });

  it.each(["dash", "busybox sh", "bash"])("replaces one text in a file under %s, or leaves the file alone", async (shell) => {
    const before = "a * [x] $(y) \\ 'q'\n";
    await host.write("/etc/replace", `first\n${before}last without end`);
    const replace = (text: string): Step => ({ do: "replace-text", path: "/etc/replace", before: text, after: "new & /\n" });
    expect((await perform(transaction([replace(before)]), shell)).result).toBe("applied");
    expect(await host.read("/etc/replace")).toBe("first\nnew & /\nlast without end");
    expect((await perform(transaction([replace("t")]), shell)).result).toBe("applied");
    expect((await perform(transaction([replace("nowhere")]), shell)).result).toBe("applied");
    expect(await host.read("/etc/replace")).toBe("first\nnew & /\nlast without end");
  });

  it("has Libreswan check the whole candidate tree before the swap", async () => {
    const main = await host.read("/etc/ipsec.conf");
    const path = "/etc/ipsec.d/candidate.conf";
    const good = "conn candidate\n\tleft=172.16.0.1\n\tright=172.16.0.2\n\tauto=ignore\n";
    const bad = `${good}\tmtu=1400\n\tmtu=1500\n`;
    const tree = (content: string): ReadonlyMap<string, string> =>
      new Map([
        ["/etc/ipsec.conf", main],
        [path, content],
      ]);
    const refused = await perform(transaction([write(path, null, bad)], { candidate: tree(bad) }));
    expect(refused.result).toBe("refused");
    expect(refused.output.join("\n")).toMatch(/duplicate key 'mtu'/);
    expect((await host.exec(`test -e ${path}`)).exit).toBe(1);
    expect((await perform(transaction([write(path, null, good)], { candidate: tree(good) }))).result).toBe("applied");
    expect(await host.read(path)).toBe(good);
  });
});

describe("a host that cannot be written", () => {
  it("is left as it is when /etc is read-only", async () => {
    await host.write("/etc/ro/file", "1\n").catch(async () => {
      await host.must("mkdir -p /etc/ro; echo 1 > /etc/ro/file");
    });
    await makeReadOnly(host, "/etc/ro");
    const log = await perform(transaction([write("/etc/ro/file", "1\n", "2\n")]));
    expect(log.result).toBe("rolled-back");
    expect(log.output.join("\n")).toMatch(/[Rr]ead-only/);
    expect(await host.read("/etc/ro/file")).toBe("1\n");
  });

  it("is left as it is when there is no room for the transaction's own notes", async () => {
    await using crowded = await startLab({ hosts: 1 });
    const other = crowded.host("gw1");
    await other.write("/etc/full", "1\n");
    await other.must("mkdir -p /var/lib/ipsec-fix");
    await fillDisk(other, "/var/lib/ipsec-fix");
    const wanted = transaction([write("/etc/full", "1\n", "2\n")]);
    const output = await other.must("sh -s", transactionScript(wanted));
    expect(parseTransactionLog(output, MARK).result).toBe("refused");
    expect(await other.read("/etc/full")).toBe("1\n");
  });
});

it("keeps the transactions of a host private and few", async () => {
  for (let count = 0; count < 25; count += 1) await perform(transaction([write(`/tmp/few${count}`, null, "x")]));
  const kept = (await host.must("ls /var/lib/ipsec-fix/txn | wc -l")).trim();
  expect(Number(kept)).toBeLessThanOrEqual(20);
  expect(await host.must("stat -c %a /var/lib/ipsec-fix")).toBe("700\n");
  expect(transactionFolder("x")).toBe("/var/lib/ipsec-fix/txn/x");
}, 60_000);
