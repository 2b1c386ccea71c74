import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";

/** A unified diff with three lines of context, without time stamps; `null` stands for a file that does not exist. */
export function unifiedDiff(path: string, before: string | null, after: string | null): string {
  const [from, to] = [before === null ? "/dev/null" : path, after === null ? "/dev/null" : path];
  return createTwoFilesPatch(from, to, before ?? "", after ?? "", undefined, undefined, {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  });
}
