import { quote } from "../text/shell.ts";

const MAIN = "/etc/ipsec.conf";

/**
 * POSIX sh that lays the configuration as it will be beside the transaction and has the gateway's own Libreswan check it. Its
 * exit status proves nothing (4.x drops a conn and exits 0), so standard error counts: whatever the live configuration does not
 * already cause, line numbers apart, refuses the transaction before anything is written.
 */
export function candidateCheck(candidate: ReadonlyMap<string, string>): string {
  if (!candidate.has(MAIN)) return ":";
  const files = [...candidate].map(([path, content]) => {
    const folder = path.slice(0, path.lastIndexOf("/"));
    return `mkdir -p -- "$D/candidate"${quote(folder)} && ${candidateText(content)} > "$D/candidate"${quote(path)}`;
  });
  return `judge() {
  { ipsec addconn --config "$1" --checkconfig; echo "exit $?"; } 2>&1 </dev/null |
  sed -e "s#$D/candidate##g" -e 's/:[0-9][0-9]*:/:/g' -e '/^exit 0$/d' | sort -u
}
{
${files.join(" &&\n")}
} || { say "out no room for the candidate configuration below $D"; end refused; return 0; }
judge ${MAIN} > "$D/check-live"; judge "$D/candidate${MAIN}" > "$D/check-candidate"
rm -rf -- "$D/candidate"
if comm -13 "$D/check-live" "$D/check-candidate" | grep -q .; then
  say "out Libreswan refuses the new configuration:"
  comm -13 "$D/check-live" "$D/check-candidate" | while IFS= read -r line; do say "out $line"; done
  end refused; return 0
fi`;
}

/**
 * POSIX sh that has nft check a saved script as it will be, without loading it. A file that nft does not take as it stands, such
 * as one that is only whole where it is included, proves nothing and is let through.
 */
export function nftScriptCheck(path: string, live: boolean, text: string): string {
  const standing = live ? `nft -c -f ${quote(path)} >/dev/null 2>&1 &&` : "";
  return `printf %s ${quote(text)} > "$D/candidate.nft" || { say "out no room for the candidate of a file below $D"; end refused; return 0; }
if ${standing} ! nft -c -f "$D/candidate.nft" > "$D/output" 2>&1; then
  show; say ${quote(`out nft refuses the new ${path}`)}; end refused; return 0
fi
rm -f -- "$D/candidate.nft"`;
}

/** A command that prints the content with every include led into the candidate tree; a relative one starts from /, as under systemd. */
function candidateText(content: string): string {
  const parts = content.split(/^(include[ \t]+"?)(?=[^\s"])/m);
  const words = parts.map((part, index) => (index % 2 === 1 ? `${quote(part)}"$D/candidate"` : quote(rooted(part, index > 0))));
  return `printf %s ${words.join("")}`;
}

function rooted(rest: string, afterInclude: boolean): string {
  return afterInclude && !rest.startsWith("/") ? `/${rest}` : rest;
}
