/** A read-only POSIX sh command whose output is a fact; all probes of a gateway travel in one script. */
export interface Probe {
  readonly key: string;
  readonly command: string;
}

/** What a probe printed: `exit` is undefined when the program is not installed (status 127). */
export interface Reading {
  readonly exit: number | undefined;
  readonly text: string;
}

/** A file as the gateway has it; `content` is byte-exact under `encoding`. Absent files have no FileFact. */
export interface FileFact {
  readonly path: string;
  readonly content: string;
  /** utf8 where the bytes are valid UTF-8, else latin1, so that writing back reproduces every byte. */
  readonly encoding: "utf8" | "latin1";
  /** As `ls -l` prints it, such as `-rw-r--r--`. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
}

/** Everything one round trip brought back from one gateway. */
export interface Facts {
  readonly readings: ReadonlyMap<string, Reading>;
  readonly files: ReadonlyMap<string, FileFact>;
}
