import { type Instant, longestElapsedMs } from "../clock.js";
import { observedEndMs } from "./expiry.js";
import type { Placeholder } from "./lease.js";
import type { Move } from "./move.js";
import { type Observation, restoredUntilMs, termAfter } from "./observation.js";
import { nextPollMs } from "./poll-schedule.js";

/** What a candidate does where the row has no term: the terms before are in history, if there were any (rule 5). Pure. */

const HISTORY_VALID_MS = 600_000;

/**
 * Rules 5a and 5c. Either this is a new election, or its row was forgotten (rule 13), or somebody deleted it. The history
 * was read while the placeholder stood there, so it is whole: no term can begin beside a placeholder. If a term may have a
 * holder, the election counts as held by an unknown for one whole lease of observation.
 */
export function moveOnPlaceholder(
  observation: Observation,
  { term, revision, renewIntervalMs }: Placeholder,
  now: Instant,
): Move {
  const { history, historyReadAt, memory, unconfirmed } = observation;
  if (history === undefined || observation.isHistoryOld || isOutdated(observation, now))
    return { kind: "readHistory" };
  const { highestTerm, floor, lastTick, tickResetTerm, highestTermTick: tickBefore } = history;
  const firstTerm = termAfter(observation, Math.max(highestTerm, floor ?? 0));
  const mayBeHeld = unsettledTerm(observation) !== undefined;
  if (unconfirmed && mayBeHeld) return { kind: "read", consistent: true };
  const durationMs = Math.max(history.longestLeaseMs, memory.longestLeaseMs);
  const unknownUntilMs = observedEndMs({ firstSeenMs: observation.firstSeenMs, durationMs });
  const freeAtMs = mayBeHeld ? Math.max(unknownUntilMs, restoredUntilMs(observation)) : now.monotonicMs;
  if (freeAtMs > now.monotonicMs) {
    const pollAtMs = nextPollMs(observation.schedule, renewIntervalMs);
    if (pollAtMs <= now.monotonicMs) return { kind: "read", consistent: false };
    return { kind: "wait", untilMs: Math.min(freeAtMs, pollAtMs) };
  }
  // Rule 13c. Other names of the shard have raised the floor during the wait, and the founding would be refused.
  if (mayBeHeld && historyReadAt !== undefined && historyReadAt.monotonicMs < freeAtMs)
    return { kind: "readHistory" };
  const founding = { highestTerm, floor, lastTick, tickResetTerm, tickBefore };
  return { kind: "acquire", basis: { term, revision, founding }, term: firstTerm };
}

/**
 * On a placeholder: the highest term that is known, from history or from memory, if somebody may still hold it. A term that
 * was given back for good has no holder (rule 13d).
 */
export function unsettledTerm({ history, memory }: Observation): number | undefined {
  const { highestTerm = 0, isGivenBack = false } = history ?? {};
  const known = Math.max(highestTerm, memory.term);
  return known > (isGivenBack ? highestTerm : 0) ? known : undefined;
}

/**
 * Rule 5d. Recorded terms are cleaned up some day, also those that came and went since the history was read. A
 * candidate that waited that long, beside a paused election, reads the history again.
 */
function isOutdated({ historyReadAt, history, memory }: Observation, now: Instant): boolean {
  const leaseMs = Math.max(history?.longestLeaseMs ?? 0, memory.longestLeaseMs);
  if (historyReadAt === undefined) return false;
  return longestElapsedMs(historyReadAt, now) > HISTORY_VALID_MS + 2 * leaseMs;
}
