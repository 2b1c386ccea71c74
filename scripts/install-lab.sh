#!/bin/sh
# Installs what the test lab needs and this machine lacks (Debian 12 or newer, as root); does nothing when all is there.
# No service is started: the lab runs everything in namespaces of its own.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

# command:package, one per package where one command stands for all
needed='
sshd:openssh-server
ssh:openssh-client
sudo:sudo
iptables-legacy:iptables
nft:nftables
ipsec:libreswan
conntrack:conntrack
firewall-cmd:firewalld
dbus-daemon:dbus-daemon
ip:iproute2
ping:iputils-ping
ps:procps
ethtool:ethtool
busybox:busybox
dash:dash
tcpdump:tcpdump
nc.openbsd:netcat-openbsd
nsenter:util-linux
setfacl:acl
setfattr:attr
'

missing=''
for pair in $needed; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "install-lab: this is not a Debian system; install what Debian calls:$missing" >&2
  exit 1
fi
if [ "$(id -u)" != 0 ]; then
  echo "install-lab: not root; run: sudo apt-get install --no-install-recommends$missing" >&2
  exit 1
fi

# Maintainer scripts ask policy-rc.d before they start a service; 101 means no. An existing policy of the machine stays in charge.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' INT TERM HUP
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

echo "install-lab: installing$missing" >&2
install() {
  # shellcheck disable=SC2086 # a list of words on purpose
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing </dev/null >&2
}
install || { apt-get update -qq >&2 && install; }

for pair in $needed; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || {
    echo "install-lab: ${pair%%:*} is still missing after installing ${pair#*:}" >&2
    exit 1
  }
done
