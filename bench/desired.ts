import { masquerade } from "../test/lab/faults.ts";
import { GATEWAY_FILES, LOCAL_NETWORK, REMOTE_NETWORK } from "../test/lab/gateway.ts";
import type { LabHost } from "../test/lab/host.ts";

/** The desired state for ipsec-fix: three settings, each missing on a faulty host. */
export const PLAYBOOK = `- name: Gateways carry tunnel traffic unharmed
  hosts: gateways
  resources:
    - nat_exemption: { conn: myvpn }
    - tcp_mss_clamp: { mss: pmtu }
    - libreswan_conn: { name: myvpn, options: { mtu: 1400 } }
`;

/** The same for Ansible, as its users write it: the clamp by a command, because its module cannot say it. */
export const ANSIBLE_PLAYBOOK = `- hosts: gateways
  gather_facts: false
  tasks:
    - name: Tunnel subnets bypass NAT
      ansible.builtin.iptables:
        table: nat
        chain: POSTROUTING
        source: ${LOCAL_NETWORK}
        destination: ${REMOTE_NETWORK}
        jump: RETURN
        action: insert
      notify: persist
    - name: Is the clamp there
      ansible.builtin.command: iptables -C FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
      register: clamp
      failed_when: false
      changed_when: false
      check_mode: false
    - name: Clamp
      ansible.builtin.command: iptables -I FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
      when: clamp.rc != 0
      notify: persist
    - name: mtu of the conn
      ansible.builtin.lineinfile:
        path: /etc/ipsec.d/myvpn.conf
        regexp: '^\\s*mtu='
        insertafter: '^conn myvpn'
        line: "    mtu=1400"
  handlers:
    - name: persist
      ansible.builtin.shell: iptables-save >/etc/iptables/rules.v4
`;

/** The same once more as a bare script, which plans nothing, checks nothing afterwards and cannot be undone. */
export const REPAIR_SCRIPT = `set -e
exempt="POSTROUTING -s ${LOCAL_NETWORK} -d ${REMOTE_NETWORK} -j RETURN"
clamp="FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu"
iptables -t nat -C $exempt 2>/dev/null || iptables -t nat -I $exempt
iptables -C $clamp 2>/dev/null || iptables -I $clamp
grep -q mtu= /etc/ipsec.d/myvpn.conf || sed -i '/^conn myvpn/a\\    mtu=1400' /etc/ipsec.d/myvpn.conf
ipsec addconn --checkconfig >/dev/null 2>&1
iptables-save >/etc/iptables/rules.v4
echo done
`;

/** Puts the three faults (back) on a host. */
export async function breakHost(host: LabHost): Promise<void> {
  await host.must("iptables-nft -t nat -F; iptables-nft -F");
  await masquerade(host, { backend: "iptables-nft" });
  await host.write("/etc/ipsec.d/myvpn.conf", GATEWAY_FILES["/etc/ipsec.d/myvpn.conf"] ?? "");
}
