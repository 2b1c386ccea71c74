import type { Format } from "./output-format.ts";

/** The options that every command that reaches hosts takes, as the command line gave them. */
export interface FleetOptions {
  readonly inventory: readonly string[];
  readonly limit: string | undefined;
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  /** Addresses of resources, or globs over them. */
  readonly target: readonly string[];
  readonly extraVars: readonly string[];
  readonly forks: number;
  readonly user: string | undefined;
  readonly privateKey: string | undefined;
  readonly askPass: boolean;
  readonly askBecomePass: boolean;
  readonly become: boolean | undefined;
  readonly sshConfig: string | undefined;
  /** Seconds for a connection to come up. */
  readonly timeout: number;
  readonly acceptNew: boolean;
  readonly allowCommands: boolean;
  readonly verbose: number;
  readonly color: boolean;
  readonly logFile: string | undefined;
  readonly format: Format;
  readonly out: string | undefined;
  readonly reports: readonly { readonly format: Format; readonly file: string }[];
}

export interface ApplyOptions extends FleetOptions {
  readonly yes: boolean;
  readonly serial: string | undefined;
  readonly maxFail: number | undefined;
}

export interface DriftOptions extends FleetOptions {
  readonly fix: boolean;
  readonly maxChanges: number | undefined;
  readonly window: string | undefined;
}

export interface ScheduleOptions {
  /** `OnCalendar=` of systemd.time(7), or five crontab fields with `crontab`. */
  readonly every: string;
  /** `RandomizedDelaySec=`, so that a fleet does not start at once. */
  readonly randomDelay: string;
  readonly fix: boolean;
  readonly maxChanges: number | undefined;
  readonly window: string | undefined;
  readonly crontab: boolean;
  readonly inventory: readonly string[];
  readonly limit: string | undefined;
  /** A folder for the unit files; they are printed when absent. */
  readonly out: string | undefined;
}
