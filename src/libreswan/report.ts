import { didYouMean } from "../text/suggest.ts";
import type { Config, Conn, Via } from "./config.ts";
import { keyword } from "./keywords.ts";
import type { ConfProblem } from "./syntax.ts";
import { builtInDefault, readValue } from "./values.ts";
import { knownKeys } from "./vocabulary.ts";

/** What a configuration means, as `conf --json` prints it. */
export interface ConfReport {
  readonly libreswan: string;
  readonly accepted: boolean;
  readonly problems: readonly ConfProblem[];
  readonly conns: readonly ConnReport[];
}

export interface ConnReport {
  readonly name: string;
  readonly loaded: boolean;
  readonly reason: string | null;
  readonly options: Readonly<Record<string, OptionReport>>;
}

export interface OptionReport {
  readonly value: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly via: Via | "builtin";
}

/** The report on a configuration, or on one conn of it. */
export function confReport(config: Config, name?: string): ConfReport {
  const conns = config.conns.filter((conn) => name === undefined || conn.name === name);
  const isUnknown = name !== undefined && conns.length === 0 && config.accepted;
  const unknown: readonly ConfProblem[] = isUnknown
    ? [
        {
          file: config.main,
          line: 0,
          severity: "error",
          message: `there is no conn ${name}${didYouMean(
            name,
            config.conns.map((conn) => conn.name),
          )}`,
        },
      ]
    : [];
  return {
    libreswan: config.version.text,
    accepted: config.accepted,
    problems: [...config.problems, ...conns.flatMap((conn) => refusedByPluto(conn, config)), ...unknown],
    conns: conns.map((conn) => ({
      name: conn.name,
      loaded: conn.loaded,
      reason: conn.reason ?? null,
      options: optionReports(conn, config),
    })),
  };
}

/** 65: the files are not accepted; 2: a conn is dropped, or the one asked for is not there; 0 otherwise. */
export function confExit(report: ConfReport, name?: string): 0 | 2 | 65 {
  if (!report.accepted) return 65;
  return report.conns.some((conn) => !conn.loaded) || (name !== undefined && report.conns.length === 0) ? 2 : 0;
}

/** The report for people. */
export function confText(report: ConfReport): string {
  const dropped = report.conns.filter(({ loaded }) => !loaded).length;
  const fate = dropped === 0 ? "." : `, and drops ${dropped} of its conns.`;
  const verdict = report.accepted ? `accepts this configuration${fate}` : "does not accept this configuration.";
  const problems = report.problems.map(
    ({ file, line, severity, message }) => `${line === 0 ? file : `${file}:${line}`}: ${severity}: ${message}`,
  );
  const blocks = report.conns.map(connText);
  return `${[`Libreswan ${report.libreswan} ${verdict}`, ...blocks, ...(problems.length === 0 ? [] : [problems.join("\n")])].join("\n\n")}\n`;
}

function connText(conn: ConnReport): string {
  const head = conn.loaded ? `conn ${conn.name}: loaded` : `conn ${conn.name}: NOT loaded: ${conn.reason ?? ""}`;
  const options = Object.entries(conn.options);
  const widest = Math.max(0, ...options.map(([key, { value }]) => key.length + 1 + value.length));
  const lines = options.map(([key, { value, file, line, via }]) => {
    const origin = via === "builtin" ? "built in" : `${file}:${line}${via === "conn" ? "" : ` (${via.replace(":", " ")})`}`;
    return `  ${`${key}=${value}`.padEnd(Math.min(widest, 60))}  ${origin}`;
  });
  return [head, ...lines].join("\n");
}

function optionReports(conn: Conn, { version }: Config): Readonly<Record<string, OptionReport>> {
  const set = [...conn.options].map(([key, { value, file, line, via }]): [string, OptionReport] => [
    key,
    { value, file, line, via },
  ]);
  const fields = new Set([...conn.options.values()].map(({ field }) => field));
  const builtIn = knownKeys("conn", version).flatMap((key): readonly [string, OptionReport][] => {
    const value = fields.has(key) ? undefined : builtInDefault("conn", key, version);
    return value === undefined ? [] : [[key, { value, file: null, line: null, via: "builtin" }]];
  });
  return Object.fromEntries([...set, ...builtIn]);
}

/** Values that pass the reading of the file, and that the daemon then refuses or takes for something else. */
function refusedByPluto(conn: Conn, { version }: Config): readonly ConfProblem[] {
  if (!conn.loaded) return [];
  return [...conn.options].flatMap(([key, { value, file, line }]): readonly ConfProblem[] => {
    const known = keyword("conn", key, version);
    const read = known === undefined || known.isObsolete ? undefined : readValue(known, value, version);
    if (read === undefined || read.ok) return [];
    return [{ file, line, severity: "warning", message: `${key}=${value} in conn ${conn.name}: ${read.reason}` }];
  });
}
