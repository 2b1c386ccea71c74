/** The forms that a result can take. */
export const FORMATS = ["text", "json", "jsonl", "markdown", "junit", "html"] as const;

export type Format = (typeof FORMATS)[number];

/** Those of them that hold plain data. */
export const DATA_FORMATS = ["text", "json", "jsonl"] as const satisfies readonly Format[];
