import type { FileFact, Probe } from "../model/fact.ts";
import { quote } from "../text/shell.ts";
import { POLICY_FILE } from "./policy-include.ts";
import { type ConfTree, MAIN_FILE } from "./tree.ts";

/** Brings back the configuration: the main file and all that its includes reach. Prints each include that it followed. */
export const confProbe: Probe = { key: "ipsec-conf", command: confCommand(MAIN_FILE) };

const trees = new WeakMap<ReadonlyMap<string, FileFact>, ConfTree>();

/** The configuration among the files that the probes brought back, as the plan so far leaves them. */
export function treeOf(files: ReadonlyMap<string, FileFact>): ConfTree {
  const known = trees.get(files);
  if (known !== undefined) return known;
  const tree = { main: MAIN_FILE, files: new Map([...files].map(([path, { content }]) => [path, content])) };
  trees.set(files, tree);
  return tree;
}

/**
 * POSIX sh that emits a main file and follows its includes as glob(3) does, each file once. The crypto policy comes along although
 * its include may be a comment, because a plan may bring it in. Secrets are never read, whatever includes them.
 */
export function confCommand(main: string): string {
  return `S='
'
conf() {
  case $S in *"
$1
"*) return 0 ;; esac
  case $1 in *.secrets) return 0 ;; esac
  [ -f "$1" ] && [ -r "$1" ] || return 0
  S="$S$1
"
  file "$1"
  while IFS= read -r P; do
    [ -z "$P" ] || follow "$P"
  done <<EOF
$(sed -e '/^include[" \t]/!d' -e 's/^include[" \t]*\\([^" \t]*\\).*/\\1/' -e 's#//*#/#g' -e 's/\r//g' < "$1")
EOF
}
follow() {
  case $1 in /*) ;; *) set -- "/$1" ;; esac
  case $1 in *'{'*'}'*)
    set -- "\${1%%\\{*}" "\${1#*\\{}"
    set -- "$1" "\${2%%\\}*}," "\${2#*\\}}"
    while [ -n "$2" ]; do
      follow "$1\${2%%,*}$3"
      set -- "$1" "\${2#*,}" "$3"
    done
    return 0 ;;
  esac
  printf 'include %s\\n' "$1"
  IFS=; set -- $1; unset IFS
  for F do conf "$F"; done
}
conf ${quote(main)}
conf ${quote(POLICY_FILE)}
true`;
}
