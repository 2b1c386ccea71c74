/** What pluto has done in the kernel for a conn, in words that hold for every version. */
export type Routing =
  /** Nothing. */
  | "none"
  /** A trap waits for traffic: healthy and idle for `auto=ondemand`. */
  | "trap"
  | "tunnel"
  | "negotiating"
  /** The failureshunt is in force. */
  | "failed"
  | "transitional"
  /** A `type=passthrough|drop|reject` conn. */
  | "never-negotiate"
  /** No local interface has its left or right address. */
  | "unoriented";

/** One end of a conn; the first one of a status line is ours when the conn is oriented. */
export interface StatusEnd {
  /** The client network or selector; undefined means the host itself. */
  readonly client: string | undefined;
  readonly host: string;
  readonly id: string | undefined;
}

/** A conn, or an instance of one, as the daemon has loaded it. */
export interface StatusConn {
  readonly name: string;
  readonly instance: string;
  readonly ours: StatusEnd;
  readonly theirs: StatusEnd;
  readonly routing: Routing;
  /** The serial of the state that owns the route. */
  readonly owner: number | undefined;
  /** `IKEv2`, `PSK`, `TUNNEL`, `PFS`, `UP` and so on. */
  readonly policy: ReadonlySet<string>;
  /** All `key: value` items of the conn's lines, keys as printed. */
  readonly fields: ReadonlyMap<string, string>;
}

/** An IKE or Child SA of the daemon. */
export interface StatusState {
  readonly serial: number;
  readonly name: string;
  readonly instance: string;
  readonly port: number;
  readonly state: string;
  readonly isEstablished: boolean;
}

/** An address that pluto listens on: conns are oriented against these. */
export interface StatusInterface {
  readonly device: string;
  readonly address: string;
  readonly port: number;
}

/** What `ipsec status` says. */
export interface DaemonStatus {
  readonly interfaces: readonly StatusInterface[];
  /** `key=value` items of the head: `fips mode`, `listen`, `ikev1-policy`, `logfile`, `configdir`. */
  readonly setup: ReadonlyMap<string, string>;
  /** The debug words in force, empty for none. */
  readonly debug: string;
  readonly conns: readonly StatusConn[];
  readonly states: readonly StatusState[];
}

/** Reads `ipsec status` of any version: 3.x and 4.x put `000 ` before each line, 5.x does not. */
export function parseStatus(text: string): DaemonStatus {
  const conns = new Map<string, { readonly head: StatusConn; readonly items: Map<string, string> }>();
  const states: StatusState[] = [];
  const interfaces: StatusInterface[] = [];
  const setup = new Map<string, string>();
  let debug = "";
  for (const raw of text.split("\n")) {
    const line = raw.replace(/^000 /, "").trimEnd();
    const conn = line.startsWith('"') ? parseConnLine(line) : undefined;
    if (conn !== undefined) conns.set(conn.name + conn.instance, { head: conn, items: new Map() });
    else if (line.startsWith('"')) addItems(conns, line);
    else if (line.startsWith("#")) states.push(...[parseStateLine(line) ?? []].flat());
    else if (line.startsWith("interface ")) interfaces.push(...[parseInterface(line) ?? []].flat());
    else if (line.startsWith("debug:")) debug = line.slice(6).trim();
    else if (conns.size === 0) for (const [key, value] of headItems(line)) setup.set(key, value);
  }
  return { interfaces, setup, debug, conns: [...conns.values()].map(({ head, items }) => finished(head, items)), states };
}

const CONN =
  /^"([^"]*)"((?:\[\d+\])*)(?: [^:]*)?: +(\S.*?)\.\.\.(.*?); ([a-zA-Z, -]+?)(?:; eroute owner: #(\d+))?(?:; (?:my_ip|their_ip|srcip)=.*)?;?\s*$/;

/** The first line of a conn, with its ends and routing; undefined for the lines of details that follow it. */
export function parseConnLine(line: string): StatusConn | undefined {
  const found = CONN.exec(line.replace(/^000 /, ""));
  if (found === null) return undefined;
  const [, name = "", instance = "", ours = "", theirs = "", routing = "", owner] = found;
  return {
    name,
    instance,
    ours: parseEnd(ours, "ours"),
    theirs: parseEnd(theirs, "theirs"),
    routing: routingOf(routing.trim()),
    owner: owner === undefined || owner === "0" ? undefined : Number(owner),
    policy: new Set(),
    fields: new Map(),
  };
}

