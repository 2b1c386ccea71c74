import { quote } from "../../src/text/shell.ts";

/** What of a lab host differs from another. */
export interface BootOptions {
  readonly name: string;
  /** What `sudo` allows the user `admin`: everything, everything with the password `ADMIN_PASSWORD`, or nothing. */
  readonly sudo: "nopasswd" | "password" | "none";
  readonly publicKey: string;
  /** The far ends of eth0 and lan0: their names, and a process of the namespace that holds them. */
  readonly links: { readonly wire: number; readonly wan: string; readonly lan: string };
  /** Lines at the head of sshd_config; the first value of a keyword wins. */
  readonly sshd: string;
  /** Files that are there from the start: absolute path to content. */
  readonly files: Readonly<Record<string, string>>;
}

/** The password of the users `root` and `admin` on every lab host, for `sudo` and for password logins where a test allows them. */
export const ADMIN_PASSWORD = "lab horse battery";
const ADMIN_PASSWORD_HASH = "$6$labsalt$ZK0S6FxLu4ni7AJALAh5Cm2tF6ss4AMQ/945j1zBeD311yIalDA3nTwTGVuqF6DZw1ghz0O3Vlh3POsqi8bQe0";

/**
 * The first process of a lab host: makes the host out of the fresh network, mount, PID and UTS namespaces it was started in,
 * prints a line `ready PID HOSTKEY`, and then waits for the end of its standard input, with which the host vanishes.
 * The root file system is an overlay over the machine's own, so that nothing the host does can reach the machine.
 */
export function bootScript(options: BootOptions): string {
  return `set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH
umask 022
exec 3<&0 </dev/null
read -r pid rest </proc/self/stat
${links(options)}
mount -t tmpfs -o mode=755 lab /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work lab /mnt/root
cd /mnt/root
${MOUNTS}
hostname ${quote(options.name)}
ip -batch - <<'END'
${ADDRESSES}
END
${accounts(options)}
${Object.entries({ ...systemFiles(options), ...options.files })
  .map(([path, content]) => `put ${quote(path)} ${quote(content)}`)
  .join("\n")}
chmod 600 /etc/ipsec.secrets
ssh-keygen -q -t ed25519 -N '' -C '' -f /etc/ssh/lab_host_key
read -r type key rest </etc/ssh/lab_host_key.pub
echo "ready $pid $type $key"
exec /bin/sh -c 'cat <&3 & exec 3<&-; wait' >/dev/null 2>&1
`;
}

// /proc/sys is read-only but for net, which belongs to the namespace: the rest of it is the machine's.
const MOUNTS = `mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --bind proc/sys/net proc/sys/net
mount -o remount,bind,rw proc/sys/net
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 dev dev
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/zero c 1 5
mknod -m 666 dev/full c 1 7
mknod -m 666 dev/random c 1 8
mknod -m 666 dev/urandom c 1 9
mknod -m 666 dev/tty c 5 0
mkdir -m 755 dev/pts
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
mount -t tmpfs -o mode=700 root root
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=755 home home
mount -t tmpfs -o mode=1777 tmp tmp
pivot_root . mnt
umount -l /mnt
cd /
rm -rf /var/lib/ipsec-fix /etc/ipsec-fix /etc/iptables /etc/ipsec.d/*.conf /etc/sysctl.d/*ipsec*
mkdir -m 755 /run/sshd /run/lock`;

// Runs while the machine's /proc is still in sight: that is where the far ends' namespace is found.
function links({ links: { wire, wan, lan } }: BootOptions): string {
  const net = `/proc/${wire}/ns/net`;
  return `ip -batch - <<'END'
link set lo up
link add eth0 type veth peer name ${wan} netns ${net}
link add lan0 type veth peer name ${lan} netns ${net}
link set eth0 up
link set lan0 up
END
nsenter --net=${net} ip -batch - <<'END'
link set ${wan} up
link set ${lan} up
END`;
}

const ADDRESSES = `address add 172.16.0.1/24 dev eth0
address add 2001:db8:16::1/64 dev eth0 nodad
address add 10.0.2.1/24 dev lan0
address add 10.0.3.1/24 dev lan0
address add fd00:10:2::1/64 dev lan0 nodad
route add default via 172.16.0.254
route add default via 2001:db8:16::254`;

function accounts({ publicKey, sudo }: BootOptions): string {
  const password = quote(ADMIN_PASSWORD_HASH);
  return `put() { mkdir -p "\${1%/*}"; printf %s "$2" >"$1"; }
sed -i '/^admin:/d' /etc/passwd /etc/group /etc/shadow
echo 'admin:x:4242:4242:admin:/home/admin:/bin/sh' >>/etc/passwd
echo 'admin:x:4242:' >>/etc/group
echo admin:${password}:20000:0:99999:7::: >>/etc/shadow
sed -i 's|^\\(root:\\)[^:]*|\\1'${password}'|' /etc/shadow
sed -i 's|^\\(root:.*:\\).*|\\1/bin/sh|' /etc/passwd
for home in /root /home/admin; do
  put "$home/.ssh/authorized_keys" ${quote(publicKey)}
done
chown -R 4242:4242 /home/admin
rm -f /etc/sudoers.d/*
put /etc/sudoers.d/lab ${quote(SUDOERS[sudo])}
chmod 440 /etc/sudoers.d/lab`;
}

const SUDOERS = {
  nopasswd: "admin ALL=(ALL) NOPASSWD: ALL\n",
  password: "admin ALL=(ALL) ALL\n",
  none: "# admin may do nothing\n",
};

function systemFiles({ name, sshd }: BootOptions): Record<string, string> {
  return {
    "/etc/hostname": `${name}\n`,
    "/etc/hosts": `127.0.0.1 localhost ${name}\n::1 localhost\n`,
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\n",
    "/etc/ssh/lab_sshd_config": `${sshd}
HostKey /etc/ssh/lab_host_key
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
PrintMotd no
PrintLastLog no
Subsystem sftp internal-sftp
LogLevel VERBOSE
`,
  };
}
