import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = process.env["IPSEC_FIX_CORPUS"] ?? fileURLToPath(new URL("../../../shared/corpus", import.meta.url));

/** Real configuration files and real verdicts on them, where this machine has them. */
export const hasCorpus = existsSync(`${root}/parser-vectors.json`);

export interface Vector {
  readonly name: string;
  readonly text: string;
  readonly files: Readonly<Record<string, string>>;
  readonly results: Readonly<
    Record<
      string,
      {
        readonly checkconfig_rc: number;
        readonly messages: readonly string[];
        readonly conns: readonly string[];
        readonly readwriteconf: readonly string[];
      }
    >
  >;
}

export function vectors(): readonly Vector[] {
  return hasCorpus ? (JSON.parse(readFileSync(`${root}/parser-vectors.json`, "utf8")) as Vector[]) : [];
}

export interface CorpusFile {
  readonly file: string;
  readonly content: string;
  readonly checkconfig: Readonly<Record<string, { readonly rc: number; readonly first: string }>>;
}

export function corpusFiles(): readonly CorpusFile[] {
  if (!hasCorpus) return [];
  const manifest = JSON.parse(readFileSync(`${root}/ipsec-conf/MANIFEST.json`, "utf8")) as Omit<CorpusFile, "content">[];
  const present = new Set(readdirSync(`${root}/ipsec-conf`));
  return manifest
    .filter((entry) => present.has(entry.file))
    .map((entry) => ({ ...entry, content: readFileSync(`${root}/ipsec-conf/${entry.file}`, "latin1") }));
}

export const corpusDirectory = `${root}/ipsec-conf`;
