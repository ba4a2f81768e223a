import { MAX_FLOOR } from "../limits.js";
import type { Lease, TenureRow } from "./lease.js";
import type { Founding } from "./move.js";

/**
 * Rule 13. The row of a name that is long unused may be deleted. Before that its term goes into the *floor* of its shard, a
 * number that is never lowered, and a name without a row begins above the floor. Pure.
 */

/** Floors are rounded up to this, so that a name that is used again and again seldom raises its floor. */
const FLOOR_STEP = 100;

/** The floor that covers this term. Undefined: the term is too high, so its row must stay. */
export function floorOver(term: number): number | undefined {
  const floor = Math.ceil(term / FLOOR_STEP) * FLOOR_STEP;
  return floor <= MAX_FLOOR ? floor : undefined;
}

/**
 * Whether the row knows nothing that must outlive it, apart from its term. Ticks, a reset of ticks and a pause must not be
 * forgotten.
 */
export function isForgettable(row: Pick<TenureRow, "pausedBy" | "ticks" | "tickReset">): boolean {
  return row.pausedBy === undefined && row.ticks === undefined && row.tickReset === undefined;
}

/** The row stays from now on. */
export function kept<L extends Lease>(row: L): L {
  return row.kind === "vacant" && row.ttl !== undefined ? { ...row, ttl: undefined } : row;
}

/** What a table has recorded of an election beside its lease row. */
export interface Recorded {
  readonly floor: number;
  has(term: number): boolean;
  tickOf(term: number): string | undefined;
}

/**
 * Rule 5b. The term that a founding claims, whatever its own term is: it is the same for all candidates that read the same
 * history and floor.
 */
export function claimedTerm({ highestTerm, floor = 0 }: Founding): number {
  return Math.max(highestTerm, floor) + 1;
}

/** Rule 5b. Whether the history or the floor has changed since it was read, so that the founding is refused. */
export function isPast(founding: Founding, term: number, recorded: Recorded): boolean {
  const { highestTerm, floor = 0, tickBefore } = founding;
  return (
    recorded.floor !== floor ||
    recorded.has(claimedTerm(founding)) ||
    recorded.has(term) ||
    recorded.tickOf(highestTerm) !== tickBefore
  );
}
