import type { TickBounds } from "./tick-state.js";

/** What `npm test` searches, and the hunt for mutants. */

export const SMALL: TickBounds = {
  ticks: ["1", "2"],
  modes: ["every"],
  calls: 2,
  resets: [],
  deletions: 0,
  faults: 0,
  deaths: 0,
};
export const RESET: TickBounds = { ...SMALL, resets: [undefined], faults: 1 };
/** Two calls, one of which may die at any moment. */
export const DEATHS: TickBounds = { ...SMALL, faults: 1, deaths: 1 };
export const DELETED: TickBounds = { ...SMALL, resets: [undefined], deletions: 1 };

export const TICK_SEARCHES: ReadonlyArray<readonly [name: string, bounds: TickBounds]> = [
  ["three calls, and a lost answer or a late copy", { ...SMALL, calls: 3, faults: 1 }],
  ["a reset of all ticks, and a lost answer or a late copy", RESET],
  ["a reset to a tick, in both modes", { ...SMALL, modes: ["latest", "every"], resets: ["1"] }],
  [
    "two resets by operators of one name, then a deletion",
    { ...SMALL, calls: 1, resets: ["1", "2"], deletions: 1 },
  ],
  ["two resets in a row", { ...SMALL, calls: 1, resets: [undefined, "2"], faults: 1 }],
  ["a reset and a deletion of the row", DELETED],
  ["a process that dies, and its last will", DEATHS],
];
