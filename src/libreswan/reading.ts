import type { Token } from "./scanner.ts";
import type { Version } from "./version.ts";
import { type Definition, type Grammar, grammarOf } from "./vocabulary.ts";

/** What Libreswan makes of a value while it reads the file. */
export type ValueReading =
  /** `value` is undefined where a bare number stands for a text: the key is set, to nothing. `sameAs` is equal for equal values. */
  | { readonly taken: true; readonly value: string | undefined; readonly sameAs: string; readonly warning?: string }
  | { readonly taken: false; readonly warning: string }
  /** Reading ends here with this exit status. */
  | { readonly failed: 1 | 3; readonly message: string };

/** Reads the value of a key; `token` is undefined where the line ends after the equals sign. */
export function readValue(definition: Definition, token: Token | undefined, version: Version): ValueReading {
  const grammar = grammarOf(version);
  return grammar === "3" || grammar === "4"
    ? readEarly(definition, token, grammar, version)
    : readLate(definition, token?.text ?? "", version);
}

function readEarly(definition: Definition, token: Token | undefined, grammar: Grammar, version: Version): ValueReading {
  const { kind, name } = definition;
  const syntax = (): ValueReading => ({
    failed: 3,
    message:
      kind === "bool"
        ? `syntax error: '${name}=' takes yes or no only, in lower case`
        : `syntax error: '${name}=' does not take ${token === undefined ? "an empty value" : `'${token.text}'`}`,
  });
  if (token === undefined) {
    const strict = ["bool", "time", "ms", "percent", "binary", "bytes"].includes(kind);
    return strict ? syntax() : { taken: false, warning: `'${name}=' without a value is ignored` };
  }
  const { text } = token;
  const isInteger = token.kind === "integer";
  switch (kind) {
    case "bool":
      return token.kind === "boolean" ? taken(text) : syntax();
    case "percent":
      if (isInteger) return syntax();
      return /^\s*[+-]?\d+%$/.test(text) ? taken(text) : ignored(text, "a percentage ends with %");
    case "time":
    case "ms":
      return readTime(definition, text, version);
    case "binary":
    case "bytes":
      return readScaled(definition, text, version);
    case "number":
      return isInteger ? readInteger(text, grammar) : notANumber(name, text);
    case "name":
    case "names":
      return isInteger ? taken(text) : readWords(definition, text, grammar);
    case "flags":
      return isInteger || areFlags(text, version)
        ? taken(text)
        : { failed: 1, message: `keyword ${name}, invalid value: ${text}` };
    case "loose": {
      const word = definition.words?.get(text.toLowerCase());
      return taken(text, undefined, word === undefined && !isInteger ? `other ${text}` : `word ${word ?? text}`);
    }
    case "obsolete":
      return { taken: false, warning: `obsolete keyword '${name}' ignored` };
    default:
      return isInteger ? { taken: true, value: undefined, sameAs: "" } : taken(text);
  }
}

function readLate(definition: Definition, text: string, version: Version): ValueReading {
  const { kind, name } = definition;
  switch (kind) {
    case "name": {
      const word = definition.words?.get(text.toLowerCase());
      return word === undefined ? ignored(text, "invalid") : taken(text, undefined, word);
    }
    case "bool": {
      const word = /^(?:yes|true|on|y|1)$/i.test(text) ? "yes" : /^(?:no|false|off|n|0)$/i.test(text) ? "no" : undefined;
      return word === undefined ? ignored(text, "invalid boolean") : taken(text, undefined, word);
    }
    case "number":
      if (text === "-1" && grammarOf(version) === "5.3") return taken(text);
      return /^\d+$/.test(text) && BigInt(text) < 1n << 64n
        ? taken(text, undefined, String(BigInt(text)))
        : ignored(text, "not a number");
    case "time":
    case "ms":
      return readTime(definition, text, version);
    case "percent":
      return /^\d+%$/.test(text) ? taken(text) : ignored(text, "a percentage ends with %");
    case "binary":
    case "bytes":
      return readScaled(definition, text, version);
    case "flags":
      return areFlags(text, version) ? taken(text) : ignored(text, "invalid");
    case "loose": {
      const word = definition.words?.get(text.toLowerCase());
      return taken(text, undefined, word === undefined ? `other ${text}` : `word ${word}`);
    }
    case "obsolete":
      return { taken: false, warning: `obsolete keyword ignored: ${name}=${text}` };
    case "unsupported":
      return { taken: false, warning: `keyword '${name}' is not supported by this build and is ignored` };
    case "reserved":
      return { failed: 3, message: `keyword '${name}' is for the command line only` };
    default:
      return taken(text);
  }
}

