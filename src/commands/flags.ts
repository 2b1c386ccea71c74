import type { ApplyOptions, DriftOptions, FleetOptions, ScheduleOptions } from "./options.ts";
import type { Format } from "./output-format.ts";

/** What commander makes of the command line. */
export interface ValidateFlags {
  readonly inventory: string[];
  readonly extraVars: string[];
  readonly json: boolean;
}

/** See ValidateFlags. */
export interface ConfFlags {
  readonly libreswan?: string;
  readonly root?: string;
  readonly json: boolean;
}

/** See ValidateFlags. */
export interface FleetFlags {
  readonly inventory: string[];
  readonly limit?: string;
  readonly tags: string[];
  readonly skipTags: string[];
  readonly target: string[];
  readonly extraVars: string[];
  readonly forks: number;
  readonly user?: string;
  readonly privateKey?: string;
  readonly askPass: boolean;
  readonly askBecomePass: boolean;
  readonly become?: boolean;
  readonly sshConfig?: string;
  readonly timeout: number;
  readonly acceptNew: boolean;
  readonly allowCommands: boolean;
  readonly verbose: number;
  readonly color: boolean;
  readonly logFile?: string;
  readonly format: Format;
  readonly json: boolean;
  readonly out?: string;
  readonly report: { readonly format: Format; readonly file: string }[];
}

/** See ValidateFlags. */
export interface ApplyFlags extends FleetFlags {
  readonly yes: boolean;
  readonly serial?: string;
  readonly maxFail?: number;
}

/** See ValidateFlags. */
export interface DriftFlags extends FleetFlags {
  readonly fix: boolean;
  readonly maxChanges?: number;
  readonly window?: string;
}

/** See ValidateFlags. */
export interface ScheduleFlags {
  readonly inventory: string[];
  readonly limit?: string;
  readonly every?: string;
  readonly randomDelay: string;
  readonly fix: boolean;
  readonly maxChanges?: number;
  readonly window?: string;
  readonly crontab: boolean;
  readonly out?: string;
}

export function fleetOptions(flags: FleetFlags): FleetOptions {
  return {
    inventory: flags.inventory,
    limit: flags.limit,
    tags: flags.tags,
    skipTags: flags.skipTags,
    target: flags.target,
    extraVars: flags.extraVars,
    forks: flags.forks,
    user: flags.user,
    privateKey: flags.privateKey,
    askPass: flags.askPass,
    askBecomePass: flags.askBecomePass,
    become: flags.become,
    sshConfig: flags.sshConfig,
    timeout: flags.timeout,
    acceptNew: flags.acceptNew,
    allowCommands: flags.allowCommands,
    verbose: flags.verbose,
    color: flags.color,
    logFile: flags.logFile,
    format: flags.json ? "json" : flags.format,
    out: flags.out,
    reports: flags.report,
  };
}

export function applyOptions(flags: ApplyFlags): ApplyOptions {
  return { ...fleetOptions(flags), yes: flags.yes, serial: flags.serial, maxFail: flags.maxFail };
}

export function driftOptions(flags: DriftFlags): DriftOptions {
  return { ...fleetOptions(flags), fix: flags.fix, maxChanges: flags.maxChanges, window: flags.window };
}

export function scheduleOptions(flags: ScheduleFlags): ScheduleOptions {
  return {
    every: flags.every ?? (flags.crontab ? "17 * * * *" : "hourly"),
    randomDelay: flags.randomDelay,
    fix: flags.fix,
    maxChanges: flags.maxChanges,
    window: flags.window,
    crontab: flags.crontab,
    inventory: flags.inventory,
    limit: flags.limit,
    out: flags.out,
  };
}
