import type { SessionBounds } from "./sessions.js";

const LEASES = { leaseTicks: 2, rowTicks: 2, beats: 2, maxTerm: 3 };
const NOTHING = { evictions: 0, deletions: 0, sweeps: 0 };

/** What `npm test` searches, and the hunt for mutants. */
export const CLAIM: SessionBounds = { ...LEASES, ...NOTHING };
export const EVICTION: SessionBounds = { ...LEASES, ...NOTHING, maxTerm: 4, evictions: 1 };
export const DELETION: SessionBounds = { ...LEASES, ...NOTHING, deletions: 1 };
export const SWEEP: SessionBounds = { ...LEASES, ...NOTHING, sweeps: 1 };

export const SESSION_SEARCHES: ReadonlyArray<readonly [name: string, bounds: SessionBounds]> = [
  ["sessions, and a claim", CLAIM],
  ["sessions, and an eviction", EVICTION],
  ["sessions, and a deleted lease row", DELETION],
  ["sessions, and a swept session", SWEEP],
];
