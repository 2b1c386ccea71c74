// Generated from schemas/ by `npm run generate`; do not edit.

/** A JSON Schema as plain data. */
export interface Schema {
  readonly [keyword: string]: unknown;
}

/** One play of a playbook; its resources and checks have their own schemas. */
export const playSchema: Schema = {
 "type": "object",
 "additionalProperties": false,
 "required": [
  "hosts"
 ],
 "properties": {
  "name": {
   "type": "string",
   "minLength": 1
  },
  "hosts": {
   "type": [
    "string",
    "array"
   ],
   "minLength": 1,
   "minItems": 1,
   "items": {
    "type": "string",
    "minLength": 1
   }
  },
  "become": {
   "type": "boolean"
  },
  "gather_facts": {
   "type": "boolean"
  },
  "serial": {
   "oneOf": [
    {
     "type": "integer",
     "minimum": 1
    },
    {
     "type": "string",
     "pattern": "^([1-9][0-9]?|100)%$"
    },
    {
     "type": "array",
     "minItems": 1,
     "items": {
      "oneOf": [
       {
        "type": "integer",
        "minimum": 1
       },
       {
        "type": "string",
        "pattern": "^([1-9][0-9]?|100)%$"
       }
      ],
      "errorMessage": "a batch is a number of hosts, or a share such as \"50%\""
     }
    }
   ],
   "errorMessage": "serial is a number of hosts, a share such as \"50%\", or a list of them"
  },
  "max_fail": {
   "type": "integer",
   "minimum": 0
  },
  "vars": {
   "type": "object",
   "propertyNames": {
    "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
    "patternErrorMessage": "a variable is one word of letters, digits and underscores"
   }
  },
  "tags": {
   "type": "array",
   "uniqueItems": true,
   "items": {
    "type": "string",
    "pattern": "^[A-Za-z0-9_.-]+$",
    "patternErrorMessage": "a tag is one word of letters, digits, _ . -"
   }
  },
  "resources": {
   "type": "array"
  },
  "verify": {
   "type": "array"
  }
 }
};

/** What any resource takes beside its kind. */
export const resourceSchema: Schema = {
 "type": "object",
 "additionalProperties": false,
 "properties": {
  "name": {
   "type": "string",
   "minLength": 1,
   "maxLength": 200,
   "pattern": "^[^\\r\\n\\u0000\\[\\]]+$",
   "patternErrorMessage": "a name stands on one line and has no square brackets"
  },
  "tags": {
   "type": "array",
   "uniqueItems": true,
   "items": {
    "type": "string",
    "pattern": "^[A-Za-z0-9_.-]+$",
    "patternErrorMessage": "a tag is one word of letters, digits, _ . -"
   }
  },
  "when": {
   "type": [
    "string",
    "boolean"
   ]
  },
  "ignore_drift": {
   "type": "array",
   "uniqueItems": true,
   "items": {
    "type": "string",
    "minLength": 1
   }
  }
 }
};

/** What any check takes beside its probe. */
export const checkSchema: Schema = {
 "type": "object",
 "additionalProperties": false,
 "properties": {
  "name": {
   "type": "string",
   "minLength": 1,
   "maxLength": 200,
   "pattern": "^[^\\r\\n\\u0000\\[\\]]+$",
   "patternErrorMessage": "a name stands on one line and has no square brackets"
  },
  "when": {
   "type": [
    "string",
    "boolean"
   ]
  }
 }
};

