/** Secret values by name. Only the edges of the program (connecting, writing a script, masking what came back) look into it. */
export interface SecretBook {
  /** Keeps a value under a name and returns its token; a value that is known already keeps its first name. */
  readonly keep: (name: string, value: string) => string;
  readonly valueOf: (name: string) => string | undefined;
  /** The tokens by value, longest value first. */
  readonly tokens: () => ReadonlyMap<string, string>;
}

/** A shorter value could not be masked without masking half of every text. */
export const SHORTEST_SECRET = 4;

const OPEN = "\uE000";
const CLOSE = "\uE001";
const TOKEN = /\uE000(?:secret:([^\uE000\uE001]*))?\uE001/g;

/** An empty book. */
export function newSecretBook(): SecretBook {
  const values = new Map<string, string>();
  const names = new Map<string, string>();
  let ordered: ReadonlyMap<string, string> | undefined;
  return {
    keep: (name, value) => {
      const known = names.get(value);
      if (known !== undefined) return tokenFor(known);
      const free = freeName(name, values);
      values.set(free, value);
      names.set(value, free);
      ordered = undefined;
      return tokenFor(free);
    },
    valueOf: (name) => values.get(name),
    tokens: () => {
      ordered ??= new Map(
        [...names]
          .filter(([value]) => value.length >= SHORTEST_SECRET)
          .sort(([one], [other]) => other.length - one.length)
          .map(([value, name]) => [value, tokenFor(name)]),
      );
      return ordered;
    },
  };
}

/** A book is asked once for each text that a fleet sends, and changes while it is filled only. */
const patterns = new WeakMap<ReadonlyMap<string, string>, RegExp>();

/** Every secret value in the text becomes its token. A token that stood there already is made harmless, and comes back as it was. */
export function maskSecrets(text: string, book: SecretBook): string {
  const tokens = book.tokens();
  if (tokens.size === 0 && !text.includes(OPEN)) return text;
  const pattern = patterns.get(tokens) ?? new RegExp([OPEN, ...[...tokens.keys()].map(escapeRegExp)].join("|"), "g");
  patterns.set(tokens, pattern);
  return text.replace(pattern, (found) => tokens.get(found) ?? `${OPEN}${CLOSE}`);
}

/** Every token in the text becomes its value; for the last step before a byte leaves for the gateway, and nowhere else. */
export function revealSecrets(text: string, book: SecretBook): string {
  return text.replace(TOKEN, (token, name: string | undefined) => (name === undefined ? OPEN : (book.valueOf(name) ?? token)));
}

/** Every token in the text becomes `(secret NAME)`, for people. */
export function hideTokens(text: string): string {
  return text.replace(TOKEN, (_, name: string | undefined) => (name === undefined ? OPEN : `(secret ${name})`));
}

/** Names of the secrets that a text holds tokens of. */
export function secretsIn(text: string): readonly string[] {
  return [...text.matchAll(TOKEN)].flatMap(([, name]) => (name === undefined ? [] : [name]));
}

/** Whether the text holds a piece of a token that is no longer whole: a filter worked on it. */
export function hasBrokenToken(text: string, book: SecretBook): boolean {
  const rest = text.replace(TOKEN, (_, name: string | undefined) =>
    name !== undefined && book.valueOf(name) === undefined ? OPEN : "",
  );
  return /[\uE000\uE001]|%EE%80%8[01]|\\ue00[01]/i.test(rest);
}

/** Whether a variable of this name is secret by its name. */
export function isSecretName(name: string): boolean {
  return /_(?:password|secret|psk)$|^ansible_(?:ssh|become|sudo)_pass$/i.test(name);
}

/** A line of a file as it may be shown: the values of secret names are stars, as many as they had characters. */
export function concealSecrets(line: string): string {
  return line.replace(SECRET_VALUE, (_, head: string, value: string) => {
    if (/^["']?\s*\{\{/.test(value)) return `${head}${value}`;
    // In braces a plain value ends where the next one begins; elsewhere it may hold anything.
    const inBraces = /[{[]/.test(line.slice(0, line.indexOf(head)));
    const end = /^["']/.test(value)
      ? closingQuote(value)
      : inBraces
        ? (/[,}\]]/.exec(value)?.index ?? value.length)
        : value.length;
    return `${head}${"*".repeat([...value.slice(0, end)].length)}${end < value.length ? concealSecrets(value.slice(end)) : ""}`;
  });
}

const SECRET_VALUE =
  /((?:[\w-]*_(?:password|secret|psk)|ansible_(?:ssh|become|sudo)_pass)["']?(?:\s*=\s*|\s*:\s+|:(?=["'])))(\S.*)$/is;

/** Behind the quote that ends the value; an open one takes all. */
function closingQuote(value: string): number {
  return (/^(?:"(?:[^"\\]|\\.)*"|'[^']*')/s.exec(value)?.[0] ?? value).length;
}

function tokenFor(name: string): string {
  return `${OPEN}secret:${name}${CLOSE}`;
}

/** Two values under one name: the later ones are numbered. */
function freeName(name: string, taken: ReadonlyMap<string, string>): string {
  const plain = name.replace(/[\uE000\uE001\p{Cc}]/gu, "?");
  let free = plain;
  for (let number = 2; taken.has(free); number += 1) free = `${plain}#${number}`;
  return free;
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
