import { holderOf, type TermLease } from "./lease.js";
import type { Candidacy } from "./move.js";

/** Whose turn it is: a candidate's place in the line that stands in the row (rule 7d). Pure. Safety does not depend on it. */

/** Place in the line, from 0. A candidate that is not in the line comes after it. */
export function placeOf(lease: TermLease, candidateId: string): number {
  const { line = [] } = lease;
  const waiting = line.filter((other) => other !== holderOf(lease));
  const place = waiting.indexOf(candidateId);
  return place < 0 ? waiting.length : place;
}

/** Whether this candidate is the standby: a row without a line has none. */
export function isStandby(lease: TermLease, candidateId: string): boolean {
  return lease.line?.includes(candidateId) === true && placeOf(lease, candidateId) === 0;
}

/** Rule 7d. The line decides only who goes first. A wrong line costs time, never exclusion. */
export function turnDelayMs(lease: TermLease, { candidateId, slotMs, jitterMs }: Candidacy): number {
  const isInLine = lease.line?.includes(candidateId) === true;
  return placeOf(lease, candidateId) * slotMs + (isInLine ? 0 : jitterMs);
}

/**
 * After how many renewals a candidate polls. The first two in line poll after each one, so that a dead standby costs only
 * its slot. The others poll less often.
 */
export function pollsEvery(place: number): number {
  return Math.min(3, Math.max(1, place));
}
