import type { Range, Region } from "./model.ts";

/** Packets from a range of sources to a range of destinations, both of one family. */
export interface Box {
  readonly source: Range;
  readonly destination: Range;
}

/** More pieces than this are not tracked: the answer falls back to "may match". */
const MOST_PIECES = 64;

/** The part of the box that lies in the region; undefined when they do not meet. */
export function clip(box: Box, region: Region): Box | undefined {
  const source = region.source ? shared(box.source, region.source) : box.source;
  const destination = region.destination ? shared(box.destination, region.destination) : box.destination;
  return source && destination && { source, destination };
}

/** The parts of the boxes that lie in any of the regions. The parts may overlap where the regions do. */
export function intersect(boxes: readonly Box[], regions: readonly Region[]): readonly Box[] {
  return boxes.flatMap((box) => regions.flatMap((region) => clip(box, region) ?? []));
}

/** What is left of the boxes outside all regions; undefined when that falls into too many pieces. */
export function subtract(boxes: readonly Box[], regions: readonly Region[]): readonly Box[] | undefined {
  let rest = boxes;
  for (const region of regions) {
    rest = rest.flatMap((box) => without(box, region));
    if (rest.length > MOST_PIECES) return undefined;
  }
  return rest;
}

function without(box: Box, region: Region): readonly Box[] {
  const middle = clip(box, region);
  if (middle === undefined) return [box];
  return [
    ...outside(box.source, middle.source).map((source) => ({ source, destination: box.destination })),
    ...outside(box.destination, middle.destination).map((destination) => ({ source: middle.source, destination })),
  ];
}

/** The two ends of a range that a part of it leaves over. */
function outside({ family, first, last }: Range, part: Range): readonly Range[] {
  const below = part.first > first ? [{ family, first, last: part.first - 1n }] : [];
  const above = part.last < last ? [{ family, first: part.last + 1n, last }] : [];
  return [...below, ...above];
}

function shared(one: Range, other: Range): Range | undefined {
  if (one.family !== other.family) return undefined;
  const first = one.first > other.first ? one.first : other.first;
  const last = one.last < other.last ? one.last : other.last;
  return first <= last ? { family: one.family, first, last } : undefined;
}
