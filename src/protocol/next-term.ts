import { MalformedLeaseError } from "../errors.js";
import { MAX_REVISION_TO_FOLLOW, MAX_TERM } from "../limits.js";

/** Rule 1a. Throws before anything is written, so that nobody writes a row that nobody can read. */
export function checkNextTerm(
  election: string,
  term: number,
  seen: { term: number; revision?: number },
): void {
  if (!(Number.isSafeInteger(term) && term > seen.term && term <= MAX_TERM)) {
    const rule = `must be below ${MAX_TERM}, or no term can follow it`;
    throw new MalformedLeaseError(election, "term", rule, "N too large to be followed", { N: "42" });
  }
  if (seen.revision !== undefined && !(seen.revision <= MAX_REVISION_TO_FOLLOW)) {
    const rule = `must be at most ${MAX_REVISION_TO_FOLLOW}, or none can follow it`;
    throw new MalformedLeaseError(election, "revision", rule, "N too large to be followed", { N: "42" });
  }
}

/** Throws before a pause or a resume whose number nobody can read. */
export function checkNextPause(
  election: string,
  { pauseRevision = 0 }: { pauseRevision?: number | undefined },
): void {
  if (pauseRevision <= MAX_REVISION_TO_FOLLOW) return;
  const rule = `must be at most ${MAX_REVISION_TO_FOLLOW}, or none can follow it`;
  throw new MalformedLeaseError(election, "pauseRevision", rule, "N too large to be followed", { N: "42" });
}
