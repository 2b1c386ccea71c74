import { randomBytes } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { EXIT, worstExit } from "../engine/exit-code.ts";
import { factsView } from "../engine/facts-view.ts";
import type { Play, PlayHost, Project } from "../engine/load.ts";
import { planDocument } from "../engine/plan.ts";
import { batches, type Serial } from "../engine/rollout.ts";
import { LogFile } from "../io/log-file.ts";
import { writingTroubles } from "../io/result-files.ts";
import { askHidden } from "../io/terminal.ts";
import { kinds } from "../kinds/index.ts";
import type { RunEvent } from "../model/event.ts";
import type { HostPlan, Plan } from "../model/plan.ts";
import { colourful, type Palette, plain } from "../report/palette.ts";
import { redact } from "../text/redact.ts";
import { hideTokens, maskSecrets, revealSecrets, type SecretBook, SHORTEST_SECRET } from "../text/secret.ts";
import { problemsText } from "../text/squiggle.ts";
import { version } from "../version.ts";
import { fleetExit } from "./fleet.ts";
import type { Job, Run } from "./job.ts";
import type { FleetOptions } from "./options.ts";
import { publish } from "./output.ts";
import { progress } from "./progress.ts";
import { openProject } from "./project.ts";

/** Where a command writes, and what stops it. */
export interface Streams {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  readonly signal: AbortSignal;
}

/** A loaded project with its gateways, ready to be talked to. */
export interface Session {
  /** Every gateway once, in the order of the plays. */
  readonly jobs: readonly Job[];
  readonly run: Run;
  /** The jobs in the batches that the plays, or `serial`, ask for. */
  readonly batches: (serial: string | undefined) => readonly (readonly Job[])[];
  readonly maxFail: number;
  /** Stops the progress display, prints and writes the result, and answers with the exit code of the run. */
  readonly publish: (hosts: readonly HostPlan[], format: Plan["format"]) => Promise<number>;
  /** Stops the progress display, so that something may be asked or said. */
  readonly pause: () => Promise<void>;
  readonly interactive: boolean;
}

/** Loads the project, or says what is wrong with it and answers with the exit code. */
export async function openSession(
  playbook: string | { readonly text: string },
  options: FleetOptions,
  streams: Streams,
  applies: boolean,
): Promise<Session | number> {
  const files = [options.out ?? [], options.logFile ?? [], options.reports.map(({ file }) => file)].flat();
  const troubles = await writingTroubles(files);
  for (const trouble of troubles) streams.error(`ipsec-fix: ${trouble}\n`);
  if (troubles.length > 0) return EXIT.usage;
  const loaded = await openProject({ ...options, playbook });
  if (loaded.problems.length > 0) streams.error(`${problemsText(loaded.problems)}\n`);
  if (!loaded.ok) return loaded.exit;
  const { project } = loaded;
  const interactive = process.stdin.isTTY === true && process.stderr.isTTY === true;
  if (!interactive && (options.askPass || options.askBecomePass)) {
    streams.error(`ipsec-fix: nobody can answer here: ${instead(options)}\n`);
    return EXIT.usage;
  }
  const login = await askedLogin(options, project.secrets);
  if (streams.signal.aborted) return EXIT.interrupted;
  const jobs = jobsOf(project, options, login);
  const log = options.logFile === undefined ? undefined : new LogFile(options.logFile);
  const display = await progress(jobs.length, applies, interactive && process.env["TERM"] !== "dumb");
  const run = runOf(options, project.secrets, streams.signal, {
    report: (event) => {
      display.report(event);
      log?.append(redact(hideTokens(JSON.stringify({ time: new Date().toISOString(), ...event }))));
    },
    // A question needs the terminal for itself; the run goes on without the display.
    ask: async (question) => {
      await display.pause();
      return await askHidden(question);
    },
  });
  return {
    jobs,
    run,
    batches: (serial) => batchesOf(project.plays, jobs, serial),
    maxFail: Math.max(...project.plays.map((play) => play.maxFail ?? 0)),
    interactive,
    pause: display.pause,
    publish: async (hosts, format) => {
      await display.pause();
      const logTrouble = await log?.close();
      const document = planDocument({ format, tool: version, playbook: project.playbook }, hosts);
      const unwritten = await publish(document, { ...options, palette: paletteOf(options), plainPalette: plain }, streams.out);
      for (const trouble of [logTrouble ?? [], unwritten].flat()) streams.error(`ipsec-fix: ${trouble}\n`);
      const exit = interruptedExit(fleetExit(hosts), streams.signal);
      // What gateways went through stays the more important news.
      return unwritten.length > 0 && format === "ipsec-fix/plan" ? worstExit([exit, EXIT.error]) : exit;
    },
  };
}

/** Colours for a terminal that wants them: not with --no-color, NO_COLOR (no-color.org) or a file behind standard output. */
export function paletteOf({ color }: Pick<FleetOptions, "color">): Palette {
  const wanted = color && !process.env["NO_COLOR"] && process.stdout.isTTY === true && process.env["TERM"] !== "dumb";
  return wanted || (color && Boolean(process.env["FORCE_COLOR"])) ? colourful : plain;
}

/** Whoever watches a run and may be asked. */
interface Person {
  readonly report: (event: RunEvent) => void;
  readonly ask: (question: string) => Promise<string | undefined>;
}

