import { nearest } from "../text/suggest.ts";
import { canonicalWord } from "./enums.ts";
import { type Keyword, keyword, keywordGap, keywordNames, type Section } from "./keywords.ts";
import { builtInDefault, readValue, sameValue } from "./values.ts";
import { isAtLeast, type Version } from "./version.ts";

/** A value as a playbook may write it. */
export type OptionValue = boolean | number | string;

/** One line to have in a section. */
export interface Option {
  readonly key: string;
  readonly value: string;
}

/** What a wanted option is in the words of one version, or why the version can't have it and what to write instead. */
export type Translation =
  | { readonly options: readonly Option[]; readonly notes: readonly string[] }
  | { readonly refused: string; readonly help: string };

/** Says an option of a playbook in the words of the gateway's Libreswan. A value that it would drop or zero in silence is refused. */
export function translateOption(key: string, value: OptionValue, version: Version, section: Section = "conn"): Translation {
  const name = key.toLowerCase();
  const text = textOf(value);
  const unwritable = unwritableReason(text);
  if (unwritable !== undefined) return unwritable;
  const other = section === "conn" ? otherSpelling(name, text, version) : undefined;
  if (other !== undefined) return other;
  const known = keyword(section, name, version);
  if (known === undefined) return withoutKey(section, name, text, version);
  if (known.isObsolete) return withObsolete(section, known, text, version);
  return withValue(known, name, text, version);
}

/** Whether an option holds in a conn whose effective values are given; what is not set has the built-in default. */
export function optionHolds(
  option: Option,
  effective: (key: string) => string | undefined,
  version: Version,
  section: Section = "conn",
): boolean {
  if (section === "conn" && option.key === "keyexchange" && isAtLeast(version, "5.0"))
    return ikeVersion(effective, version) === option.value;
  const present = effective(option.key) ?? builtInDefault(section, option.key, version);
  return present !== undefined && sameValue(option.key, present, option.value, version);
}

/** Which IKE version a conn speaks. In 5.x `keyexchange=` decides where it names one, else `ikev2=`. */
export function ikeVersion(effective: (key: string) => string | undefined, version: Version): "ikev1" | "ikev2" {
  const exchange = canonicalWord("keyexchange", effective("keyexchange") ?? "ike", version);
  if (exchange === "ikev1" || exchange === "ikev2") return exchange;
  return canonicalWord("ikev2", effective("ikev2") ?? "yes", version) === "never" ? "ikev1" : "ikev2";
}

/** Keys of which the value, not only the name, is spelled otherwise from one version to the next. */
function otherSpelling(name: string, text: string, version: Version): Translation | undefined {
  const modern = isAtLeast(version, "5.0");
  if (name === "ikev2" && modern) {
    const word = canonicalWord("ikev2", text, version);
    return word === undefined ? undefined : keyexchange(word === "never" ? "ikev1" : "ikev2");
  }
  if (name === "keyexchange" && modern && text.toLowerCase() === "ikev1") return keyexchange("ikev1");
  if (name === "keyexchange" && !modern && /^ikev[12]$/i.test(text)) {
    const word = text.toLowerCase() === "ikev1" ? "never" : "insist";
    const notes = [`Libreswan ${version.text} says ikev2=${word} for keyexchange=${text.toLowerCase()}`];
    return { options: [{ key: "ikev2", value: word }], notes };
  }
  if (name === "nic-offload") return nicOffload(text, version);
  if (name === "forceencaps" && keyword("conn", "encapsulation", version) !== undefined) {
    const forced = /^(yes|true|y|on)$/i.test(text);
    return {
      options: [{ key: "encapsulation", value: forced ? "yes" : "auto" }],
      notes: ["forceencaps= is encapsulation= today"],
    };
  }
  return undefined;
}

function keyexchange(value: "ikev1" | "ikev2"): Translation {
  const needs = "Libreswan 5 loads an IKEv1 conn only with ikev1-policy=accept in config setup, which takes a restart";
  return { options: [{ key: "keyexchange", value }], notes: value === "ikev1" ? [needs] : [] };
}

function nicOffload(text: string, version: Version): Translation | undefined {
  const word = text.toLowerCase();
  if (!isAtLeast(version, "5.0"))
    return word === "crypto"
      ? { options: [{ key: "nic-offload", value: "yes" }], notes: [`Libreswan ${version.text} says nic-offload=yes for crypto`] }
      : undefined;
  if (word === "auto") {
    return {
      refused: `Libreswan ${version.text} has no nic-offload=auto: it is ignored before 5.4 and refused from then on`,
      help: "use yes (which wants esp-hw-offload on the interface) or no",
    };
  }
  if (word !== "yes" && word !== "crypto" && word !== "packet") return undefined;
  const skips = "Libreswan 5 loads this conn only on an interface whose esp-hw-offload is on; set that first";
  return { options: [{ key: "nic-offload", value: word }], notes: [skips] };
}

