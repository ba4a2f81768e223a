import { MalformedLeaseError } from "../errors.js";
import { LARGEST_TERM } from "./schema.js";

/** What numbers in a lease row can be. What is beyond them was not written by this library. */

export { LARGEST_TERM };
/** As the options allow. */
export const LONGEST_LEASE_MS = 86_400_000;
export const LONGEST_RESERVATION_MS = 31 * LONGEST_LEASE_MS;
/** An announced moment that lies further back is told as this. */
export const MIN_LETTING_GO_IN_MS = -LONGEST_LEASE_MS;

/** From here a holder can renew for ages, and numbers stay exact. */
const LARGEST_REVISION_TO_FOLLOW = 2 ** 52;

/** Throws before anything is written, so that no row of ours is ever one that we could not read. */
export function checkNextTerm(
  election: string,
  term: number,
  seen: { term: number; revision?: number },
): void {
  if (!(Number.isSafeInteger(term) && term > seen.term && term <= LARGEST_TERM)) {
    const rule = `must be below ${LARGEST_TERM}, or no term can follow it`;
    throw new MalformedLeaseError(election, "term", rule, "N too large to be followed", { N: "42" });
  }
  if (seen.revision !== undefined && !(seen.revision <= LARGEST_REVISION_TO_FOLLOW)) {
    const rule = `must be at most ${LARGEST_REVISION_TO_FOLLOW}, or none can follow it`;
    throw new MalformedLeaseError(election, "revision", rule, "N too large to be followed", { N: "42" });
  }
}

/** Throws before a pause or a resume whose number we could not read. */
export function checkNextPause(
  election: string,
  { pauseRevision = 0 }: { pauseRevision?: number | undefined },
): void {
  if (pauseRevision <= LARGEST_REVISION_TO_FOLLOW) return;
  const rule = `must be at most ${LARGEST_REVISION_TO_FOLLOW}, or none can follow it`;
  throw new MalformedLeaseError(election, "pauseRevision", rule, "N too large to be followed", { N: "42" });
}
