/** What a regular drift run needs to know. */
export interface Schedule {
  readonly name: string;
  readonly playbook: string;
  readonly argv: readonly string[];
  readonly folder: string;
  /** `OnCalendar=` of systemd.time(7). */
  readonly every: string;
  /** `RandomizedDelaySec=` of systemd.timer(5). */
  readonly randomDelay: string;
}

/** A oneshot service and its timer; exit 2 (drift was found) counts as a successful run of the service. */
export function scheduleUnits(schedule: Schedule): readonly { readonly file: string; readonly text: string }[] {
  const description = `ipsec-fix drift ${schedule.playbook}`;
  return [
    {
      file: `${schedule.name}.service`,
      text: `[Unit]
Description=${specifier(oneLine(description))}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory=${specifier(oneLine(schedule.folder))}
ExecStart=${schedule.argv.map(unitWord).join(" ")}
SuccessExitStatus=2
`,
    },
    {
      file: `${schedule.name}.timer`,
      text: `[Unit]
Description=${specifier(oneLine(description))}

[Timer]
OnCalendar=${oneLine(schedule.every)}
RandomizedDelaySec=${oneLine(schedule.randomDelay)}
Persistent=true

[Install]
WantedBy=timers.target
`,
    },
  ];
}

/** One word of ExecStart= (systemd.service(5), "Command lines"): C escapes in double quotes, `$` and `%` doubled. */
function unitWord(word: string): string {
  const escaped = specifier(word).replaceAll("$", "$$$$");
  if (/^[A-Za-z0-9_./:=@+,%-]+$/.test(escaped)) return escaped;
  return `"${escaped.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

function specifier(text: string): string {
  return text.replaceAll("%", "%%");
}

function oneLine(text: string): string {
  return text.replaceAll(/[\u0000-\u001f]/g, " ");
}
