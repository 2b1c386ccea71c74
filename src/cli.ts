import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import {
  type ApplyFlags,
  applyOptions,
  type ConfFlags,
  type DriftFlags,
  driftOptions,
  type FleetFlags,
  fleetOptions,
  type ScheduleFlags,
  scheduleOptions,
  type ValidateFlags,
} from "./commands/flags.ts";
import { DATA_FORMATS, FORMATS, type Format } from "./commands/output-format.ts";
import { EXIT } from "./engine/exit-code.ts";
import { version } from "./version.ts";

/** Where a command's text goes, and whether a person sits there. */
export interface Streams {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Parses the command line, runs the command, and answers with its exit code. Commands are loaded when they are needed. */
export async function runCommandLine(argv: readonly string[], streams: Streams): Promise<number> {
  let code: number = EXIT.done;
  const program = grammar(streams, (result) => {
    code = result;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    throw error;
  }
}

/** The whole grammar; `end` receives the exit code of the command that ran. */
export function grammar(streams: Streams, end: (code: number) => void): Command {
  const program = new Command("ipsec-fix")
    .description("Declarative remediation for Libreswan IPsec gateways: plan, apply, prove.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help for a command")
    .helpCommand("help [command]", "print help for a command")
    .showSuggestionAfterError(true)
    .configureOutput({ writeOut: streams.out, writeErr: streams.error })
    .exitOverride();
  const command = (name: string, description: string): Command => program.command(name).description(description);

  command("validate", "check playbook and inventory offline: file:line:col and a suggestion")
    .argument("<playbook>")
    .addOption(inventoryOption())
    .addOption(extraVarsOption())
    .option("--json", "the problems as JSON", false)
    .action(async (playbook: string, options: ValidateFlags) => {
      const { validate } = await import("./commands/validate.ts");
      end(await validate({ playbook, ...options, extraVars: options.extraVars }, streams.out));
    });
  fleet(command("facts", "gather and print what the engine knows of each host").argument("[pattern]"), DATA_FORMATS).action(
    async (pattern: string | undefined, flags: FleetFlags) => {
      const { facts } = await import("./commands/facts.ts");
      end(await facts({ ...fleetOptions(flags), limit: pattern ?? flags.limit }, streams));
    },
  );
  command("conf", "offline: what an ipsec.conf means to a Libreswan version")
    .argument("<file>")
    .argument("[conn]")
    .option("--libreswan <version>", "the version that reads it (default: the newest known)")
    .option("--root <dir>", "resolve includes below this folder")
    .option("--json", "print JSON", false)
    .action(async (file: string, conn: string | undefined, options: ConfFlags) => {
      const { conf } = await import("./commands/conf.ts");
      end(await conf({ file, ...(conn === undefined ? {} : { conn }), ...options }, streams.out));
    });
  fleet(command("plan", "show what apply would change; writes nothing").argument("<playbook>")).action(
    async (playbook: string, flags: FleetFlags) => {
      const { plan } = await import("./commands/plan.ts");
      end(await plan(playbook, fleetOptions(flags), streams));
    },
  );
  fleet(command("apply", "plan, ask, apply, verify").argument("<playbook>"))
    .option("-y, --yes", "apply without asking (needed without a terminal)", false)
    .option("--serial <size>", "hosts in a batch: a number or a percentage, or several such as 1,50%", batchSizes)
    .option("--max-fail <number>", "failed or unreachable hosts after which no further batch starts", wholeNumber)
    .action(async (playbook: string, flags: ApplyFlags) => {
      const { apply } = await import("./commands/apply.ts");
      end(await apply(playbook, applyOptions(flags), streams));
    });
  fleet(
    command("drift", "show what has moved away from the playbook; --fix corrects it within its guards").argument("<playbook>"),
  )
    .option("--fix", "correct what has moved", false)
    .option("--max-changes <number>", "over this number of changes nothing is written (exit 7)", wholeNumber)
    .option("--window <times>", 'correct only then, such as "Sat 02:00-04:00" in local time (else exit 7)')
    .action(async (playbook: string, flags: DriftFlags) => {
      const { drift } = await import("./commands/drift.ts");
      end(await drift(playbook, driftOptions(flags), streams));
    });
  fleet(command("verify", "run the checks of a playbook alone").argument("<playbook>")).action(
    async (playbook: string, flags: FleetFlags) => {
      const { verify } = await import("./commands/verify.ts");
      end(await verify(playbook, fleetOptions(flags), streams));
    },
  );
  command("schedule", "write a systemd timer and service, or a crontab line, for drift correction")
    .argument("<playbook>")
    .addOption(inventoryOption())
    .option("-l, --limit <pattern>", "hosts, as in the other commands")
    .option("--every <calendar>", "OnCalendar= of systemd.time(7), or crontab fields with --crontab")
    .option("--random-delay <time>", "spread the start over this time", "15m")
    .option("--fix", "correct drift instead of only reporting it", false)
    .option("--max-changes <number>", "passed on to drift", wholeNumber)
    .option("--window <times>", "passed on to drift")
    .option("--crontab", "print a crontab line instead of systemd units", false)
    .option("--out <dir>", "write the unit files there instead of printing them")
    .action(async (playbook: string, flags: ScheduleFlags) => {
      const { schedule } = await import("./commands/schedule.ts");
      end(await schedule(playbook, scheduleOptions(flags), streams.out));
    });
  command("init", "lay a commented starter project in an empty folder")
    .argument("[dir]", "the folder", ".")
    .action(async (directory: string) => {
      const { init } = await import("./commands/init.ts");
      end(await init({ directory }, streams.out));
    });
  command("completion", "print a completion script for bash, zsh or fish")
    .addArgument(new Command().createArgument("<shell>", "the shell").choices(["bash", "zsh", "fish"]))
    .action(async (shell: "bash" | "zsh" | "fish") => {
      const { completion } = await import("./commands/completion.ts");
      end(completion(program, shell, streams.out));
    });
  return program;
}

function fleet(command: Command, formats: readonly Format[] = FORMATS): Command {
  return command
    .addOption(inventoryOption())
    .option("-l, --limit <pattern>", "hosts: globs, group:&other, !host, @retryfile")
    .addOption(listOption("-t, --tags <tags>", "only resources with one of these tags"))
    .addOption(listOption("--skip-tags <tags>", "not the resources with one of these tags"))
    .addOption(repeated("--target <address>", "only this resource, such as 'tunnel[myvpn]'; globs; repeatable"))
    .addOption(extraVarsOption())
    .option("-f, --forks <number>", "hosts at a time", positiveNumber, 32)
    .option("-u, --user <name>", "log in as this user")
    .option("--private-key <file>", "log in with this key")
    .option("-k, --ask-pass", "ask for the login password", false)
    .option("-K, --ask-become-pass", "ask for the sudo password", false)
    .option("--become", "work as root by sudo")
    .option("--no-become", "work as the login user")
    .option("-F, --ssh-config <file>", "as in ssh: this file instead of ~/.ssh/config")
    .option("--timeout <seconds>", "for a connection to come up", positiveNumber, 10)
    .option("--accept-new", "add the keys of unknown hosts to known_hosts (a changed key is refused all the same)", false)
    .option("--allow-commands", "let templates run command() on this machine", false)
    .option(
      "-v, --verbose",
      "show the exact steps; twice: their undo and what is as declared",
      (_value: string, sum: number) => sum + 1,
      0,
    )
    .option("--no-color", "no colours (also NO_COLOR)")
    .option("--log-file <path>", "append what happens as JSON lines")
    .addOption(new Option("--format <format>", "form of the result").choices([...formats]).default("text"))
    .option("--json", "short for --format json", false)
    .option("--out <file>", "write the result there instead of to standard output")
    .addOption(
      new Option("--report <format=file>", "also write the result in this form; repeatable")
        .default([], "none")
        .argParser((text: string, sum: { format: Format; file: string }[]) => [...sum, report(text, formats)]),
    );
}

function inventoryOption(): Option {
  return repeated(
    "-i, --inventory <path>",
    "inventory file or folder (default: $IPSEC_FIX_INVENTORY, then inventory/); repeatable",
  );
}

function extraVarsOption(): Option {
  return repeated("-e, --extra-vars <vars>", "k=v, JSON, or @file; repeatable");
}

function repeated(flags: string, description: string): Option {
  return new Option(flags, description).default([], "none").argParser((text: string, sum: string[]) => [...sum, text]);
}

function listOption(flags: string, description: string): Option {
  return new Option(flags, description)
    .default([], "none")
    .argParser((text: string, sum: string[]) => [...sum, ...text.split(",").map((tag) => tag.trim())]);
}

function report(text: string, formats: readonly Format[]): { readonly format: Format; readonly file: string } {
  const [name = "", ...rest] = text.split("=");
  const format = formats.find((known) => known === name);
  const file = rest.join("=");
  if (format === undefined) throw new InvalidArgumentError(`the format is one of ${formats.join(", ")}`);
  if (file === "") throw new InvalidArgumentError(`write ${name}=FILE`);
  return { format, file };
}

function batchSizes(text: string): string {
  if (!/^([1-9]\d*|([1-9]\d?|100)%)(,([1-9]\d*|([1-9]\d?|100)%))*$/.test(text))
    throw new InvalidArgumentError("a batch is a number of hosts above 0, or a share such as 50%");
  return text;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("a whole number is needed");
  return Number(text);
}

function positiveNumber(text: string): number {
  const number = wholeNumber(text);
  if (number < 1) throw new InvalidArgumentError("a number above 0 is needed");
  return number;
}
