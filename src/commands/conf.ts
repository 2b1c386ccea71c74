import { systemWords } from "../io/connection-problem.ts";
import { readConfig } from "../libreswan/config.ts";
import { confExit, confReport, confText } from "../libreswan/report.ts";
import { versionOf } from "../libreswan/version.ts";
import { readConfTree } from "./conf-tree.ts";

export interface ConfOptions {
  readonly file: string;
  readonly conn?: string;
  /** The version that reads the file. */
  readonly libreswan?: string;
  /** The folder that stands for `/` in includes. */
  readonly root?: string;
  readonly json: boolean;
}

/** The newest version whose reading is known. */
const NEWEST = "5.4";

/** `ipsec-fix conf`: what a file means to a version of Libreswan, offline. Returns the exit status. */
export async function conf(options: ConfOptions, out: (text: string) => void): Promise<number> {
  const version = versionOf(options.libreswan ?? NEWEST);
  if (version === undefined) {
    out(`"${options.libreswan ?? ""}" is no version of Libreswan; write it like 4.10 or 5.3.2\n`);
    return 64;
  }
  const tree = await readConfTree(options.file, options.root, process.cwd()).catch(systemWords);
  if (typeof tree === "string") {
    out(`${options.file} can't be read: ${tree}\n`);
    return 1;
  }
  const report = confReport(readConfig(tree, version), options.conn);
  out(options.json ? `${JSON.stringify(report, undefined, 2)}\n` : confText(report));
  return confExit(report, options.conn);
}
