import { isRecord, type NftExpression } from "./nft-expression.ts";

/** A rule as `nft list` would print it; a statement that this writer does not know stays in its JSON form. */
export function nftRuleText(expressions: readonly NftExpression[], comment: string | undefined): string {
  const statements = expressions.map((expression) => statement(expression));
  return [...statements, ...(comment === undefined ? [] : [`comment "${comment}"`])].join(" ");
}

function statement(expression: NftExpression): string {
  const [name = "", body] = Object.entries(expression)[0] ?? [];
  if (name === "match" && isRecord(body)) return match(body);
  if (body === null) return name;
  if (typeof body === "string" && ["counter", "quota", "limit"].includes(name)) return `${name} name "${body}"`;
  if (!isRecord(body)) return JSON.stringify(expression);
  switch (name) {
    case "counter":
      return "counter";
    case "jump":
    case "goto":
      return `${name} ${body["target"]}`;
    case "log":
      return typeof body["prefix"] === "string" ? `log prefix ${JSON.stringify(body["prefix"])}` : "log";
    case "vmap":
      return `${value(body["key"])} vmap ${mapData(body["data"])}`;
    case "limit":
      return `limit rate ${body["inv"] === true ? "over " : ""}${body["rate"]}/${body["per"]}`;
    case "set":
      return `${body["op"]} ${body["set"]} { ${value(body["elem"])} }`;
    case "mangle":
      return `${value(body["key"])} set ${value(body["value"])}`;
    case "xt":
      return body["type"] === "target" ? String(body["name"]).toLowerCase() : `xt match ${body["name"]}`;
    case "snat":
    case "masquerade":
      return nat(name, body);
    default:
      return JSON.stringify(expression);
  }
}

function nat(name: string, body: NftExpression): string {
  const { addr, port, flags, type_flags, family } = body;
  const prefixed = JSON.stringify(type_flags ?? "").includes("prefix");
  const prefix = prefixed ? `${family ?? "ip"} prefix ` : typeof family === "string" ? `${family} ` : "";
  const to =
    addr === undefined && port === undefined
      ? ""
      : ` ${prefix}to ${addr === undefined ? "" : value(addr)}${port === undefined ? "" : `:${value(port)}`}`;
  const words = [flags].flat().filter((flag) => typeof flag === "string" && flag !== "netmap");
  return `${name}${to}${words.length > 0 ? ` ${words.join(",")}` : ""}`;
}

function match({ op, left, right }: NftExpression): string {
  const masked = isRecord(left) && Array.isArray(left["&"]) ? left["&"] : undefined;
  const flags = masked && isRecord(masked[0]) && isRecord(masked[0]["payload"]) && masked[0]["payload"]["field"] === "flags";
  if (masked && flags) return `tcp flags ${op === "!=" ? "!= " : ""}${list(right)} / ${list(masked[1])}`;
  const sign = op === "==" || op === "in" ? "" : `${op} `;
  if (typeof right === "boolean") return `${value(left)} ${right === (op !== "!=") ? "exists" : "missing"}`;
  return `${value(left)} ${sign}${isName(left) && typeof right === "string" ? `"${right}"` : Array.isArray(right) ? list(right) : value(right, isName(left))}`;
}

function list(words: unknown): string {
  return [words].flat().map(String).join(",");
}

/** Interface names print in quotes. */
function isName(left: unknown): boolean {
  const key = isRecord(left) && isRecord(left["meta"]) ? left["meta"]["key"] : undefined;
  return typeof key === "string" && ["oifname", "iifname", "oif", "iif"].includes(key);
}

function value(item: unknown, quoted = false): string {
  if (typeof item === "string") return quoted ? `"${item}"` : item;
  if (!isRecord(item)) return Array.isArray(item) ? list(item) : String(item);
  const { payload, meta, ct, rt, fib, numgen, prefix, range, set, concat, map, elem } = item;
  if (isRecord(payload)) return `${payload["protocol"]} ${payload["field"]}`;
  if (isRecord(meta)) return isName(item) ? String(meta["key"]) : `meta ${meta["key"]}`;
  if (isRecord(ct)) return `ct ${ct["key"]}`;
  if (isRecord(fib)) return `fib ${[fib["flags"]].flat().join(" . ")} ${fib["result"]}`;
  if (isRecord(numgen)) return `numgen ${numgen["mode"]} mod ${numgen["mod"]}`;
  if (isRecord(rt)) return `rt ${rt["key"]}`;
  if (isRecord(prefix)) return `${value(prefix["addr"])}/${prefix["len"]}`;
  if (isRecord(elem)) return value(elem["val"], quoted);
  if (isRecord(map)) return `${value(map["key"])} map ${mapData(map["data"])}`;
  if (isRecord(item["tcp option"])) return `tcp option ${item["tcp option"]["name"]} ${item["tcp option"]["field"]}`;
  if (Array.isArray(range)) return range.map((bound) => value(bound)).join("-");
  if (Array.isArray(set)) return `{ ${set.map((element) => value(element, quoted)).join(", ")} }`;
  if (Array.isArray(concat)) return concat.map((part) => value(part, quoted)).join(" . ");
  return JSON.stringify(item);
}

function mapData(data: unknown): string {
  const entries = isRecord(data) ? data["set"] : undefined;
  if (!Array.isArray(entries)) return String(data);
  const texts = entries.map((entry) =>
    Array.isArray(entry)
      ? `${value(entry[0])} : ${isRecord(entry[1]) && !("prefix" in entry[1]) ? statement(entry[1]) : value(entry[1])}`
      : String(entry),
  );
  return `{ ${texts.join(", ")} }`;
}
