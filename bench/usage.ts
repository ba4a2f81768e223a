import { dollars, RENEWALS_A_MONTH } from "./costs.js";
import type { Usage } from "./session-messages.js";

const zipped = (a: Usage, b: Usage, of: (a: number, b: number) => number): Usage => ({
  cpuMs: of(a.cpuMs, b.cpuMs),
  residentMB: of(a.residentMB, b.residentMB),
  writes: of(a.writes, b.writes),
  reads: of(a.reads, b.reads),
  ownRowsRead: of(a.ownRowsRead, b.ownRowsRead),
  writeUnits: of(a.writeUnits, b.writeUnits),
  readUnits: of(a.readUnits, b.readUnits),
});

/** What was used between two moments. */
export const used = (later: Usage, earlier: Usage): Usage => zipped(later, earlier, (a, b) => a - b);

export function meanOf(all: readonly Usage[]): Usage {
  const sum = all.reduce((a, b) => zipped(a, b, (x, y) => x + y));
  return zipped(sum, sum, (a) => a / all.length);
}

/** The price of so many of these in each renewal, for a month of renewals. */
export function dollarsOf({ writeUnits, readUnits }: Usage, times: number): number {
  return Number(dollars({ writeUnits, readUnits }, times * RENEWALS_A_MONTH).slice(1));
}
