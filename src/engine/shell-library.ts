/** Where the engine keeps what it must remember on a gateway: transactions with their pre-images, records, timed reverts. */
export const HOST_STATE = "/var/lib/ipsec-fix";

/** One run at a time changes a gateway; the directory vanishes with /run at boot. */
export const HOST_LOCK = "/run/ipsec-fix.lock";

/** Environment of every script: a fixed locale and PATH, private files, and no death by a lost terminal or pipe. */
export const ENVIRONMENT = `LC_ALL=C; LANGUAGE=C; PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export LC_ALL LANGUAGE PATH
umask 077
trap '' HUP PIPE`;

/**
 * Shell functions that steps are made of. \`swap PATH MODE\` replaces a file with standard input: a temporary file in the same
 * directory, flushed, renamed; an existing file's copy is the temporary one, so that mode, owner, ACL and extended attributes
 * (the SELinux label among them) stay. MODE counts only for a new file.
 */
export const LIBRARY = `real() { readlink -f -- "$1" || printf '%s\\n' "$1"; }
flush() { sync -- "$1" 2>/dev/null || sync; }
swap() {
  swap_target=$(real "$1") || return 1
  swap_temp=\${swap_target%/*}/.ipsec-fix.$$
  if [ -e "$swap_target" ]; then cp -a -- "$swap_target" "$swap_temp"
  else mkdir -p -- "\${swap_target%/*}" && : > "$swap_temp" && chmod "$2" "$swap_temp"; fi &&
  cat > "$swap_temp" && flush "$swap_temp" && mv -f -- "$swap_temp" "$swap_target" && flush "\${swap_target%/*}" ||
  { rm -f -- "$swap_temp"; return 1; }
}
keep() {
  keep_source=$(real "$2") || return 1
  mkdir -p -- "$D/files" || return 1
  if [ -e "$keep_source" ]; then cp -a -- "$keep_source" "$D/files/$1"
  else : > "$D/files/$1.absent"; fi
}
restore() {
  restore_target=$(real "$2") || return 1
  if [ -e "$D/files/$1.absent" ]; then rm -f -- "$restore_target"; [ ! -e "$restore_target" ]; return; fi
  [ -e "$D/files/$1" ] || return 1
  cmp -s -- "$D/files/$1" "$restore_target" && return 0
  restore_temp=\${restore_target%/*}/.ipsec-fix.$$
  cp -a -- "$D/files/$1" "$restore_temp" && flush "$restore_temp" && mv -f -- "$restore_temp" "$restore_target" &&
  cmp -s -- "$D/files/$1" "$restore_target" || { rm -f -- "$restore_temp"; return 1; }
}
unchanged() {
  if [ "$2" = absent ]; then [ ! -e "$1" ]; else [ "$(cksum < "$1" 2>/dev/null)" = "$2" ]; fi
}
replace_text() {
  [ -e "$1" ] || return 0
  replace_all=$(cat -- "$1" && echo .) || return 1
  replace_rest=\${replace_all#*"$2"}
  case $replace_all in *"$2"*"$2"*) ;; *"$2"*)
    replace_new=\${replace_all%%"$2"*}$3$replace_rest
    printf %s "\${replace_new%.}" | swap "$1" 0644;;
  esac
}
kernel_value() { [ "$(cat "/proc/sys/$1" 2>/dev/null)" = "$2" ] || printf '%s\\n' "$2" > "/proc/sys/$1"; }
# A conn with lists of subnets is loaded as NAME/1x1 and so on.
is_loaded() { ipsec status | grep -F -e "\\"$1\\"" -e "\\"$1/" >/dev/null; }
# \`ipsec add\` says nothing when pluto refuses a conn, and may end with 0: the reason stands in the log alone.
conn_refused() {
  echo "pluto did not load it"
  refused_log=$(sed -n 's/^[[:space:]]*logfile[[:space:]]*=[[:space:]]*"*\\([^"#[:space:]]*\\).*/\\1/p' /etc/ipsec.conf | tail -n 1)
  if [ -f "$refused_log" ]; then tail -n 200 -- "$refused_log"; else journalctl -u ipsec -n 200 -o cat; fi 2>/dev/null |
  grep -F -- "\\"$1" | grep -i -e fail -e error -e cannot -e unable | tail -n 2
  return 1
}
service_run() {
  if [ -d /run/systemd/system ]; then systemctl "$2" "$1"
  elif [ "$1" = ipsec ] && [ "$2" != enable ] && [ "$2" != disable ]; then ipsec "$2"
  else service "\${1%.service}" "$2"; fi
}
service_do() {
  # A daemon that does not run cannot be stopped, and is stopped.
  service_run "$1" "$2" || { [ "$2" = stop ] && [ "$1" = ipsec ] && [ ! -S /run/pluto/pluto.ctl ]; }
}`;
