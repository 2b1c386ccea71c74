import { grammar } from "../../src/cli.ts";

type Command = ReturnType<typeof grammar>;
type Option = Command["options"][number];

/** docs/reference/cli.md, from the grammar itself: every command, and the options that several of them share only once. */
export function cliReference(): readonly [string, string] {
  const silent = { out: () => {}, error: () => {}, signal: new AbortController().signal };
  const program = grammar(silent, () => {});
  const shared = sharedOptions(program.commands);
  const contents = program.commands.map((command) => `- [\`${command.name()}\`](#${command.name()}): ${command.description()}`);
  const sections = program.commands.map((command) => section(command, shared));
  return [
    "docs/reference/cli.md",
    [
      "<!-- Generated from src/cli.ts by npm run generate; do not edit. -->\n# Command line\n",
      "Progress goes to standard error, the result to standard output. What the exit codes mean stands in [exit codes](exit-codes.md).\n",
      `${contents.join("\n")}\n`,
      ...sections,
      "## Options of every command that reaches hosts\n",
      table(shared),
    ].join("\n"),
  ];
}

/** The options of `plan` that every other command that reaches hosts has as well. */
function sharedOptions(commands: readonly Command[]): readonly Option[] {
  const fleet = commands.filter(reachesHosts);
  const plan = fleet.find((command) => command.name() === "plan");
  return (plan?.options ?? []).filter(({ flags }) =>
    fleet.every(({ options }) => options.some((option) => option.flags === flags)),
  );
}

function reachesHosts(command: Command): boolean {
  return command.options.some(({ long }) => long === "--forks");
}

function section(command: Command, shared: readonly Option[]): string {
  const usage = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  const told = new Set(reachesHosts(command) ? shared.map(row) : []);
  const own = command.options.filter((option) => !told.has(row(option)));
  const more = reachesHosts(command)
    ? "Takes the [options of every command that reaches hosts](#options-of-every-command-that-reaches-hosts).\n"
    : "";
  const heading = `## ${command.name()}\n\n${sentence(command.description())}\n`;
  const synopsis = `\`\`\`\nipsec-fix ${[command.name(), ...usage].join(" ")} [options]\n\`\`\`\n`;
  return [
    heading,
    command.options.length === 0 ? synopsis.replace(" [options]", "") : synopsis,
    own.length === 0 ? "" : table(own),
    more,
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function table(options: readonly Option[]): string {
  return `| option | meaning |\n|---|---|\n${options.map(row).join("\n")}\n`;
}

function row(option: Option): string {
  return `| \`${option.flags}\` | ${cell(`${option.description}${fallback(option)}`)} |`;
}

function fallback({ defaultValue, argChoices }: Option): string {
  const choices = argChoices === undefined ? "" : `: ${argChoices.map((choice) => `\`${choice}\``).join(", ")}`;
  const said = typeof defaultValue === "string" || (typeof defaultValue === "number" && defaultValue !== 0);
  return said ? `${choices} (default: \`${defaultValue}\`)` : choices;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
