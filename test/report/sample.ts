import { planDocument } from "../../src/engine/plan.ts";
import type { Change, HostPlan, Plan } from "../../src/model/plan.ts";

const move: Change = {
  action: "move",
  target: "iptables nat POSTROUTING",
  property: "position",
  before: 3,
  after: 1,
  reason: "rule 1 (MASQUERADE -o eth0) shadows it",
  impact: "none",
  risks_access: false,
  interrupts: [],
  steps: [
    {
      do: "firewall-batch",
      backend: "iptables-nft",
      family: "ipv4",
      table: "nat",
      edits: [
        { edit: "delete", chain: "POSTROUTING", rule: { position: 3 } },
        { edit: "insert", chain: "POSTROUTING", rule: "-s 10.0.2.0/24 -d 192.168.0.0/16 -j RETURN", before: { position: 1 } },
      ],
    },
  ],
  undo: [],
};

const update: Change = {
  action: "update",
  target: "/etc/ipsec.d/myvpn.conf conn myvpn",
  property: "mtu",
  before: null,
  after: "1400",
  reason: "the conn has no mtu",
  impact: "rekey",
  risks_access: false,
  interrupts: ["myvpn"],
  steps: [
    {
      do: "write-file",
      path: "/etc/ipsec.d/myvpn.conf",
      before: "conn myvpn\n\tleft=172.16.0.1\n",
      after: "conn myvpn\n\tleft=172.16.0.1\n\tmtu=1400\n",
      encoding: "utf8",
      check: "libreswan",
    },
  ],
  undo: [{ do: "restore-file", path: "/etc/ipsec.d/myvpn.conf" }],
  finally: [{ do: "load-conn", conn: "myvpn" }],
};

const base = { fingerprint: "sha256:0", notes: [] };

const east: HostPlan = {
  host: "gw-east",
  address: "192.0.2.10",
  status: "would-change",
  fingerprint: "sha256:0",
  exit: 2,
  resources: [
    {
      ...base,
      address: "nat_exemption[Tunnel subnets bypass NAT]",
      kind: "nat_exemption",
      name: "Tunnel subnets bypass NAT",
      outcome: "would-change",
      changes: [move],
    },
    {
      ...base,
      address: "libreswan_conn[myvpn]",
      kind: "libreswan_conn",
      name: "myvpn",
      outcome: "would-change",
      changes: [update],
    },
    { ...base, address: "tunnel[quiet]", kind: "tunnel", name: "quiet", outcome: "ok", changes: [] },
  ],
};

const west: HostPlan = {
  host: "gw-west\u001b[31m<script>",
  address: "192.0.2.20",
  status: "blocked",
  fingerprint: "sha256:1",
  exit: 7,
  resources: [
    {
      ...base,
      address: "bond_esp_offload[bond0]",
      kind: "bond_esp_offload",
      name: "bond0",
      outcome: "blocked",
      reason: "the bond is in mode 802.3ad; ESP offload needs active-backup",
      unblock: "change the bond's mode in a maintenance window",
      changes: [],
      notes: ["port `eth1` has no carrier"],
    },
  ],
};

/** A plan with everything that a renderer has to say. */
export const samplePlan: Plan = planDocument(
  { format: "ipsec-fix/plan", tool: "1.0.0", playbook: { path: "playbooks/gateway.yml", sha256: "0".repeat(64) } },
  [east, west],
);
