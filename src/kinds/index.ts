import { bondEspOffload } from "./bond-esp-offload.ts";
import { gatewaySysctls } from "./gateway-sysctls.ts";
import { ipsecService } from "./ipsec-service.ts";
import { type SealedKind, seal } from "./kind.ts";
import { natExemption } from "./nat-exemption.ts";
import { tunnel } from "./tunnel.ts";
import { xfrmHealth } from "./xfrm-health.ts";

/** Every kind of resource that a playbook may name. */
export const kinds: readonly SealedKind[] = [
  seal(bondEspOffload),
  seal(gatewaySysctls),
  seal(natExemption),
  seal(ipsecService),
  seal(tunnel),
  seal(xfrmHealth),
];
