import type { EndReason } from "../errors.js";
import { isPlaceholder, isTickDone, type Lease } from "./lease.js";

/**
 * Rule 3. Whether a refused verb had succeeded after all, by the row that came back with the refusal. An SDK
 * that retries after a lost answer turns a success into a refusal (pitfall: refusal taken for loss).
 */

export function acquireSucceeded(
  lease: Lease | undefined,
  { candidateId, attemptId }: { readonly candidateId: string; readonly attemptId: string },
): boolean {
  return lease?.holder === candidateId && lease.attemptId === attemptId;
}

/** A holder's own tenure. */
export interface OwnTerm {
  readonly candidateId: string;
  readonly term: number;
}

/**
 * Rule 3b. Each try has a revision of its own, and the next try leaves when this one is over. So the row shows
 * this very revision, or this try has not landed. Nobody that keeps to the protocol wrote a higher one.
 */
export function renewSucceeded(
  lease: Lease | undefined,
  { candidateId, term }: OwnTerm,
  revision: number,
): boolean {
  return lease?.holder === candidateId && lease.term === term && lease.revision === revision;
}

export function resignSucceeded(
  lease: Lease | undefined,
  { term }: OwnTerm,
  tick: string | undefined,
): boolean {
  const isReleased = lease?.term === term && lease.holder === undefined;
  if (tick === undefined) return isReleased;
  // A completed tick shows that it landed even when another candidate leads by now.
  return (isReleased || lease?.lastTickTerm === term) && isTickDone(lease?.lastTick, tick);
}

/** Why this row is no longer the holder's. */
export function lossBy(lease: Lease | undefined): EndReason {
  if (lease === undefined || isPlaceholder(lease)) return "deleted";
  return lease.holder === undefined && lease.endReason === "evicted" ? "evicted" : "superseded";
}
