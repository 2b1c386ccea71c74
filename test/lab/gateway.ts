/** The pre-shared key of every lab host: it must never show up in a plan, a log or a report. */
export const CANARY_PSK = "canary-4f1c9e-never-print-me";

/** The networks of the conn `myvpn` of every lab host, local first. */
export const LOCAL_NETWORK = "10.0.2.0/24";
/** See LOCAL_NETWORK. */
export const REMOTE_NETWORK = "192.168.0.0/16";

const IPSEC_CONF = `# VPN of the east office
config setup
\tlogfile=/var/log/pluto.log
\tuniqueids=no

conn %default
    keyingtries=%forever

include /etc/ipsec.d/*.conf
`;

const MYVPN_CONF = `# do not touch without asking the network team
conn myvpn
    left=172.16.0.1
    leftsubnet=${LOCAL_NETWORK}
    right=203.0.113.9
    rightsubnet=${REMOTE_NETWORK}   # the head office
    authby=secret
    ikev2=insist
    auto=start
`;

const OTHER_CONF = `conn other
    left=172.16.0.1
    leftsubnet=10.0.3.0/24
    right=203.0.113.10
    rightsubnet=172.20.0.0/16
    authby=secret
    mtu=1500
    auto=add
`;

/** The Libreswan files of a prepared gateway: two conns in included files, and a secret that nothing may read. */
export const GATEWAY_FILES: Readonly<Record<string, string>> = {
  "/etc/ipsec.conf": IPSEC_CONF,
  "/etc/ipsec.d/myvpn.conf": MYVPN_CONF,
  "/etc/ipsec.d/other.conf": OTHER_CONF,
  "/etc/ipsec.secrets": `172.16.0.1 203.0.113.9 : PSK "${CANARY_PSK}"\n`,
};