/** The schema of each kind's spec, for rendered values. */
export const kindSchemas: Readonly<Record<string, Schema>> = {
 "bond_esp_offload": {
  "type": "object",
  "additionalProperties": false,
  "required": [
   "bond"
  ],
  "properties": {
   "bond": {
    "type": "string",
    "pattern": "^[A-Za-z0-9_.@+-]{1,15}$",
    "patternErrorMessage": "a network interface has 1 to 15 letters, digits or _ . @ + -"
   },
   "connection": {
    "type": "string",
    "minLength": 1,
    "pattern": "^[^\\u0000\\r\\n]+$",
    "patternErrorMessage": "a profile name stands on one line"
   },
   "require_capable_ports": {
    "type": "boolean",
    "default": true
   }
  },
  "x-named-by": [
   [
    "bond"
   ]
  ]
 },
 "crypto_policy": {
  "type": "object",
  "additionalProperties": false,
  "required": [
   "follow"
  ],
  "properties": {
   "follow": {
    "type": "boolean"
   }
  }
 },
 "gateway_sysctls": {
  "type": "object",
  "additionalProperties": false,
  "default": {
   "forwarding": true,
   "redirects": false,
   "rp_filter": "loose"
  },
  "properties": {
   "forwarding": {
    "type": "boolean"
   },
   "redirects": {
    "type": "boolean"
   },
   "rp_filter": {
    "enum": [
     "off",
     "strict",
     "loose"
    ]
   }
  }
 },
 "ike_access": {
  "type": "object",
  "additionalProperties": false,
  "properties": {
   "state": {
    "enum": [
     "present",
     "absent"
    ],
    "default": "present"
   },
   "peers": {
    "oneOf": [
     {
      "const": "any"
     },
     {
      "type": "array",
      "minItems": 1,
      "uniqueItems": true,
      "items": {
       "type": "string",
       "format": "cidr"
      }
     }
    ],
    "default": "any",
    "errorMessage": "peers is any, or a list of addresses and networks"
   },
   "backend": {
    "enum": [
     "auto",
     "iptables",
     "nftables",
     "firewalld"
    ],
    "default": "auto"
   },
   "persist": {
    "type": "boolean",
    "default": true
   }
  }
 },
 "ipsec_service": {
  "type": "object",
  "additionalProperties": false,
  "properties": {
   "enabled": {
    "type": "boolean",
    "default": true
   },
   "running": {
    "type": "boolean",
    "default": true
   }
  }
 },
 "libreswan_conn": {
  "type": "object",
  "additionalProperties": false,
  "required": [
   "name"
  ],
  "properties": {
   "state": {
    "enum": [
     "present",
     "absent"
    ],
    "default": "present"
   },
   "name": {
    "type": "string",
    "minLength": 1,
    "pattern": "^[^\\s\"#]+$",
    "patternErrorMessage": "a conn name has no blanks, quotes or number signs"
   },
   "options": {
    "type": "object",
    "minProperties": 1,
    "propertyNames": {
     "pattern": "^[A-Za-z][A-Za-z0-9_.-]*$",
     "patternErrorMessage": "an option is one word of letters, digits and hyphens"
    },
    "additionalProperties": {
     "type": [
      "string",
      "number",
      "boolean",
      "null"
     ],
     "pattern": "^[^\\r\\n\\u0000]*$",
     "patternErrorMessage": "a value of ipsec.conf stands on one line"
    }
   },
   "file": {
    "type": "string",
    "pattern": "^/[^\\u0000\\r\\n]*$",
    "patternErrorMessage": "file is an absolute path"
   }
  },
  "allOf": [
   {
    "if": {
     "properties": {
      "state": {
       "const": "absent"
      }
     },
     "required": [
      "state"
     ]
    },
    "then": {
     "not": {
      "required": [
       "options"
      ]
     }
    },
    "errorMessage": "state absent removes the conn: options make no sense beside it"
   },
   {
    "if": {
     "properties": {
      "state": {
       "const": "absent"
      }
     },
     "required": [
      "state"
     ]
    },
    "else": {
     "required": [
      "options"
     ]
    },
    "errorMessage": "say which options the conn shall have"
   }
  ],
  "x-named-by": [
   [
    "name"
   ]
  ]
 },
 "libreswan_setup": {
  "type": "object",
  "additionalProperties": false,
  "required": [
   "options"
  ],
  "properties": {
   "options": {
    "type": "object",
    "minProperties": 1,
    "propertyNames": {
     "pattern": "^[A-Za-z][A-Za-z0-9_.-]*$",
     "patternErrorMessage": "an option is one word of letters, digits and hyphens"
    },
    "additionalProperties": {
     "type": [
      "string",
      "number",
      "boolean",
      "null"
     ],
     "pattern": "^[^\\r\\n\\u0000]*$",
     "patternErrorMessage": "a value of ipsec.conf stands on one line"
    }
   },
   "expires": {
    "type": "string",
    "pattern": "^[1-9][0-9]{0,8}[smhd]$",
    "patternErrorMessage": "expires is a number and one of s, m, h, d, such as 2h"
   }
  },
  "x-named-by": [
   [
    "options"
   ]
  ]
 },
 "nat_exemption": {
  "type": "object",
  "additionalProperties": false,
  "properties": {
   "state": {
    "enum": [
     "present",
     "absent"
    ],
    "default": "present"
   },
   "conn": {
    "type": "string",
    "minLength": 1,
    "pattern": "^[^\\s\"#]+$",
    "patternErrorMessage": "a conn name has no blanks, quotes or number signs"
   },
   "conns": {
    "type": "array",
    "minItems": 1,
    "uniqueItems": true,
    "items": {
     "type": "string",
     "minLength": 1,
     "pattern": "^[^\\s\"#]+$",
     "patternErrorMessage": "a conn name has no blanks, quotes or number signs"
    }
   },
   "source": {
    "type": "string",
    "format": "cidr"
   },
   "destination": {
    "type": "string",
    "format": "cidr"
   },
   "family": {
    "enum": [
     "ipv4",
     "ipv6",
     "both"
    ]
   },
   "backend": {
    "enum": [
     "auto",
     "iptables",
     "nftables",
     "firewalld"
    ],
    "default": "auto"
   },
   "verdict": {
    "enum": [
     "return",
     "accept"
    ],
    "default": "return"
   },
   "match": {
    "enum": [
     "subnets",
     "policy"
    ],
    "default": "subnets"
   },
   "persist": {
    "type": "boolean",
    "default": true
   }
  },
  "allOf": [
   {
    "anyOf": [
     {
      "required": [
       "conn"
      ]
     },
     {
      "required": [
       "conns"
      ]
     },
     {
      "required": [
       "source"
      ]
     },
     {
      "required": [
       "destination"
      ]
     },
     {
      "properties": {
       "match": {
        "const": "policy"
       }
      },
      "required": [
       "match"
      ]
     }
    ],
    "errorMessage": "say which traffic: conn, conns, or source and destination"
   },
   {
    "not": {
     "required": [
      "conn",
      "conns"
     ]
    },
    "errorMessage": "conn and conns exclude each other"
   },
   {
    "not": {
     "anyOf": [
      {
       "required": [
        "conn",
        "source"
       ]
      },
      {
       "required": [
        "conn",
        "destination"
       ]
      },
      {
       "required": [
        "conns",
        "source"
       ]
      },
      {
       "required": [
        "conns",
        "destination"
       ]
      }
     ]
    },
    "errorMessage": "give either a conn or explicit networks, not both"
   },
   {
    "if": {
     "required": [
      "source"
     ]
    },
    "then": {
     "required": [
      "destination"
     ]
    },
    "errorMessage": "source needs destination beside it"
   },
   {
    "if": {
     "required": [
      "destination"
     ]
    },
    "then": {
     "required": [
      "source"
     ]
    },
    "errorMessage": "destination needs source beside it"
   }
  ],
  "x-named-by": [
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
  "type": "object",
  "additionalProperties": false,
  "properties": {
   "state": {
    "enum": [
     "present",
     "absent"
    ],
    "default": "present"
   },
   "mss": {
    "oneOf": [
     {
      "enum": [
       "pmtu",
       "auto"
      ]
     },
     {
      "type": "integer",
      "minimum": 88,
      "maximum": 65495
     }
    ],
    "default": "pmtu",
    "errorMessage": "mss is pmtu, auto, or a number from 88 to 65495"
   },
   "conn": {
    "type": "string",
    "minLength": 1,
    "pattern": "^[^\\s\"#]+$",
    "patternErrorMessage": "a conn name has no blanks, quotes or number signs"
   },
   "conns": {
    "type": "array",
    "minItems": 1,
    "uniqueItems": true,
    "items": {
     "type": "string",
     "minLength": 1,
     "pattern": "^[^\\s\"#]+$",
     "patternErrorMessage": "a conn name has no blanks, quotes or number signs"
    }
   },
   "in": {
    "type": "string",
    "pattern": "^[A-Za-z0-9_.@+-]{1,15}$",
    "patternErrorMessage": "a network interface has 1 to 15 letters, digits or _ . @ + -"
   },
   "out": {
    "type": "string",
    "pattern": "^[A-Za-z0-9_.@+-]{1,15}$",
    "patternErrorMessage": "a network interface has 1 to 15 letters, digits or _ . @ + -"
   },
   "family": {
    "enum": [
     "ipv4",
     "ipv6",
     "both"
    ]
   },
   "backend": {
    "enum": [
     "auto",
     "iptables",
     "nftables",
     "firewalld"
    ],
    "default": "auto"
   },
   "persist": {
    "type": "boolean",
    "default": true
   }
  },
  "allOf": [
   {
    "not": {
     "required": [
      "conn",
      "conns"
     ]
    },
    "errorMessage": "conn and conns exclude each other"
   }
  ],
  "x-named-by": [
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
  "type": "object",
  "additionalProperties": false,
  "required": [
   "state"
  ],
  "properties": {
   "conn": {
    "type": "string",
    "minLength": 1,
    "pattern": "^[^\\s\"#]+$",
    "patternErrorMessage": "a conn name has no blanks, quotes or number signs"
   },
   "conns": {
    "type": "array",
    "minItems": 1,
    "uniqueItems": true,
    "items": {
     "type": "string",
     "minLength": 1,
     "pattern": "^[^\\s\"#]+$",
     "patternErrorMessage": "a conn name has no blanks, quotes or number signs"
    }
   },
   "state": {
    "enum": [
     "established",
     "loaded",
     "down"
    ]
   }
  },
  "allOf": [
   {
    "anyOf": [
     {
      "required": [
       "conn"
      ]
     },
     {
      "required": [
       "conns"
      ]
     }
    ],
    "errorMessage": "say which tunnel: conn or conns"
   },
   {
    "not": {
     "required": [
      "conn",
      "conns"
     ]
    },
    "errorMessage": "conn and conns exclude each other"
   }
  ],
  "x-named-by": [
   [
    "conn"
   ],
   [
    "conns"
   ]
  ]
 },
 "xfrm_health": {
  "type": "object",
  "additionalProperties": false,
  "properties": {
   "ignore": {
    "type": "array",
    "uniqueItems": true,
    "items": {
     "type": "string",
     "pattern": "^Xfrm[A-Za-z]+$",
     "patternErrorMessage": "a counter is named as in /proc/net/xfrm_stat, such as XfrmInNoStates"
    },
    "default": []
   }
  }
 }
};

/** The schema of each probe of `verify:`, for rendered values. */
export const probeSchemas: Readonly<Record<string, Schema>> = {
 "command": {
  "type": "object",
  "additionalProperties": false,
  "required": [
   "argv"
  ],
  "properties": {
   "argv": {
    "type": "array",
    "minItems": 1,
    "items": {
     "type": "string"
    }
   },
   "exit": {
    "type": "integer",
    "minimum": 0,
    "maximum": 255,
    "default": 0
   }
  }
 },
 "no_cleartext": {
  "type": "object",
  "additionalProperties": false,
  "required": [
   "conn",
   "interface"
  ],
  "properties": {
   "conn": {
    "type": "string",
    "minLength": 1,
    "pattern": "^[^\\s\"#]+$",
    "patternErrorMessage": "a conn name has no blanks, quotes or number signs"
   },
   "interface": {
    "type": "string",
    "pattern": "^[A-Za-z0-9_.@+-]{1,15}$",
    "patternErrorMessage": "a network interface has 1 to 15 letters, digits or _ . @ + -"
   }
  }
 },
 "offload_counters": {
  "type": "object",
  "additionalProperties": false,
  "required": [
   "bond",
   "during"
  ],
  "properties": {
   "bond": {
    "type": "string",
    "pattern": "^[A-Za-z0-9_.@+-]{1,15}$",
    "patternErrorMessage": "a network interface has 1 to 15 letters, digits or _ . @ + -"
   },
   "during": {
    "type": "string",
    "minLength": 1
   }
  }
 },
 "ping": {
  "type": "object",
  "additionalProperties": false,
  "required": [
   "destination"
  ],
  "properties": {
   "source": {
    "type": "string",
    "format": "address"
   },
   "destination": {
    "type": "string",
    "format": "address"
   },
   "size": {
    "type": "integer",
    "minimum": 0,
    "maximum": 65507,
    "default": 56
   },
   "dont_fragment": {
    "type": "boolean",
    "default": false
   },
   "count": {
    "type": "integer",
    "minimum": 1,
    "maximum": 100,
    "default": 3
   },
   "through": {
    "type": "string",
    "minLength": 1,
    "pattern": "^[^\\s\"#]+$",
    "patternErrorMessage": "a conn name has no blanks, quotes or number signs"
   }
  }
 },
 "ssh": {
  "type": "object",
  "additionalProperties": false,
  "properties": {}
 },
 "tcp": {
  "type": "object",
  "additionalProperties": false,
  "required": [
   "destination",
   "port"
  ],
  "properties": {
   "destination": {
    "type": "string",
    "minLength": 1,
    "pattern": "^[^\\s/]+$",
    "patternErrorMessage": "a host name or address has no blanks and no slashes"
   },
   "port": {
    "type": "integer",
    "minimum": 1,
    "maximum": 65535
   },
   "bytes": {
    "type": "integer",
    "minimum": 0,
    "maximum": 10485760,
    "default": 0
   }
  }
 },
 "tunnel_counters": {
  "type": "object",
  "additionalProperties": false,
  "required": [
   "conn"
  ],
  "properties": {
   "conn": {
    "type": "string",
    "minLength": 1,
    "pattern": "^[^\\s\"#]+$",
    "patternErrorMessage": "a conn name has no blanks, quotes or number signs"
   }
  }
 }
};

/** A saved plan. */
export const planSchema: Schema = {
 "type": "object",
 "additionalProperties": false,
 "required": [
  "format",
  "version",
  "tool",
  "playbook",
  "hosts",
  "summary"
 ],
 "properties": {
  "format": {
   "const": "ipsec-fix/plan"
  },
  "version": {
   "const": 1
  },
  "tool": {
   "type": "string"
  },
  "playbook": {
   "type": "object",
   "additionalProperties": false,
   "required": [
    "path",
    "sha256"
   ],
   "properties": {
    "path": {
     "type": "string"
    },
    "sha256": {
     "type": "string",
     "pattern": "^[0-9a-f]{64}$"
    }
   }
  },
  "hosts": {
   "type": "array",
   "items": {
    "$ref": "#/$defs/host"
   }
  },
  "summary": {
   "$ref": "#/$defs/summary"
  }
 },
 "$defs": {
  "host": {
   "type": "object",
   "additionalProperties": false,
   "required": [
    "host",
    "address",
    "status",
    "fingerprint",
    "resources"
   ],
   "properties": {
    "host": {
     "type": "string"
    },
    "address": {
     "type": "string"
    },
    "status": {
     "$ref": "#/$defs/outcome"
    },
    "reason": {
     "type": "string"
    },
    "fingerprint": {
     "type": "string"
    },
    "resources": {
     "type": "array",
     "items": {
      "$ref": "#/$defs/resource"
     }
    },
    "checks": {
     "type": "array",
     "items": {
      "$ref": "#/$defs/check"
     }
    }
   }
  },
  "resource": {
   "type": "object",
   "additionalProperties": false,
   "required": [
    "address",
    "kind",
    "name",
    "outcome",
    "fingerprint",
    "changes",
    "notes"
   ],
   "properties": {
    "address": {
     "type": "string"
    },
    "kind": {
     "type": "string"
    },
    "name": {
     "type": "string"
    },
    "outcome": {
     "$ref": "#/$defs/outcome"
    },
    "reason": {
     "type": "string"
    },
    "unblock": {
     "type": "string"
    },
    "fingerprint": {
     "type": "string"
    },
    "changes": {
     "type": "array",
     "items": {
      "$ref": "#/$defs/change"
     }
    },
    "notes": {
     "type": "array",
     "items": {
      "type": "string"
     }
    }
   }
  },
  "change": {
   "type": "object",
   "additionalProperties": false,
   "required": [
    "action",
    "target",
    "property",
    "before",
    "after",
    "reason",
    "impact",
    "risks_access",
    "interrupts",
    "steps",
    "undo"
   ],
   "properties": {
    "action": {
     "enum": [
      "create",
      "update",
      "move",
      "delete"
     ]
    },
    "target": {
     "type": "string"
    },
    "property": {
     "type": "string"
    },
    "before": {},
    "after": {},
    "reason": {
     "type": "string"
    },
    "impact": {
     "enum": [
      "none",
      "rekey",
      "flap",
      "outage"
     ]
    },
    "risks_access": {
     "type": "boolean"
    },
    "interrupts": {
     "type": "array",
     "items": {
      "type": "string"
     }
    },
    "steps": {
     "type": "array",
     "items": {
      "$ref": "#/$defs/step"
     }
    },
    "undo": {
     "type": "array",
     "items": {
      "$ref": "#/$defs/step"
     }
    },
    "finally": {
     "type": "array",
     "items": {
      "$ref": "#/$defs/step"
     }
    }
   }
  },
  "check": {
   "type": "object",
   "additionalProperties": false,
   "required": [
    "name",
    "passed",
    "detail"
   ],
   "properties": {
    "name": {
     "type": "string"
    },
    "passed": {
     "type": "boolean"
    },
    "detail": {
     "type": "string"
    }
   }
  },
  "outcome": {
   "enum": [
    "ok",
    "changed",
    "would-change",
    "failed",
    "rolled-back",
    "rollback-failed",
    "unreachable",
    "skipped",
    "blocked"
   ]
  },
  "step": {
   "type": "object",
   "required": [
    "do"
   ],
   "oneOf": [
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "path",
      "before",
      "after",
      "encoding"
     ],
     "properties": {
      "do": {
       "const": "write-file"
      },
      "path": {
       "type": "string"
      },
      "before": {
       "type": [
        "string",
        "null"
       ]
      },
      "after": {
       "type": "string"
      },
      "encoding": {
       "enum": [
        "utf8",
        "latin1"
       ]
      },
      "create_mode": {
       "type": "string",
       "pattern": "^0[0-7]{3}$"
      },
      "check": {
       "const": "libreswan"
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "backend",
      "family",
      "table",
      "edits"
     ],
     "properties": {
      "do": {
       "const": "firewall-batch"
      },
      "backend": {
       "enum": [
        "iptables-legacy",
        "iptables-nft",
        "nftables"
       ]
      },
      "family": {
       "enum": [
        "ipv4",
        "ipv6",
        "ip",
        "ip6",
        "inet"
       ]
      },
      "table": {
       "type": "string"
      },
      "edits": {
       "type": "array",
       "items": {
        "$ref": "#/$defs/firewall_edit"
       }
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "path",
      "before"
     ],
     "properties": {
      "do": {
       "const": "remove-file"
      },
      "path": {
       "type": "string"
      },
      "before": {
       "type": "string"
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "path"
     ],
     "properties": {
      "do": {
       "const": "restore-file"
      },
      "path": {
       "type": "string"
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "key",
      "value"
     ],
     "properties": {
      "do": {
       "const": "sysctl"
      },
      "key": {
       "type": "string"
      },
      "value": {
       "type": "string"
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "args"
     ],
     "properties": {
      "do": {
       "const": "firewall-cmd"
      },
      "args": {
       "type": "array",
       "items": {
        "type": "string"
       }
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "unit",
      "verb"
     ],
     "properties": {
      "do": {
       "const": "service"
      },
      "unit": {
       "type": "string"
      },
      "verb": {
       "enum": [
        "start",
        "stop",
        "restart",
        "enable",
        "disable"
       ]
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "conn"
     ],
     "properties": {
      "do": {
       "const": "load-conn"
      },
      "conn": {
       "type": "string"
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "conn"
     ],
     "properties": {
      "do": {
       "const": "unload-conn"
      },
      "conn": {
       "type": "string"
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "conn"
     ],
     "properties": {
      "do": {
       "const": "initiate-conn"
      },
      "conn": {
       "type": "string"
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "conn"
     ],
     "properties": {
      "do": {
       "const": "route-conn"
      },
      "conn": {
       "type": "string"
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "conn"
     ],
     "properties": {
      "do": {
       "const": "terminate-conn"
      },
      "conn": {
       "type": "string"
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "value"
     ],
     "properties": {
      "do": {
       "const": "pluto-debug"
      },
      "value": {
       "type": "string"
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do"
     ],
     "properties": {
      "do": {
       "const": "pluto-listen"
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "family",
      "source",
      "destination"
     ],
     "properties": {
      "do": {
       "const": "flush-conntrack"
      },
      "family": {
       "enum": [
        "ipv4",
        "ipv6"
       ]
      },
      "source": {
       "type": "string"
      },
      "destination": {
       "type": "string"
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "connection",
      "property",
      "value"
     ],
     "properties": {
      "do": {
       "const": "nm-modify"
      },
      "connection": {
       "type": "string"
      },
      "property": {
       "type": "string"
      },
      "value": {
       "type": "string"
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "connection"
     ],
     "properties": {
      "do": {
       "const": "nm-activate"
      },
      "connection": {
       "type": "string"
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "device",
      "feature",
      "on"
     ],
     "properties": {
      "do": {
       "const": "ethtool-feature"
      },
      "device": {
       "type": "string"
      },
      "feature": {
       "type": "string"
      },
      "on": {
       "type": "boolean"
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "id",
      "seconds",
      "reverts"
     ],
     "properties": {
      "do": {
       "const": "schedule-revert"
      },
      "id": {
       "type": "string"
      },
      "seconds": {
       "type": "integer",
       "minimum": 1
      },
      "reverts": {
       "type": "array",
       "items": {
        "$ref": "#/$defs/step"
       }
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "do",
      "id"
     ],
     "properties": {
      "do": {
       "const": "cancel-revert"
      },
      "id": {
       "type": "string"
      }
     }
    }
   ]
  },
  "firewall_edit": {
   "oneOf": [
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "edit",
      "chain",
      "rule",
      "before"
     ],
     "properties": {
      "edit": {
       "const": "insert"
      },
      "chain": {
       "type": "string"
      },
      "rule": {
       "type": "string"
      },
      "before": {
       "oneOf": [
        {
         "type": "null"
        },
        {
         "$ref": "#/$defs/rule_ref"
        }
       ]
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "edit",
      "chain",
      "rule"
     ],
     "properties": {
      "edit": {
       "const": "delete"
      },
      "chain": {
       "type": "string"
      },
      "rule": {
       "$ref": "#/$defs/rule_ref"
      }
     }
    }
   ]
  },
  "rule_ref": {
   "oneOf": [
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "position"
     ],
     "properties": {
      "position": {
       "type": "integer",
       "minimum": 1
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "handle"
     ],
     "properties": {
      "handle": {
       "type": "integer"
      }
     }
    },
    {
     "type": "object",
     "additionalProperties": false,
     "required": [
      "comment"
     ],
     "properties": {
      "comment": {
       "type": "string"
      }
     }
    }
   ]
  },
  "summary": {
   "type": "object",
   "additionalProperties": false,
   "required": [
    "create",
    "update",
    "move",
    "delete",
    "hosts",
    "changed_hosts"
   ],
   "properties": {
    "create": {
     "type": "integer",
     "minimum": 0
    },
    "update": {
     "type": "integer",
     "minimum": 0
    },
    "move": {
     "type": "integer",
     "minimum": 0
    },
    "delete": {
     "type": "integer",
     "minimum": 0
    },
    "hosts": {
     "type": "integer",
     "minimum": 0
    },
    "changed_hosts": {
     "type": "integer",
     "minimum": 0
    }
   }
  }
 }
};
