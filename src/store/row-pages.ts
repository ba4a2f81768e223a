/** The table answers for so many rows in one request. */
const ROWS_A_PAGE = 100;

/** What is asked for in one request each, so that one that fails spoils no other one. */
export function pagesOf<T>(rows: readonly T[]): Array<readonly T[]> {
  const count = Math.ceil(rows.length / ROWS_A_PAGE);
  return Array.from({ length: count }, (_, page) => rows.slice(page * ROWS_A_PAGE, (page + 1) * ROWS_A_PAGE));
}

/** The names of one page, each once. Throws if they are more. */
export function onePage(names: readonly string[]): readonly string[] {
  const each = [...new Set(names)];
  if (each.length > ROWS_A_PAGE) throw new RangeError(`${each.length} rows are more than one page`);
  return each;
}
