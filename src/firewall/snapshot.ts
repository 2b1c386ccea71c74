import type { FirewallBatch } from "../model/step.ts";
import { commandLine, quote } from "../text/shell.ts";
import { editedChains } from "./edits.ts";

/** POSIX sh that prints the chains which a batch edits, without counters and handles: equal before a batch and after its undo. */
export function snapshotScript(batch: FirewallBatch): string {
  const chains = editedChains(batch);
  if (batch.backend === "nftables")
    return chains
      .map((chain) => `${commandLine(["nft", "-s", "list", "chain", batch.family, batch.table, chain])} 2>/dev/null`)
      .join("; ");
  const tool = batch.family === "ipv6" ? "ip6tables" : "iptables";
  const wanted = `${tool}-${batch.backend === "iptables-legacy" ? "legacy" : "nft"}-save`;
  const rules = chains.map((chain) => `-e ${quote(`^-A ${chain} `)}`).join(" ");
  return `{ if command -v ${wanted} >/dev/null; then ${wanted} -t ${quote(batch.table)}; else ${tool}-save -t ${quote(batch.table)}; fi; } 2>/dev/null | grep ${rules}`;
}
