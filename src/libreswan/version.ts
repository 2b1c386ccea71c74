/** The Libreswan version of a gateway, which decides what its configuration means. */
export interface Version {
  /** As the program prints it: `4.10`, `5.3.2`, `5.4dr1`. */
  readonly text: string;
  readonly major: number;
  readonly minor: number;
}

/** Reads `ipsec --version`: `Libreswan 4.10`, `Linux Libreswan 3.32 (netkey) on 6.1.176`; undefined for any other program. */
export function parseVersion(text: string): Version | undefined {
  const found = /^(?:Linux )?Libreswan v?((\d+)\.(\d+)\S*)/m.exec(text);
  return found === null ? undefined : version(found[1] ?? "", found[2], found[3]);
}

/** Reads a bare version number: `4.10`, `5.3.2`. */
export function versionOf(text: string): Version | undefined {
  const found = /^v?((\d+)\.(\d+)\S*)$/.exec(text);
  return found === null ? undefined : version(found[1] ?? "", found[2], found[3]);
}

/** Whether the version is at least `5.0` or another `major.minor`. */
export function isAtLeast(candidate: Version, bound: string): boolean {
  const [major = 0, minor = 0] = bound.split(".").map(Number);
  return candidate.major > major || (candidate.major === major && candidate.minor >= minor);
}

function version(text: string, major: string | undefined, minor: string | undefined): Version {
  return { text, major: Number(major), minor: Number(minor) };
}