const STATE = /^(?:000 )?#(\d+): "([^"]*)"((?:\[\d+\])*)(?: [^:]*(?::[0-9a-fA-F:]*[0-9a-fA-F])?)?:(?:UDP\/|TCP\/)?(\d+) ([^;]*);/;

/** A line of the state list; the second line that each Child SA has, with its SPIs, is none. */
export function parseStateLine(line: string): StatusState | undefined {
  const found = STATE.exec(line);
  if (found === null) return undefined;
  const [, serial, name = "", instance = "", port, state = ""] = found;
  return { serial: Number(serial), name, instance, port: Number(port), state, isEstablished: /\bestablished/i.test(state) };
}

/** `10.0.1.0/24===192.0.2.1<192.0.2.1>[@west]---192.0.2.254`; their end is printed mirrored, the client last. */
function parseEnd(text: string, side: "ours" | "theirs"): StatusEnd {
  const id = /\[(.*)\]/.exec(text)?.[1];
  const parts = text
    .replace(/\[.*\]/, "")
    .replace(/<[^>]*>/, "")
    .split("===");
  const [end = "", client] = side === "ours" ? parts.reverse() : parts;
  const hops = end.split("---");
  return { client, host: (side === "ours" ? hops[0] : hops.at(-1)) ?? "", id };
}

function routingOf(word: string): Routing {
  switch (word) {
    case "unrouted":
      return "none";
    case "prospective erouted":
    case "routed-ondemand":
      return "trap";
    case "erouted":
    case "routed-tunnel":
      return "tunnel";
    case "fail erouted":
    case "routed-failure":
      return "failed";
    case "unoriented":
      return "unoriented";
    case "routed-never-negotiate":
      return "never-negotiate";
    default:
      return /HOLD|negotiation/.test(word) ? "negotiating" : "transitional";
  }
}

const DETAIL = /^"([^"]*)"((?:\[\d+\])*)(?: [^:]*)?: {2,}(.*)$/;

function addItems(conns: ReadonlyMap<string, { readonly items: Map<string, string> }>, line: string): void {
  const found = DETAIL.exec(line);
  const items = found === null ? undefined : conns.get(`${found[1] ?? ""}${found[2] ?? ""}`)?.items;
  for (const item of (found?.[3] ?? "").split(/; ?/)) {
    const [, key, value] = /^\s*([^:=]+?)\s*[:=]\s*(.*)$/.exec(item) ?? [];
    if (key === undefined) {
      if (/^(un)?oriented$/.test(item.trim())) items?.set("host", item.trim());
    } else if (key === "nat-traversal" && value !== undefined) {
      const [, inner = "", rest = ""] = /^([^:]+):\s*(.*)$/.exec(value) ?? [];
      items?.set(inner === "encaps" ? "encapsulation" : inner, rest);
    } else if (items !== undefined && !items.has(key)) items.set(key, value ?? "");
  }
}

function finished(head: StatusConn, items: ReadonlyMap<string, string>): StatusConn {
  const policy = new Set((items.get("policy") ?? "").split("+").filter((bit) => bit !== ""));
  // 4.x prints an unoriented conn as unrouted; only its second line says that no interface matches.
  const routing = items.get("host") === "unoriented" && head.routing === "none" ? "unoriented" : head.routing;
  return { ...head, routing, policy, fields: items };
}

function parseInterface(line: string): StatusInterface | undefined {
  const old = /^interface (\S+) (?:UDP|TCP) (\S+):(\d+)/.exec(line);
  const modern = /^interface (\S+) (\S+):(?:UDP|TCP)\/(\d+)/.exec(line);
  const ancient = /^interface (\S+)\/\S+ (\S+)@(\d+)/.exec(line);
  const found = old ?? modern ?? ancient;
  if (found === null) return undefined;
  const [, device = "", address = "", port] = found;
  return { device, address: address.replace(/^\[|\]$/g, ""), port: Number(port) };
}

function headItems(line: string): readonly (readonly [string, string])[] {
  return line.split(/, |;/).flatMap((item) => {
    const [, key = "", value = ""] = /^\s*([a-zA-Z][\w -]*)=(.*?),?\s*$/.exec(item) ?? [];
    return key === "" ? [] : [[key, value.replace(/^'(.*)'$/, "$1")] as const];
  });
}
