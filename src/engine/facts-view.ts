import type { Gateway } from "../gateway/gateway.ts";
import type { Json } from "../model/plan.ts";

/** The facts that a playbook's `when` may ask for, and what `ipsec-fix facts` prints first: stable names, no secrets, no counters. */
export function factsView(gateway: Gateway): { readonly [key: string]: Json } {
  const { system, daemon } = gateway;
  return {
    hostname: system.hostname,
    kernel: system.kernel,
    init: system.init,
    os: { id: system.os.id, version: system.os.version, family: system.os.family },
    libreswan: { version: daemon.version?.text ?? null },
    tools: [...system.tools].sort(),
  };
}
