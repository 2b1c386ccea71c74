// Generated from schemas/ by `npm run generate`; do not edit.
import type { Json } from "./plan.ts";

/** What names an item that has no name, what an empty spec stands for, and what it may hold. */
export interface Outline {
  readonly namedBy: readonly (readonly string[])[];
  readonly whenEmpty?: Json;
  /** Its parameters. */
  readonly keys: readonly string[];
}

/** Every kind of resource. */
export const kindOutlines: Readonly<Record<string, Outline>> = {
  "bond_esp_offload": {
    "namedBy": [
      [
        "bond"
      ]
    ],
    "keys": [
      "bond",
      "connection",
      "require_capable_ports"
    ]
  },
  "crypto_policy": {
    "namedBy": [],
    "keys": [
      "follow"
    ]
  },
  "gateway_sysctls": {
    "namedBy": [],
    "whenEmpty": {
      "forwarding": true,
      "redirects": false,
      "rp_filter": "loose"
    },
    "keys": [
      "forwarding",
      "redirects",
      "rp_filter"
    ]
  },
  "ike_access": {
    "namedBy": [],
    "keys": [
      "state",
      "peers",
      "backend",
      "persist"
    ]
  },
  "ipsec_service": {
    "namedBy": [],
    "keys": [
      "enabled",
      "running"
    ]
  },
  "libreswan_conn": {
    "namedBy": [
      [
        "name"
      ]
    ],
    "keys": [
      "state",
      "name",
      "options",
      "file"
    ]
  },
  "libreswan_setup": {
    "namedBy": [
      [
        "options"
      ]
    ],
    "keys": [
      "options",
      "expires"
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
    ],
    "keys": [
      "state",
      "conn",
      "conns",
      "source",
      "destination",
      "family",
      "backend",
      "verdict",
      "match",
      "persist"
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
    ],
    "keys": [
      "state",
      "mss",
      "conn",
      "conns",
      "in",
      "out",
      "family",
      "backend",
      "persist"
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
    ],
    "keys": [
      "conn",
      "conns",
      "state"
    ]
  },
  "xfrm_health": {
    "namedBy": [],
    "keys": [
      "ignore"
    ]
  }
};

/** Every probe of `verify:`. */
export const probeOutlines: Readonly<Record<string, Outline>> = {
  "command": {
    "namedBy": [
      [
        "argv"
      ]
    ],
    "keys": [
      "argv",
      "exit"
    ]
  },
  "no_cleartext": {
    "namedBy": [
      [
        "conn"
      ]
    ],
    "keys": [
      "conn",
      "interface"
    ]
  },
  "offload_counters": {
    "namedBy": [
      [
        "bond"
      ]
    ],
    "keys": [
      "bond",
      "during"
    ]
  },
  "ping": {
    "namedBy": [
      [
        "destination"
      ]
    ],
    "keys": [
      "source",
      "destination",
      "size",
      "dont_fragment",
      "count",
      "through"
    ]
  },
  "ssh": {
    "namedBy": [],
    "keys": []
  },
  "tcp": {
    "namedBy": [
      [
        "destination",
        "port"
      ]
    ],
    "keys": [
      "destination",
      "port",
      "bytes"
    ]
  },
  "tunnel_counters": {
    "namedBy": [
      [
        "conn"
      ]
    ],
    "keys": [
      "conn"
    ]
  }
};

/** What any resource takes beside its kind. */
export const resourceKeys: readonly string[] = ["name","tags","when","ignore_drift"];

/** What any check takes beside its probe. */
export const checkKeys: readonly string[] = ["name","when"];
