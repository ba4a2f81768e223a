import type { EndReason } from "../errors.js";
import { isHeldIn, type Lease, type OwnTerm } from "./lease.js";
import { isCompleted } from "./ticks.js";
import type { TickResetRequest } from "./verbs.js";

/**
 * Rule 3. Whether a refused verb had succeeded after all, by the row that came back with the refusal. An SDK
 * that retries after a lost answer turns a success into a refusal (pitfall: refusal taken for loss).
 */

export function acquireSucceeded(
  lease: Lease | undefined,
  { candidateId, attemptId }: { readonly candidateId: string; readonly attemptId: string },
): boolean {
  return lease?.kind === "held" && lease.holder === candidateId && lease.attemptId === attemptId;
}

/**
 * Rule 3b. Each try has a revision of its own, and the next try leaves when this one is over. So the row shows
 * this very revision, or this try has not landed. Nobody that keeps to the protocol wrote a higher one.
 */
export function renewSucceeded(lease: Lease | undefined, mine: OwnTerm, revision: number): boolean {
  return isHeldIn(lease, mine) && lease.revision === revision;
}

export function resignSucceeded(
  lease: Lease | undefined,
  { term }: OwnTerm,
  tick: string | undefined,
): boolean {
  if (lease === undefined || lease.kind === "placeholder") return false;
  if (tick === undefined) return lease.kind === "vacant" && lease.term === term;
  // It shows that the release landed even when another candidate leads by now. The tick alone does not: a later
  // term may have completed it. An operator may have reset it since.
  const isUndone = lease.tickReset?.term === term;
  return lease.tickTerm === term && (isUndone || isCompleted(lease.ticks, tick));
}

/**
 * Rule 3d. The row names the latest reset, also after later terms. Only the id tells it from another one: two operators
 * can have one name, and reset at the same moment.
 */
export function ticksResetSucceeded(lease: Lease | undefined, request: TickResetRequest): boolean {
  if (lease === undefined || lease.kind === "placeholder") return false;
  return lease.tickReset?.id === request.id;
}

/** Why this row is no longer the holder's. */
export function lossBy(lease: Lease | undefined): EndReason {
  if (lease === undefined || lease.kind === "placeholder") return "deleted";
  return lease.kind === "vacant" && lease.endReason === "evicted" ? "evicted" : "superseded";
}
