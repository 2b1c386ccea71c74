/** More hosts than this from one range is a slip, not a fleet. */
const MOST = 65_536;

/** `gw[01:20]`, `gw[a:f]`, `gw[1:9:2]`, several in one name: every host that it stands for, or what is wrong with it. */
export function expandRange(pattern: string): readonly string[] | string {
  const found = /^(.*?)\[([^\][]*:[^\][]*)\](.*)$/s.exec(pattern);
  if (found === null) return [pattern];
  const [, head = "", body = "", tail = ""] = found;
  const middle = membersOf(body);
  if (typeof middle === "string") return `[${body}] is no range of hosts: ${middle}`;
  const rest = expandRange(tail);
  if (typeof rest === "string") return rest;
  if (middle.length * rest.length > MOST) return `[${body}] stands for more than ${MOST} hosts`;
  return middle.flatMap((member) => rest.map((end) => `${head}${member}${end}`));
}

/** A port behind the name, as `gw1:2222` or `[2001:db8::1]:22`. */
export function hostAndPort(word: string): { readonly name: string; readonly port?: number } {
  const bracketed = /^\[([0-9a-fA-F:.]+)\](?::(\d{1,5}))?$/.exec(word);
  if (bracketed?.[1] !== undefined && bracketed[1].split(":").length > 3) return withPort(bracketed[1], bracketed[2]);
  const plain = /^([^:[\]]*(?:\[[^\]]*\][^:[\]]*)*):(\d{1,5})$/.exec(word);
  return plain?.[1] === undefined ? { name: word } : withPort(plain[1], plain[2]);
}

function withPort(name: string, port: string | undefined): { readonly name: string; readonly port?: number } {
  return port === undefined ? { name } : { name, port: Number(port) };
}

function membersOf(body: string): readonly string[] | string {
  const [first = "", last = "", step = "1", ...more] = body.split(":");
  if (more.length > 0) return "it has start, end and at most a step";
  const stride = Number(step);
  if (!Number.isInteger(stride) || stride < 1) return "its step is a number from 1";
  const start = first === "" ? "0" : first;
  if (/^\d+$/.test(start) && /^\d+$/.test(last)) {
    if (start.startsWith("0") && start.length > 1 && start.length !== last.length) return "start and end have as many digits";
    return series(Number(start), Number(last), stride, (number) => String(number).padStart(start.length, "0"));
  }
  const letters = /^[A-Za-z]$/;
  if (!letters.test(start) || !letters.test(last)) return "start and end are numbers, or single letters";
  return series(start.charCodeAt(0), last.charCodeAt(0), stride, (code) => String.fromCharCode(code));
}

function series(first: number, last: number, stride: number, write: (number: number) => string): readonly string[] | string {
  if (last < first) return "its end is below its start";
  if ((last - first) / stride > MOST) return `it stands for more than ${MOST} hosts`;
  return Array.from({ length: Math.floor((last - first) / stride) + 1 }, (_, index) => write(first + index * stride));
}
