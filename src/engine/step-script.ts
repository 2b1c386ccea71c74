import { batchScript } from "../firewall/render.ts";
import type { Version } from "../libreswan/version.ts";
import type { Step } from "../model/step.ts";
import { commandLine, quote } from "../text/shell.ts";
import { ENVIRONMENT, HOST_STATE, LIBRARY } from "./shell-library.ts";

/** What the rendering of a step depends on besides the step. */
export interface ScriptContext {
  /** The commands of Libreswan 5 differ from those of 4; undefined where no Libreswan is installed. */
  readonly libreswan: Version | undefined;
  /** Puts secret values in the place of their tokens, before anything is quoted. */
  readonly reveal: (text: string) => string;
}

/** POSIX sh that does one step and ends with its exit status; `slot` names the step's pre-image in the transaction. */
export function stepScript(step: Step, slot: string, context: ScriptContext): string {
  const word = (text: string): string => quote(context.reveal(text));
  switch (step.do) {
    case "write-file":
      return `${printed(context.reveal(step.after), step.encoding)} | swap ${word(step.path)} ${quote(step.create_mode ?? "0644")}`;
    case "remove-file":
      return `rm -f -- ${word(step.path)}`;
    case "replace-text":
      return replaceText(word(step.path), word(step.before), word(step.after));
    case "restore-file":
      return `restore ${quote(slot)} ${word(step.path)}`;
    case "firewall-batch":
      return batchScript(step).script;
    case "sysctl":
      return `kernel_value ${quote(sysctlPath(step.key))} ${word(step.value)}`;
    case "firewall-cmd":
      return commandLine(["firewall-cmd", ...step.args.map(context.reveal)]);
    case "service":
      return `service_do ${quote(step.unit)} ${step.verb}`;
    case "load-conn":
      return `${ipsec(context, "add", step.conn)} && is_loaded ${quote(step.conn)} || conn_refused ${quote(step.conn)}`;
    case "unload-conn":
      return `{ ${ipsec(context, "delete", step.conn)}; ! is_loaded ${quote(step.conn)}; }`;
    case "initiate-conn":
      return commandLine(["ipsec", "whack", "--name", step.conn, "--initiate", "--asynchronous"]);
    case "route-conn":
      return ipsec(context, "route", step.conn);
    case "terminate-conn":
      return ipsec(context, "down", step.conn);
    case "pluto-debug":
      return commandLine(["ipsec", "whack", "--debug", step.value]);
    case "pluto-listen":
      return "ipsec whack --listen";
    case "flush-conntrack":
      // Exit 1 means that no entry matched, which is as good.
      return `{ ${commandLine(["conntrack", "-D", "-f", step.family, "-s", step.source, "-d", step.destination])} || [ $? -eq 1 ]; }`;
    case "nm-modify":
      return commandLine(["nmcli", "connection", "modify", step.connection, step.property, context.reveal(step.value)]);
    case "nm-activate":
      return commandLine(["nmcli", "--wait", "60", "connection", "up", step.connection]);
    case "ethtool-feature": {
      const wanted = step.on ? "on" : "off";
      // ethtool answers 0 even where no port can do it: only reading the feature again tells.
      return `${commandLine(["ethtool", "-K", step.device, step.feature, wanted])} && ethtool -k ${quote(step.device)} | grep -q ${quote(`^${step.feature}: ${wanted}`)}`;
    }
    case "schedule-revert":
      return scheduleRevert(step, context);
    case "cancel-revert":
      return cancelRevert(step.id);
  }
}

/** Whoever edited the place meanwhile meant something by it, so only the very text that was written is taken back. */
function replaceText(path: string, before: string, after: string): string {
  return `{ [ ! -f ${path} ] || { T=$(cat -- ${path}; echo .); T=\${T%.}; O=${before}; N=${after}
case $T in *"$O"*"$O"*) ;; *"$O"*) printf %s "\${T%%"$O"*}$N\${T#*"$O"}" | swap ${path} 0644 ;; esac; }; }`;
}

