import { factsScript, parseFacts } from "../../src/engine/facts.ts";
import { type FirewallState, firewallProbes, readFirewall } from "../../src/firewall/state.ts";
import type { LabHost } from "../lab/host.ts";
import { factsWith } from "./facts.ts";

/** The firewall of a lab host as the program's own probes show it. */
export async function liveFirewall(host: LabHost): Promise<FirewallState> {
  const mark = "0123456789abcdef0123456789abcdef";
  const printed = await host.must(factsScript(firewallProbes, mark));
  const facts = parseFacts(Buffer.from(printed), firewallProbes, mark);
  return readFirewall(facts ?? factsWith({}));
}

/** Every rule of a lab host with its counters, as the tools themselves list it. */
export function listing(host: LabHost): Promise<string> {
  return host.must(
    `for tool in iptables-nft ip6tables-nft; do $tool-save -c 2>/dev/null; done | grep -v '^#'
if [ -n "$(cat /proc/net/ip_tables_names)" ]; then iptables-legacy-save -c | grep -v '^#'; fi
nft list ruleset 2>/dev/null`,
  );
}

/** Takes every rule away again, so that the next case starts on an empty firewall. */
export async function clear(host: LabHost): Promise<void> {
  await host.must(`nft flush ruleset
if [ -n "$(cat /proc/net/ip_tables_names)" ]; then for table in $(cat /proc/net/ip_tables_names); do iptables-legacy -t $table -F; iptables-legacy -t $table -X; done; fi
conntrack -F 2>/dev/null; ip xfrm policy flush`);
}
