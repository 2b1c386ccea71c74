/** The starter project of `ipsec-fix init`, by path. */
export const starterFiles: Readonly<Record<string, string>> = {
  "playbook.yml": `# yaml-language-server: $schema=schemas/playbook.schema.json
# What the gateways shall have, in order. Try it without writing anything: ipsec-fix plan playbook.yml
- name: Site-to-site gateways carry tunnel traffic unharmed
  hosts: gateways
  become: true
  # A canary first, then half of the rest, then all others.
  serial: [1, "50%"]
  resources:
    # Traffic between the tunnel's subnets leaves NAT alone.
    - name: Tunnel subnets bypass NAT
      nat_exemption:
        conn: "{{ conn }}"

    # TCP connections announce a segment size that fits the tunnel.
    - name: TCP fits the tunnel
      tcp_mss_clamp:
        mss: pmtu

    # Options of the conn, as in ipsec.conf; null means that an option shall not be set.
    # - name: Route to the far side has a smaller MTU
    #   libreswan_conn:
    #     name: "{{ conn }}"
    #     options:
    #       mtu: 1400

    # The host forwards, sends no redirects, and lets tunnel traffic through its reverse-path filter.
    - gateway_sysctls: {}

    - tunnel:
        conn: "{{ conn }}"
        state: established

  # What must hold afterwards. A login over a new connection is always tried.
  # verify:
  #   - name: Far gateway answers through the tunnel
  #     ping:
  #       source: "{{ lan_ip }}"
  #       destination: "{{ peer_lan_ip }}"
  #       size: 1372
  #       dont_fragment: true
  #       through: "{{ conn }}"
`,
  "inventory/hosts.yml": `# yaml-language-server: $schema=../schemas/inventory.schema.json
# Ansible's YAML layout; an existing Ansible inventory can stand here instead.
all:
  children:
    gateways:
      hosts:
        gw-east:
          ansible_host: 192.0.2.10
          lan_ip: 10.0.1.1
          peer_lan_ip: 10.0.2.1
        gw-west:
          ansible_host: 198.51.100.10
          lan_ip: 10.0.2.1
          peer_lan_ip: 10.0.1.1
`,
  "inventory/group_vars/gateways.yml": `# Variables of every host in the group gateways; a file in host_vars/ beats them for one host.
conn: myvpn

# How to log in. ~/.ssh/config and the agent count too.
ansible_user: admin
# ansible_ssh_private_key_file: ~/.ssh/id_ed25519

# The password of sudo, if it wants one, from the environment of the one who runs ipsec-fix:
# ansible_become_password: '{{ env("SUDO_PASSWORD") }}'
`,
};