/** A command whose standard output is exactly this text; bytes that are not UTF-8 travel as octal escapes. */
function printed(text: string, encoding: "utf8" | "latin1"): string {
  if (text.includes("\0")) throw new RangeError("a file with a NUL byte cannot be written");
  if (encoding === "utf8") return `printf %s ${quote(text)}`;
  const octal = [...Buffer.from(text, "latin1")].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  return `printf ${quote(octal)}`;
}

/** The command line of a Libreswan verb: `ipsec auto --add X` up to 4.x, `ipsec add X` from 5.0 on. */
function ipsec(context: ScriptContext, verb: string, conn: string): string {
  const modern = (context.libreswan?.major ?? 0) >= 5;
  return commandLine(modern ? ["ipsec", verb, conn] : ["ipsec", "auto", `--${verb}`, conn]);
}

/** `net.ipv4.ip_forward` or `net/ipv4/conf/eth0.5/rp_filter` below /proc/sys (sysctl(8): a key with a slash uses slashes throughout). */
function sysctlPath(key: string): string {
  return key.includes("/") ? key : key.replaceAll(".", "/");
}

function scheduleRevert(step: Extract<Step, { readonly do: "schedule-revert" }>, context: ScriptContext): string {
  const unit = `ipsec-fix-revert-${step.id}`;
  const script = `${HOST_STATE}/expires/${step.id}.sh`;
  const body = [
    ENVIRONMENT,
    LIBRARY,
    // Whoever edited the file meanwhile meant something by it: a revert only takes back what it still finds.
    ...step.reverts.map((revert) =>
      revert.do === "write-file" && revert.before !== null
        ? `[ "$(cat -- ${quote(revert.path)}; echo .)" = ${quote(`${context.reveal(revert.before)}.`)} ] && { ${stepScript(revert, "none", context)}; }`
        : stepScript(revert, "none", context),
    ),
    cancelRevert(step.id),
  ].join("\n");
  const service = `[Unit]\nDescription=ipsec-fix takes back a setting that expires\n\n[Service]\nType=oneshot\nExecStart=/bin/sh ${script}\n`;
  return `printf %s ${quote(`${body}\n`)} | swap ${quote(script)} 0700 && if [ -d /run/systemd/system ]; then
printf %s ${quote(service)} | swap ${quote(`/etc/systemd/system/${unit}.service`)} 0644 &&
printf '[Unit]\\nDescription=When %s expires\\n\\n[Timer]\\nOnCalendar=@%s\\nPersistent=true\\n\\n[Install]\\nWantedBy=timers.target\\n' ${quote(step.id)} "$(( $(date +%s) + ${Math.round(step.seconds)} ))" | swap ${quote(`/etc/systemd/system/${unit}.timer`)} 0644 &&
systemctl daemon-reload && systemctl enable --now ${quote(`${unit}.timer`)}
else
{ setsid sh -c ${quote(`echo $$ > ${quote(`${script}.pid`)}; sleep ${Math.round(step.seconds)}; exec sh ${quote(script)}`)} </dev/null >/dev/null 2>&1 & }
fi`;
}

function cancelRevert(id: string): string {
  const unit = `ipsec-fix-revert-${id}`;
  const script = `${HOST_STATE}/expires/${id}.sh`;
  return `if [ -d /run/systemd/system ]; then systemctl disable --now ${quote(`${unit}.timer`)} 2>/dev/null
rm -f -- ${quote(`/etc/systemd/system/${unit}.service`)} ${quote(`/etc/systemd/system/${unit}.timer`)}; systemctl daemon-reload
elif [ -s ${quote(`${script}.pid`)} ] && [ "$(cat ${quote(`${script}.pid`)})" != "$$" ]; then kill "$(cat ${quote(`${script}.pid`)})" 2>/dev/null; fi
rm -f -- ${quote(script)} ${quote(`${script}.pid`)}`;
}
