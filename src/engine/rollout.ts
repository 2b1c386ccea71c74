/** `serial` of a play: batch sizes as numbers or percentages of its hosts; the last one repeats. */
export type Serial = readonly (number | string)[];

/** Splits hosts into batches: `[1, "50%"]` is a canary, then half, then the rest; an empty serial is one batch. */
export function batches<Host>(hosts: readonly Host[], serial: Serial): readonly (readonly Host[])[] {
  const result: (readonly Host[])[] = [];
  let start = 0;
  while (start < hosts.length) {
    const size = sizeOf(serial[Math.min(result.length, serial.length - 1)], hosts.length);
    result.push(hosts.slice(start, start + size));
    start += size;
  }
  return result;
}

function sizeOf(wanted: number | string | undefined, all: number): number {
  if (wanted === undefined) return all;
  const text = String(wanted);
  const size = text.endsWith("%") ? Math.floor((all * Number(text.slice(0, -1))) / 100) : Number(text);
  return Number.isFinite(size) && size >= 1 ? Math.floor(size) : 1;
}

/** Runs `work` over the items, at most `limit` at a time, and keeps the order of the items in the results. */
export async function inParallel<Item, Out>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Out>,
): Promise<readonly Out[]> {
  const results: Out[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const at = next;
      next += 1;
      const item = items[at];
      if (item !== undefined) results[at] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(Math.max(limit, 1), items.length) }, worker));
  return results;
}
