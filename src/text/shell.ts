/** One word for POSIX sh, whatever the value holds: the only quoting function of the project (XCU 2.2.2, single quotes). */
export function quote(value: string): string {
  if (value.includes("\0")) throw new RangeError("a shell word cannot hold a NUL byte");
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(value) && !value.startsWith("=") ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}

/** A command line that runs exactly this argument vector. */
export function commandLine(argv: readonly string[]): string {
  return argv.map(quote).join(" ");
}
