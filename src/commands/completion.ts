import type { Command, Option } from "commander";
import { EXIT } from "../engine/exit-code.ts";
import { quote } from "../text/shell.ts";

/** Prints a completion script made from the grammar itself: commands, their options, and fixed choices; else file names. */
export function completion(program: Command, shell: "bash" | "zsh" | "fish", out: (text: string) => void): number {
  const commands = program.commands.filter((command) => command.name() !== "help");
  out({ bash: bash, zsh: zsh, fish: fish }[shell](commands));
  return EXIT.done;
}

function words(command: Command): readonly string[] {
  return command.options.flatMap(({ short, long }) => [short, long].filter((flag) => flag !== undefined && flag !== null));
}

function choices(option: Option): string {
  return (option.argChoices ?? []).join(" ");
}

function bash(commands: readonly Command[]): string {
  const cases = commands.map((command) => `    ${command.name()}) words=${quote(words(command).join(" "))} ;;`);
  const fixed = commands.flatMap((command) =>
    command.options
      .filter(({ argChoices }) => argChoices !== undefined)
      .map(
        (option) =>
          `    ${quote(`${command.name()} ${option.long ?? ""}`)}) COMPREPLY=($(compgen -W ${quote(choices(option))} -- "$current")); return ;;`,
      ),
  );
  return `# bash completion for ipsec-fix: source this file, or save it as /etc/bash_completion.d/ipsec-fix
_ipsec_fix() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quote(commands.map((command) => command.name()).join(" "))} -- "$current"))
    return
  fi
  case "$previous" in
    completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$current")); return ;;
  esac
  case "\${COMP_WORDS[1]} $previous" in
${fixed.join("\n")}
  esac
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
    *) words="" ;;
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}
complete -o filenames -F _ipsec_fix ipsec-fix
`;
}

function zsh(commands: readonly Command[]): string {
  const names = commands.map((command) => `    ${quote(`${command.name()}:${command.description()}`)}`);
  const cases = commands.map((command) => {
    const specs = command.options.map((option) => `      ${quote(zshOption(option))}`);
    return `    ${command.name()}) _arguments \\\n${[...specs, "      '*:file:_files'"].join(" \\\n")} ;;`;
  });
  return `#compdef ipsec-fix
_ipsec_fix() {
  local -a commands
  commands=(
${names.join("\n")}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  case "$words[2]" in
${cases.join("\n")}
    completion) _values shell bash zsh fish ;;
  esac
}
_ipsec_fix "$@"
`;
}

function zshOption(option: Option): string {
  const description = option.description.replaceAll(/[[\]:]/g, " ");
  const flag = option.long ?? option.short ?? "";
  if (!option.required && !option.optional) return `${flag}[${description}]`;
  return `*${flag}=[${description}]:value:${option.argChoices ? `(${choices(option)})` : "_files"}`;
}

function fish(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => [
    `complete -c ipsec-fix -f -n __fish_use_subcommand -a ${command.name()} -d ${fishQuote(command.description())}`,
    ...command.options.map((option) => {
      const parts = [`complete -c ipsec-fix -n ${fishQuote(`__fish_seen_subcommand_from ${command.name()}`)}`];
      if (option.short) parts.push(`-s ${option.short.slice(1)}`);
      if (option.long) parts.push(`-l ${option.long.slice(2)}`);
      if (option.required) parts.push("-r");
      if (option.argChoices) parts.push(`-f -a ${fishQuote(choices(option))}`);
      return `${parts.join(" ")} -d ${fishQuote(option.description)}`;
    }),
  ]);
  return `${lines.join("\n")}\ncomplete -c ipsec-fix -f -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n`;
}

function fishQuote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
