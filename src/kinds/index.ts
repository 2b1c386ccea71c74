import { bondEspOffload } from "./bond-esp-offload.ts";
import { gatewaySysctls } from "./gateway-sysctls.ts";
import { type SealedKind, seal } from "./kind.ts";
import { natExemption } from "./nat-exemption.ts";

/** Every kind of resource that a playbook may name. */
export const kinds: readonly SealedKind[] = [seal(bondEspOffload), seal(gatewaySysctls), seal(natExemption)];
