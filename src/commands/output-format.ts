/** The forms that a result can take. */
export const FORMATS = ["text", "json", "jsonl", "markdown", "junit", "html"] as const;

export type Format = (typeof FORMATS)[number];