/** 3.x keeps 32 bits of a number. */
function readInteger(text: string, grammar: Grammar): ValueReading {
  const kept = grammar === "3" ? BigInt.asUintN(32, BigInt(text)) : BigInt(text);
  return taken(kept === BigInt(text) ? text : String(kept), undefined, String(kept));
}

function notANumber(name: string, text: string): ValueReading {
  return { taken: true, value: "0", sameAs: "0", warning: `'${name}=${text}' is not a number and is read as 0` };
}

function taken(value: string, warning?: string, sameAs = value): ValueReading {
  return { taken: true, value, sameAs, ...(warning === undefined ? {} : { warning }) };
}

function ignored(text: string, why: string): ValueReading {
  return { taken: false, warning: `${why}, keyword ignored: ${text === "" ? "(empty)" : text}` };
}

/** Up to 4.x several words may be given, separated; 3.x looks at each, 4.x forgives later ones once one is known. */
function readWords(definition: Definition, text: string, grammar: Grammar): ValueReading {
  const known: string[] = [];
  for (const piece of text.split(/[:, \t]/).filter((word) => word !== "")) {
    const word = definition.words?.get(piece.toLowerCase());
    if (word !== undefined) known.push(word);
    else if (known.length === 0 || grammar === "3")
      return { failed: 1, message: `keyword ${definition.name}, invalid value: ${piece}` };
  }
  if (known.length > 1 && definition.kind === "name") {
    return { failed: 1, message: `keyword ${definition.name} accepts only one value, not ${text}` };
  }
  return taken(text, undefined, known.join(" "));
}

const UNITS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

function readTime(definition: Definition, text: string, version: Version): ValueReading {
  const early = version.major < 5;
  const found = (early ? /^(\d+)([a-z]*)$/i : /^(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)$/i).exec(text);
  const suffix = found?.[2]?.toLowerCase() || (definition.kind === "ms" ? "ms" : "s");
  const unit = early && suffix === "us" ? undefined : UNITS[suffix];
  if (found === null || unit === undefined) return ignored(text, "not a duration");
  return taken(text, undefined, String(Number(found[1]) * unit));
}

/** Numbers with a binary suffix: `10`, `1Ki`, and for bytes `1KiB`; with a fraction from 5.0 on. */
function readScaled(definition: Definition, text: string, version: Version): ValueReading {
  const number = version.major < 5 ? /^\d+/ : /^(?:\d+(?:\.\d*)?|\.\d+)/;
  const suffix = definition.kind === "bytes" ? /^(?:B|[KMGTPE]iB)?$/i : /^(?:[KMGTPE]i)?$/i;
  const digits = number.exec(text)?.[0] ?? "";
  return digits !== "" && suffix.test(text.slice(digits.length)) ? taken(text) : ignored(text, "unrecognized multiplier");
}

const debugWords3 =
  "raw crypt crypt-low parsing emitting control lifecycle kernel dns oppo controlmore pfkey nattraversal x509 dpd xauth retransmits oppoinfo proposal-parser klips netkey";
const debugWords4 = "base cpu-usage refcnt crypt private whackwatch add-prefix tmi all";
const debugWords5 = `${debugWords4} routing updown`;

/** Debug words: separated by `+`, comma or blank, each with `no-` to switch it off. */
function areFlags(text: string, version: Version): boolean {
  const words = new Set(
    (version.major >= 5 ? debugWords5 : version.major === 4 ? debugWords4 : `${debugWords3} ${debugWords4}`).split(" "),
  );
  return text
    .split(/[+, \t]/)
    .filter((word) => word !== "")
    .every((word) => word === "none" || words.has(word.replace(/^no-/, "")));
}
