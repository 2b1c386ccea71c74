import { type ConnectOptions, connect, type RunOptions, type RunResult, type Target } from "../../src/io/transport.ts";

/** One script over one connection of its own. */
export async function runOnce(
  target: Target,
  options: Partial<ConnectOptions>,
  script: string,
  more: Partial<RunOptions> = {},
): Promise<RunResult> {
  const transport = await connect(target, { timeoutMs: 5000, acceptNew: false, ...options });
  try {
    return await transport.run(script, { become: false, timeoutMs: 10_000, ...more });
  } finally {
    await transport.close();
  }
}
