import { bondEspOffload } from "./bond-esp-offload.ts";
import { cryptoPolicy } from "./crypto-policy.ts";
import { gatewaySysctls } from "./gateway-sysctls.ts";
import { ikeAccess } from "./ike-access.ts";
import { ipsecService } from "./ipsec-service.ts";
import { type SealedKind, seal } from "./kind.ts";
import { libreswanConn } from "./libreswan-conn.ts";
import { libreswanSetup } from "./libreswan-setup.ts";
import { natExemption } from "./nat-exemption.ts";
import { tcpMssClamp } from "./tcp-mss-clamp.ts";
import { tunnel } from "./tunnel.ts";
import { xfrmHealth } from "./xfrm-health.ts";

/** Every kind of resource that a playbook may name. */
export const kinds: readonly SealedKind[] = [
  seal(bondEspOffload),
  seal(cryptoPolicy),
  seal(libreswanConn),
  seal(libreswanSetup),
  seal(gatewaySysctls),
  seal(natExemption),
  seal(tcpMssClamp),
  seal(ipsecService),
  seal(ikeAccess),
  seal(tunnel),
  seal(xfrmHealth),
];
