/** A text that a person wrote, with the name under which messages show it. */
export interface NamedText {
  readonly file: string;
  readonly text: string;
}

/** One source of the inventory: a file, or the words of `-i gw1,gw2`. */
export interface InventoryText extends NamedText {
  readonly form: "yaml" | "ini" | "unknown" | "list";
}

/** A file of `group_vars/` or `host_vars/`, beside an inventory or beside the playbook. */
export interface VarsText extends NamedText {
  readonly of: "group" | "host";
  readonly name: string;
  readonly beside: "inventory" | "playbook";
}

/** One `--extra-vars`: `a=1 b='two words'`, YAML or JSON in braces, or the text of a file. */
export interface ExtraVars extends NamedText {
  readonly isFile: boolean;
}

/** A secret from outside of the project's files, or why there is none. */
export type Lookup = (
  kind: "env" | "file" | "command",
  argument: string,
) => { readonly secret: string } | { readonly failure: string };
