/** What commands print, for people and as JSON. */

export function seconds(ms: number): string {
  return ms < 0 ? `ran out ${(-ms / 1_000).toFixed(1)} s ago` : `${(ms / 1_000).toFixed(1)} s`;
}

/** A time, and how far the true time may be from it. */
export function about(ms: number | undefined, errorMs: number | undefined): string | undefined {
  return errorMs === undefined ? iso(ms) : `${iso(ms)} ±${(errorMs / 1_000).toFixed(1)} s`;
}

export function iso(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

export function print(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

export function printTable(head: string[], rows: string[][]): void {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  for (const row of [head, ...rows]) {
    console.log(
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  }
}
