// Generated from schemas/ by `npm run generate`; do not edit.
import type { Json } from "./plan.ts";

/** What names an item that has no name, and what an empty spec stands for. */
export interface Outline {
  readonly namedBy: readonly (readonly string[])[];
  readonly whenEmpty?: Json;
}

/** Every kind of resource. */
export const kindOutlines: Readonly<Record<string, Outline>> = {
  "bond_esp_offload": {
    "namedBy": [
      [
        "bond"
      ]
    ]
  },
  "crypto_policy": {
    "namedBy": []
  },
  "gateway_sysctls": {
    "namedBy": [],
    "whenEmpty": {
      "forwarding": true,
      "redirects": false,
      "rp_filter": "loose"
    }
  },
  "ike_access": {
    "namedBy": []
  },
  "ipsec_service": {
    "namedBy": []
  },
  "libreswan_conn": {
    "namedBy": [
      [
        "name"
      ]
    ]
  },
  "libreswan_setup": {
    "namedBy": [
      [
        "options"
      ]
    ]
  },
  "nat_exemption": {
    "namedBy": [
      [
        "conn"
      ],
      [
        "conns"
      ],
      [
        "source",
        "destination"
      ],
      [
        "match"
      ]
    ]
  },
  "tcp_mss_clamp": {
    "namedBy": [
      [
        "conn"
      ],
      [
        "conns"
      ],
      [
        "in",
        "out"
      ],
      [
        "in"
      ],
      [
        "out"
      ],
      [
        "mss"
      ]
    ]
  },
  "tunnel": {
    "namedBy": [
      [
        "conn"
      ],
      [
        "conns"
      ]
    ]
  },
  "xfrm_health": {
    "namedBy": []
  }
};

/** Every probe of `verify:`. */
export const probeOutlines: Readonly<Record<string, Outline>> = {
  "command": {
    "namedBy": [
      [
        "argv"
      ]
    ]
  },
  "no_cleartext": {
    "namedBy": [
      [
        "conn"
      ]
    ]
  },
  "offload_counters": {
    "namedBy": [
      [
        "bond"
      ]
    ]
  },
  "ping": {
    "namedBy": [
      [
        "destination"
      ]
    ]
  },
  "ssh": {
    "namedBy": []
  },
  "tcp": {
    "namedBy": [
      [
        "destination",
        "port"
      ]
    ]
  },
  "tunnel_counters": {
    "namedBy": [
      [
        "conn"
      ]
    ]
  }
};

/** What any resource takes beside its kind. */
export const resourceKeys: readonly string[] = ["name","tags","when","ignore_drift"];

/** What any check takes beside its probe. */
export const checkKeys: readonly string[] = ["name","when"];