function withValue(known: Keyword, name: string, text: string, version: Version): Translation {
  const wanted = corrected(known, text, version);
  const read = readValue(known, wanted, version);
  if (!read.ok) return { refused: `${name}=${text}: ${read.reason}`, help: read.help };
  const writable = known.type === "bool" || known.type === "enum" ? read.canonical : wanted;
  // `nic-offload=yes` is a fine word that 5.x itself calls crypto.
  const value = known.field === "nic-offload" ? wanted.toLowerCase() : writable;
  return { options: [{ key: name, value }], notes: valueNotes(known, version) };
}

/** Spellings that one version takes and another does not, where the meaning is plain. */
function corrected(known: Keyword, text: string, version: Version): string {
  if (known.type === "bool" && !isAtLeast(version, "5.0")) {
    const word = text.toLowerCase();
    return word === "1" ? "yes" : word === "0" ? "no" : word;
  }
  if (known.type === "percent" && /^\d+$/.test(text)) return `${text}%`;
  const isBareHost = known.type === "subnet" && !isAtLeast(version, "5.0") && /^[\d.]+$|^[\da-f]*:[\da-f:]*$/i.test(text);
  return isBareHost ? `${text}/${text.includes(":") ? 128 : 32}` : text;
}

function valueNotes(known: Keyword, version: Version): readonly string[] {
  if (known.name === "keyingtries" && isAtLeast(version, "5.0"))
    return [`keyingtries= has no effect in Libreswan ${version.text}`];
  return known.name === "mtu"
    ? ["mtu= sets the MTU of the route to the remote subnets, once the tunnel is up; set it on both gateways"]
    : [];
}

/** The version lacks the key: another name of it may do, else say why and what is near. */
function withoutKey(section: Section, name: string, text: string, version: Version): Translation {
  const renamed = successor(section, name, version);
  if (renamed !== undefined) {
    const inner = translateOption(renamed, text, version, section);
    return "refused" in inner
      ? inner
      : { ...inner, notes: [`Libreswan ${version.text} says ${renamed}= for ${name}=`, ...inner.notes] };
  }
  const gap = keywordGap(section, name, version);
  const where = section === "conn" ? "" : " in config setup";
  if (gap?.since !== undefined && !isAtLeast(version, gap.since))
    return {
      refused: `${name}=${where} came with Libreswan ${gap.since}; this is ${version.text}`,
      help: "leave it out for this gateway, with `when:`",
    };
  if (gap?.until !== undefined)
    return {
      refused: `${name}=${where} is gone since Libreswan ${gap.until}; this is ${version.text}, which would refuse the whole file`,
      help: "leave it out",
    };
  const elsewhere = keyword(section === "conn" ? "setup" : "conn", name, version);
  if (elsewhere !== undefined)
    return {
      refused: `${name}= belongs into ${section === "conn" ? "config setup" : "a conn"}`,
      help: `use ${section === "conn" ? "libreswan_setup" : "libreswan_conn"}`,
    };
  const near = nearest(name, keywordNames(section, version));
  return {
    refused: `Libreswan ${version.text} has no key "${name}"${where} and would refuse the whole file`,
    help: near === undefined ? "see `man ipsec.conf` on the gateway" : `did you mean ${near}?`,
  };
}

function withObsolete(section: Section, { name }: Keyword, text: string, version: Version): Translation {
  const meant = keywordGap(section, name, version)?.as;
  if (meant !== undefined && keyword(section, meant, version)?.isObsolete === false) {
    const inner = translateOption(meant, text, version, section);
    return "refused" in inner
      ? inner
      : { ...inner, notes: [`Libreswan ${version.text} ignores ${name}=; ${meant}= is meant`, ...inner.notes] };
  }
  return { refused: `${name}= is obsolete in Libreswan ${version.text}, which ignores it with a warning`, help: "leave it out" };
}

/** The name under which the version still has the key, such as `nat-keepalive` for `nat_keepalive`. */
function successor(section: Section, name: string, version: Version): string | undefined {
  const dashed = name.replaceAll("_", "-");
  const candidates = [keywordGap(section, name, version)?.as, dashed === name ? undefined : dashed];
  return candidates.find((candidate) => candidate !== undefined && keyword(section, candidate, version)?.isObsolete === false);
}

function textOf(value: OptionValue): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "number" ? String(value) : value.trim();
}

/** `ipsec.conf` has no escapes: a quote, a line break or a control character can't be part of a value. */
function unwritableReason(text: string): Translation | undefined {
  if (text === "") return { refused: "an empty value is a syntax error or a silent 0", help: "use null to have the key not set" };
  const bad = /["\u0000-\u001f\u007f]/.exec(text)?.[0];
  if (bad === undefined) return undefined;
  const what = bad === '"' ? "a double quote" : bad === "\n" ? "a line break" : "a control character";
  return { refused: `a value of ipsec.conf can't hold ${what}`, help: "remove it" };
}
