import type { ForgottenBounds } from "./forgotten.js";

/** What `npm test` searches, and the hunt for mutants. */
export const COPIES: ForgottenBounds = { candidates: 2, tenures: 2, copies: 1, pauses: 0 };
export const PAUSE: ForgottenBounds = { candidates: 1, tenures: 2, copies: 1, pauses: 1 };

export const FORGOTTEN_SEARCHES: ReadonlyArray<readonly [name: string, bounds: ForgottenBounds]> = [
  ["forgotten, and a late copy", COPIES],
  ["forgotten three times", { candidates: 1, tenures: 3, copies: 1, pauses: 0 }],
  ["forgotten, and a pause", PAUSE],
];
