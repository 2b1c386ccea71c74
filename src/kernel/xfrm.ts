/** What must fit for a policy to take a packet, as `ip xfrm` prints it: networks, protocol, ports. */
export interface Selector {
  readonly source: string;
  readonly destination: string;
  /** `proto tcp sport 80` and the like, as printed; empty for any. */
  readonly protocol: string;
}

/** What a policy asks of the packet: the SAs that must carry it. */
export interface Template {
  readonly source: string;
  readonly destination: string;
  readonly proto: string;
  readonly reqid: number;
  readonly mode: string;
}

/** An entry of the SPD. */
export interface Policy extends Selector {
  readonly direction: "in" | "out" | "fwd";
  readonly isBlock: boolean;
  readonly priority: number;
  readonly mark?: string;
  readonly ifId?: string;
  readonly offload?: string;
  readonly templates: readonly Template[];
}

/** An entry of the SAD, without its keys. */
export interface SecurityAssociation {
  readonly source: string;
  readonly destination: string;
  readonly proto: string;
  /** `0xc51441f8`. */
  readonly spi: string;
  readonly reqid: number;
  readonly mode: string;
  /** Waiting for keys: an acquire without an answer yet, no SA that could carry anything. */
  readonly isLarval: boolean;
  readonly algorithms: readonly string[];
  readonly isEncapsulated: boolean;
  /** The device that the kernel handed the SA to: the only proof of offload. */
  readonly offload?: string;
  readonly ifId?: string;
}

/** Reads `ip xfrm policy`, with or without `-s`, `-d` or `-o`. Pluto's own socket policies and ICMPv6 holes are left out. */
export function parsePolicies(text: string): readonly Policy[] {
  return records(text).flatMap((record) => {
    const policy = parsePolicy(record);
    return policy === undefined ? [] : [policy];
  });
}

/** Reads `ip xfrm state list nokeys`, in the same forms. */
export function parseAssociations(text: string): readonly SecurityAssociation[] {
  return records(text).flatMap((record) => {
    const association = parseAssociation(record);
    return association === undefined ? [] : [association];
  });
}

/** A record begins with `src` at the start of a line; `-o` puts its lines after another, separated by a backslash. */
function records(text: string): readonly (readonly string[])[] {
  const found: string[][] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("src ")) found.push(line.split("\\"));
    else found.at(-1)?.push(line);
  }
  return found.map((lines) => lines.map((line) => line.trim()).filter((line) => line !== ""));
}

function parsePolicy([head = "", ...lines]: readonly string[]): Policy | undefined {
  const selector = parseSelector(head);
  const flags = lines.find((line) => line.startsWith("dir "));
  const direction = /^dir (in|out|fwd)\b/.exec(flags ?? "")?.[1];
  if (selector === undefined || flags === undefined || !isDirection(direction) || isHole(selector)) return undefined;
  const mark = value(lines, "mark");
  const ifId = value(lines, "if_id");
  const offload = offloadDevice(lines);
  return {
    ...selector,
    direction,
    isBlock: /\baction block\b/.test(flags),
    priority: Number(/\bpriority (\d+)/.exec(flags)?.[1] ?? 0),
    ...(mark === undefined ? {} : { mark }),
    ...(ifId === undefined ? {} : { ifId }),
    ...(offload === undefined ? {} : { offload }),
    templates: parseTemplates(lines),
  };
}

function isDirection(word: string | undefined): word is Policy["direction"] {
  return word === "in" || word === "out" || word === "fwd";
}

/** Pluto lets neighbour discovery through for any host: no business of a tunnel. */
function isHole({ protocol }: Selector): boolean {
  return /^proto ipv6-icmp type 13[56]\b/.test(protocol);
}

function parseSelector(line: string): Selector | undefined {
  const found = /^src (\S+) dst (\S+)\s*(.*)$/.exec(line);
  if (found === null) return undefined;
  const [, source = "", destination = "", rest = ""] = found;
  // `uid 0` and the hexadecimal copies are what -s adds.
  const protocol = rest
    .replace(/\((?:0x[0-9a-f]+|\d+)\)/g, "")
    .replace(/\buid \d+/, "")
    .replace(/\s+/g, " ")
    .trim();
  return { source, destination, protocol };
}

function parseTemplates(lines: readonly string[]): readonly Template[] {
  return lines.flatMap((line, index) => {
    const ends = /^tmpl src (\S+) dst (\S+)/.exec(line);
    const rest = /^proto (\S+)(?: spi \S+)? reqid (\d+)(?:\(\S+\))? mode (\S+)/.exec(lines[index + 1] ?? "");
    if (ends === null || rest === null) return [];
    const [, source = "", destination = ""] = ends;
    const [, proto = "", reqid = "0", mode = ""] = rest;
    return [{ source, destination, proto, reqid: Number(reqid), mode }];
  });
}

const ALGORITHM = /^(auth|auth-trunc|enc|aead|comp) (\S+)/;

function parseAssociation([head = "", ...lines]: readonly string[]): SecurityAssociation | undefined {
  const ends = /^src (\S+) dst (\S+)/.exec(head);
  const identity = /^proto (\S+) spi (0x[0-9a-f]+)(?:\(\d+\))? reqid (\d+)(?:\(\S+\))? mode (\S+)/.exec(lines[0] ?? "");
  if (ends === null || identity === null) return undefined;
  const [, source = "", destination = ""] = ends;
  const [, proto = "", spi = "", reqid = "0", mode = ""] = identity;
  const algorithms = lines.flatMap((line) => ALGORITHM.exec(line)?.[2] ?? []);
  const offload = offloadDevice(lines);
  const ifId = value(lines, "if_id");
  return {
    source,
    destination,
    proto,
    spi,
    reqid: Number(reqid),
    mode,
    isLarval: algorithms.length === 0,
    algorithms,
    isEncapsulated: lines.some((line) => line.startsWith("encap type ")),
    ...(offload === undefined ? {} : { offload }),
    ...(ifId === undefined ? {} : { ifId }),
  };
}

function offloadDevice(lines: readonly string[]): string | undefined {
  return lines.map((line) => /^crypto offload parameters: dev (\S+)/.exec(line)?.[1]).find((device) => device !== undefined);
}

function value(lines: readonly string[], name: string): string | undefined {
  return lines.find((line) => line.startsWith(`${name} `))?.split(" ")[1];
}
