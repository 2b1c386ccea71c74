/** Where a rule set lives in the kernel. */
export type FirewallBackend = "iptables-legacy" | "iptables-nft" | "nftables";

/**
 * Names one rule of a chain: by 1-based position (iptables), by handle (nftables), or by its comment (either; iptables deletes
 * it by its exact text, `rule`).
 */
export type RuleRef =
  | { readonly position: number }
  | { readonly handle: number }
  | { readonly comment: string; readonly rule?: string };

/**
 * One edit of a chain. Positions and handles are those of the rule set as it was read, before any edit of the batch;
 * `before: null` appends. `rule` is the rule without its chain: `-s A -d B -j RETURN` for iptables, a statement list for nftables.
 */
export type FirewallEdit =
  | { readonly edit: "insert"; readonly chain: string; readonly rule: string; readonly before: RuleRef | null }
  | { readonly edit: "delete"; readonly chain: string; readonly rule: RuleRef }
  /** nftables only: declares a base chain and its table (policy accept); either may exist already. */
  | {
      readonly edit: "create-chain";
      readonly chain: string;
      readonly type: "filter" | "nat";
      readonly hook: string;
      readonly priority: number;
    }
  /** nftables only: takes `create-chain` back once our rules are gone; `table`: nothing else is in the table, so it goes too. */
  | { readonly edit: "drop-chain"; readonly chain: string; readonly table: boolean };

/**
 * All edits of one table: written atomically by `iptables-restore --noflush` or `nft -f`. A built-in iptables table that is not
 * in use yet comes into being with its chains, policy accept.
 */
export interface FirewallBatch {
  readonly do: "firewall-batch";
  readonly backend: FirewallBackend;
  /** `ipv4`/`ipv6` for iptables; the nftables family (`ip`, `ip6`, `inet`) otherwise. */
  readonly family: "ipv4" | "ipv6" | "ip" | "ip6" | "inet";
  readonly table: string;
  readonly edits: readonly FirewallEdit[];
  /** The edited chains as they were read, each rule's text (its handle for nftables): the write refuses a chain that changed since. */
  readonly expect?: readonly { readonly chain: string; readonly rules: readonly string[] }[];
}

/** Replaces a whole file atomically, keeping mode, owner, ACL and SELinux context; `before: null` creates it. */
export interface WriteFile {
  readonly do: "write-file";
  readonly path: string;
  readonly before: string | null;
  readonly after: string;
  readonly encoding: "utf8" | "latin1";
  /** Octal mode of a file that is created, such as `0644`. */
  readonly create_mode?: string;
  /** Checked before the swap: by the gateway's own Libreswan, as part of a candidate tree, or by its own nft. */
  readonly check?: "libreswan" | "nft";
}

/**
 * One typed operation on a gateway, as data. A step names what it does and with which values; only `engine/script` turns it
 * into shell. A text may hold the token of a secret (see `text/secret`), never the secret itself.
 */
export type Step =
  | WriteFile
  | FirewallBatch
  | { readonly do: "remove-file"; readonly path: string; readonly before: string }
  /** Replaces the one place of a file where `before` stands; a file that has it not, or twice, stays as it is. For timed reverts. */
  | { readonly do: "replace-text"; readonly path: string; readonly before: string; readonly after: string }
  /** Undo of write-file and remove-file: the pre-image that the transaction kept on the gateway comes back. */
  | { readonly do: "restore-file"; readonly path: string }
  | { readonly do: "sysctl"; readonly key: string; readonly value: string }
  /** `firewall-cmd` with these arguments, nothing else (permanent and run time are separate steps). */
  | { readonly do: "firewall-cmd"; readonly args: readonly string[] }
  | { readonly do: "service"; readonly unit: string; readonly verb: "start" | "stop" | "restart" | "enable" | "disable" }
  /** Loads the conn as it stands on disk; Libreswan replaces a loaded one and tears its SAs down. */
  | { readonly do: "load-conn"; readonly conn: string }
  | { readonly do: "unload-conn"; readonly conn: string }
  | { readonly do: "initiate-conn"; readonly conn: string }
  | { readonly do: "route-conn"; readonly conn: string }
  | { readonly do: "terminate-conn"; readonly conn: string }
  /** `ipsec whack --debug VALUE`: the running daemon's debug flags, no restart. */
  | { readonly do: "pluto-debug"; readonly value: string }
  /** Reads secrets or listens anew without touching a tunnel. */
  | { readonly do: "pluto-listen" }
  | { readonly do: "flush-conntrack"; readonly family: "ipv4" | "ipv6"; readonly source: string; readonly destination: string }
  /** `value: ""` unsets the property. */
  | { readonly do: "nm-modify"; readonly connection: string; readonly property: string; readonly value: string }
  | { readonly do: "nm-activate"; readonly connection: string }
  | { readonly do: "ethtool-feature"; readonly device: string; readonly feature: string; readonly on: boolean }
  /** The gateway itself runs `script` once after `seconds` (a systemd timer, else a detached process) and logs it. */
  | { readonly do: "schedule-revert"; readonly id: string; readonly seconds: number; readonly reverts: readonly Step[] }
  | { readonly do: "cancel-revert"; readonly id: string };
