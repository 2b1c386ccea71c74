import type { FileFact } from "../model/fact.ts";
import { sysctlKey, sysctlPath } from "./sysctl.ts";

/** Where our own settings are kept. */
export const OWN_FILE = "/etc/sysctl.d/99-ipsec-fix.conf";

/** The directories of sysctl.d, the first of two files of one name being the one that counts. */
export const SYSCTL_DIRECTORIES = ["/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d"] as const;

const SYSCTL_CONF = "/etc/sysctl.conf";

/** The last line that sets a key at boot. */
export interface BootSetting {
  readonly path: string;
  /** 0-based. */
  readonly line: number;
  readonly value: string;
  /** It names the key itself, not a pattern such as `net.ipv4.conf.*.rp_filter`. */
  readonly isExact: boolean;
}

/** Which files set the kernel at boot, in order. */
export interface BootOrder {
  readonly files: ReadonlyMap<string, FileFact>;
  /** Names that a link to /dev/null in /etc hides. */
  readonly masked: ReadonlySet<string>;
  /** systemd reads /etc/sysctl.conf only where a link in sysctl.d leads to it; the other inits read it last. */
  readonly readsSysctlConf: boolean;
}

/** What a setting will be after a boot, as far as files decide; undefined where none sets it. */
export function bootSetting(order: BootOrder, path: string): BootSetting | undefined {
  const settings = bootFiles(order).flatMap((file) => settingsOf(file));
  const excluded = settings.some((setting) => setting.key === path && setting.value === undefined);
  const matching = settings.filter(
    (setting) => setting.value !== undefined && (setting.key === path || (!excluded && isPatternOf(setting.key, path))),
  );
  // An exact line beats every pattern, whatever their order; among equals the last one counts.
  const exact = matching.filter((setting) => setting.key === path);
  const last = (exact.length > 0 ? exact : matching).at(-1);
  return last?.value === undefined
    ? undefined
    : { path: last.file, line: last.line, value: last.value, isExact: last.key === path };
}

/** Whether a line in our own file would come after the given one, and so win. */
export function ownFileWins(over: BootSetting): boolean {
  return !over.isExact || over.path === OWN_FILE || (over.path !== SYSCTL_CONF && nameOf(over.path) < nameOf(OWN_FILE));
}

/** A file with the setting in it: the line that sets it changed, or one more at the end. */
export function withSetting(content: string, path: string, value: string): string {
  const lines = content.split("\n");
  const index = lines.findLastIndex((line) => isSettingOf(line, path));
  const old = lines[index];
  if (old !== undefined) {
    lines[index] = old.replace(/^(\s*-?[^=]*?\s*=\s*).*?(\s*)$/, (_, head: string, tail: string) => `${head}${value}${tail}`);
    return lines.join("\n");
  }
  const start = content === "" || content.endsWith("\n") ? content : `${content}\n`;
  return `${start}${sysctlKey(path)} = ${value}\n`;
}

function isSettingOf(line: string, path: string): boolean {
  const parsed = parseLine(line);
  return parsed?.key === path && parsed.value !== undefined;
}

interface Setting {
  readonly file: string;
  readonly line: number;
  readonly key: string;
  /** Undefined for `-key`, which keeps patterns off the key. */
  readonly value: string | undefined;
}

function bootFiles(order: BootOrder): readonly FileFact[] {
  const byName = new Map<string, FileFact>();
  for (const directory of SYSCTL_DIRECTORIES)
    for (const file of order.files.values()) {
      const name = nameOf(file.path);
      const isHere = file.path === `${directory}/${name}` && name.endsWith(".conf");
      if (isHere && !byName.has(name) && (directory === "/etc/sysctl.d" || !order.masked.has(name))) byName.set(name, file);
    }
  const sorted = [...byName.keys()].sort().flatMap((name) => byName.get(name) ?? []);
  const conf = order.readsSysctlConf ? order.files.get(SYSCTL_CONF) : undefined;
  return conf === undefined ? sorted : [...sorted, conf];
}

function settingsOf(file: FileFact): readonly Setting[] {
  return file.content.split("\n").flatMap((text, line) => {
    const parsed = parseLine(text);
    return parsed === undefined ? [] : [{ file: file.path, line, ...parsed }];
  });
}

function parseLine(text: string): { readonly key: string; readonly value: string | undefined } | undefined {
  const line = text.trim();
  if (line === "" || line.startsWith("#") || line.startsWith(";")) return undefined;
  const equals = line.indexOf("=");
  const name = (equals < 0 ? line : line.slice(0, equals)).trim();
  const isDashed = name.startsWith("-");
  if (equals < 0 && !isDashed) return undefined;
  const key = sysctlPath(isDashed ? name.slice(1).trim() : name);
  return { key, value: equals < 0 ? undefined : line.slice(equals + 1).trim() };
}

function isPatternOf(pattern: string, path: string): boolean {
  if (!/[*?[]/.test(pattern)) return false;
  const parts = pattern.split("/");
  const names = path.split("/");
  return parts.length === names.length && parts.every((part, index) => matches(part, names[index] ?? ""));
}

function matches(part: string, name: string): boolean {
  const source = part
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".")
    .replaceAll("[!", "[^");
  try {
    return new RegExp(`^${source}$`).test(name);
  } catch {
    return part === name;
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
