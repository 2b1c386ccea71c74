/** One established Child SA, as `ipsec trafficstatus` lists it. */
export interface Traffic {
  /** The state's number; undefined where a planned step, not the daemon, says that the tunnel is up. */
  readonly serial: number | undefined;
  /** The conn, with `/LxR` where it is one of several that a list of subnets makes. */
  readonly name: string;
  /** `[1]`, `[1][2]` for an instance of a template conn, else empty. */
  readonly instance: string;
  readonly type: string;
  readonly peer?: string;
  readonly user?: string;
  /** `crypto`, `packet` or `UNSET`: what is configured, no proof of any offload. */
  readonly offload?: string;
  /** Printed modulo 2^32 before 5.0: compare with "changed", never with "greater". */
  readonly inBytes?: bigint;
  readonly outBytes?: bigint;
  readonly id?: string;
  readonly leases?: readonly string[];
}

const HEAD = /^(?:006 )?#(\d+): "([^"]*)"((?:\[\d+\])*)(?: (?!type=)([^,]*))?(?:, username=([^,]*))?, type=([A-Z]+)/;
const OFFLOAD = /^\(nic-offload=(\w+)\)/;
// An identity may hold commas, quotes and equal signs: it ends at the last quote before a lease or the end of the line.
const TAIL =
  /^, add_time=\d+(?:, inBytes=(\d+))?(?:, outBytes=(\d+)(?:, maxBytes=[^,]+)?)?(?:, id='(.*)')?(?:, lease=(\S+?))?\s*$/;

/** The lines of `ipsec trafficstatus` that name a tunnel; anything else is left out. */
export function parseTraffic(text: string): readonly Traffic[] {
  return text.split("\n").flatMap((line) => {
    const traffic = parseTrafficLine(line);
    return traffic === undefined ? [] : [traffic];
  });
}

/** One line of `ipsec trafficstatus`, of any version from 3.25 on. */
export function parseTrafficLine(line: string): Traffic | undefined {
  const head = HEAD.exec(line);
  if (head === null) return undefined;
  const [whole, serial, name = "", instance = "", peer, user, type = ""] = head;
  const offload = OFFLOAD.exec(line.slice(whole.length));
  const tail = TAIL.exec(line.slice(whole.length + (offload?.[0].length ?? 0)));
  if (tail === null) return undefined;
  const [, inBytes, outBytes, id, leases] = tail;
  return {
    serial: Number(serial),
    name,
    instance,
    type,
    ...(peer === undefined ? {} : { peer }),
    ...(user === undefined ? {} : { user }),
    ...(offload?.[1] === undefined ? {} : { offload: offload[1] }),
    ...(inBytes === undefined ? {} : { inBytes: BigInt(inBytes) }),
    ...(outBytes === undefined ? {} : { outBytes: BigInt(outBytes) }),
    ...(id === undefined ? {} : { id }),
    ...(leases === undefined ? {} : { leases: leases.split(",") }),
  };
}

/** Whether a conn that the daemon names is the given one of the file, or one that its lists of subnets make. */
export function isOfConn(name: string, conn: string): boolean {
  return name === conn || (name.startsWith(`${conn}/`) && /^\d+x\d+$/.test(name.slice(conn.length + 1)));
}