/** What gateways share in a run: clock, randomness, secrets and the way to connect. */
function runOf(options: FleetOptions, secrets: SecretBook, signal: AbortSignal, person: Person): Run {
  return {
    kinds,
    connection: {
      timeoutMs: options.timeout * 1000,
      acceptNew: options.acceptNew,
      signal,
      askSecret: person.ask,
      ...(options.sshConfig === undefined ? {} : { configFile: options.sshConfig }),
    },
    holder: `${userInfo().username}@${hostname()}`,
    secrets: { mask: (text) => maskSecrets(text, secrets), reveal: (text) => revealSecrets(text, secrets) },
    mark: () => randomBytes(16).toString("hex"),
    now: () => Date.now(),
    wait: async (milliseconds) => {
      await delay(milliseconds, undefined, { signal }).catch(() => undefined);
    },
    report: person.report,
    signal,
  };
}

interface Login {
  readonly password: string | undefined;
  readonly becomePassword: string | undefined;
}

async function askedLogin({ askPass, askBecomePass }: FleetOptions, secrets: SecretBook): Promise<Login> {
  const asked = async (name: string, question: string): Promise<string | undefined> => {
    const answer = await askHidden(question);
    // A gateway may echo what it was given.
    if (answer !== undefined && answer.length >= SHORTEST_SECRET) secrets.keep(name, answer);
    return answer;
  };
  const password = askPass ? await asked("--ask-pass", "SSH password: ") : undefined;
  const becomePassword = askBecomePass
    ? await asked("--ask-become-pass", `sudo password${askPass ? " (empty: the SSH password)" : ""}: `)
    : undefined;
  return { password, becomePassword: becomePassword === "" ? password : becomePassword };
}

/** How a password comes in where nobody can be asked. */
function instead({ askPass }: FleetOptions): string {
  const [flag, name] = askPass ? ["-k", "ansible_password"] : ["-K", "ansible_become_password"];
  return `instead of ${flag} set ${name}, such as '{{ env("NAME") }}'`;
}

/** One job a gateway: where several plays name it, their resources follow one another. */
function jobsOf(project: Project, options: FleetOptions, login: Login): readonly Job[] {
  const parts = new Map<string, { readonly play: Play; readonly part: PlayHost }[]>();
  for (const play of project.plays)
    for (const part of play.hosts) parts.set(part.host.name, [...(parts.get(part.host.name) ?? []), { play, part }]);
  return [...parts.values()].map((all) => jobOf(all, project, options, login));
}

function jobOf(
  parts: readonly { readonly play: Play; readonly part: PlayHost }[],
  project: Project,
  options: FleetOptions,
  login: Login,
): Job {
  const [first] = parts;
  if (first === undefined) throw new Error("a gateway without a play");
  const { connection } = first.part.host;
  const reveal = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : revealSecrets(text, project.secrets);
  const owner = new Map(parts.flatMap(({ part }) => [...part.resources, ...part.checks].map((item) => [item, part] as const)));
  const become = options.become ?? connection.become ?? first.play.become ?? false;
  return {
    host: connection.name,
    target: {
      name: connection.name,
      address: reveal(connection.address) ?? connection.name,
      connection: connection.connection,
      transport: connection.transport,
      become,
      ...defined("port", connection.port),
      ...defined("user", options.user ?? reveal(connection.user)),
      ...defined("privateKey", options.privateKey ?? reveal(connection.privateKey)),
      ...defined("password", login.password ?? reveal(connection.password)),
      ...defined("becomePassword", login.becomePassword ?? reveal(connection.becomePassword)),
      ...defined("commonArgs", reveal(connection.commonArgs)),
    },
    resources: parts.flatMap(({ part }) => part.resources),
    skipped: parts.flatMap(({ part }, at) => {
      const before = parts.slice(0, at).reduce((sum, earlier) => sum + earlier.part.resources.length, 0);
      return part.skipped.map((item) => ({ ...item, index: item.index + before }));
    }),
    checks: parts.flatMap(({ part }) => part.checks),
    condition: (item, gateway) => owner.get(item)?.holds(item.when ?? "true", factsView(gateway)) ?? { holds: true },
  };
}

function defined<Key extends string, Value>(key: Key, value: Value | undefined): { readonly [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [K in Key]: Value });
}

/** A gateway belongs to the first play that names it, and to one batch of it. */
function batchesOf(plays: readonly Play[], jobs: readonly Job[], serial: string | undefined): readonly (readonly Job[])[] {
  const byHost = new Map(jobs.map((job) => [job.host, job]));
  const sizes = (play: Play): Serial => (serial === undefined ? play.serial : serial.split(","));
  return plays.flatMap((play) => {
    const own = play.hosts.flatMap(({ host }) => {
      const job = byHost.get(host.name);
      byHost.delete(host.name);
      return job === undefined ? [] : [job];
    });
    return own.length === 0 ? [] : batches(own, sizes(play));
  });
}

/** The exit code of a run in which a person pressed Ctrl-C and nothing worse happened. */
export function interruptedExit(code: number, signal: AbortSignal): number {
  return signal.aborted ? worstExit([code, EXIT.interrupted]) : code;
}
