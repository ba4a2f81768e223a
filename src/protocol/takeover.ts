import type { Instant } from "../clock.js";
import type { EndReason } from "../errors.js";
import { endsAtMs } from "./expiry.js";
import {
  endedTerm,
  endReasonIn,
  type Held,
  holderOf,
  type Lease,
  type TermLease,
  type Vacant,
} from "./lease.js";
import type { Candidacy, Move } from "./move.js";
import { isOlder, type Observation, restoredUntilMs, termAfter } from "./observation.js";
import { moveOnPlaceholder } from "./placeholder.js";
import { nextPollForMe, pollLater } from "./polls.js";
import type { ServiceClock } from "./service-clock.js";
import type { SessionFate } from "./sessions.js";
import { placeOf, turnDelayMs } from "./turns.js";

/**
 * When a candidate may acquire the lease (rule 2j), and what it does until then. Pure: what was seen and what
 * time it is go in.
 */

/**
 * What a candidate does next. `session`: what is known of the session under which the row is held. It does not matter where
 * the row is not held under one.
 */
export function nextMove(
  observation: Observation | undefined,
  me: Candidacy,
  now: Instant,
  service: ServiceClock | undefined,
  session?: SessionFate,
): Move {
  if (observation === undefined || observation.needsConsistentRead) return { kind: "read", consistent: true };
  const { lease } = observation;
  if (lease === undefined)
    return me.eligible ? { kind: "createPlaceholder" } : pollLater(observation, me, now);
  if (lease.pausedBy !== undefined || !me.eligible) return pollLater(observation, me, now);
  if (lease.kind === "placeholder") return moveOnPlaceholder(observation, lease, now);
  const { term, revision } = lease;
  // An older row does not tell what was committed under its term.
  const previous = isOlder(observation, lease)
    ? {}
    : { previousTerm: endedTerm(lease), previousEndReason: endReasonUnder(lease, session) };
  const basis = { term, revision, ...previous };
  const acquire: Move = { kind: "acquire", basis, term: termAfter(observation, term) };
  // This candidate holds it, from a try whose answer was lost: nobody else can be leading.
  const isMine = holderOf(lease) === me.candidateId;
  const freeByRowMs = isMine
    ? Number.NEGATIVE_INFINITY
    : freeForMeAtMs(observation, lease, me, now, service, session);
  const freeAtMs = Math.max(freeByRowMs, restoredUntilMs(observation));
  if (freeAtMs <= now.monotonicMs) {
    // A candidate before this one in the line may have taken it, so read before a try that could only fail.
    const isBehind = placeOf(lease, me.candidateId) > 0 && observation.polledMs < freeAtMs;
    return isBehind ? { kind: "read", consistent: false } : acquire;
  }
  const poll = nextPollForMe(observation, lease, me, now);
  if (poll.atMs <= now.monotonicMs) return { kind: "read", consistent: poll.consistent };
  return { kind: "wait", untilMs: Math.min(freeAtMs, poll.atMs) };
}

/**
 * The earliest moment, in this candidate's monotonic time, at which it may take this row if the row does not
 * change.
 */
function freeForMeAtMs(
  observation: Observation,
  lease: TermLease,
  me: Candidacy,
  now: Instant,
  service: ServiceClock | undefined,
  session: SessionFate | undefined,
): number {
  const usable = me.useServiceClock ? service : undefined;
  if (isUnderSession(lease)) return freeOfSessionAtMs(lease, session) + turnDelayMs(lease, me);
  // An evicted holder that trusts nothing any more has given the lease back in effect (rule 14h).
  if (lease.kind === "vacant" && (lease.endReason !== "evicted" || lease.isAcknowledged)) {
    if (lease.reservation?.candidateId === me.candidateId) return observation.firstSeenMs;
    const keptUntilMs = reservedForOthersUntilMs(observation, lease, me, now, usable);
    const turnMs = lease.line ? turnDelayMs(lease, me) : 0;
    return Math.max(keptUntilMs, observation.firstSeenMs) + turnMs;
  }
  // An evicted holder is fenced off, but it may trust its lease until that has run out (rule 2k).
  const { leaseDurationMs: durationMs, expiresAt: until } = lease;
  const deadAtMs = endsAtMs({ firstSeenMs: observation.firstSeenMs, durationMs, until }, now, usable);
  return deadAtMs + turnDelayMs(lease, me);
}

function isUnderSession(lease: Lease): lease is Held & { readonly session: string } {
  return lease.kind === "held" && lease.session !== undefined;
}

/**
 * Rules 14d and 14e. While its session lives, no silence of the lease row proves anything. Once the session has ended for ever, no
 * clock matters. Only a tombstone leaves open when the session ended: before it was first seen.
 */
function freeOfSessionAtMs({ leaseDurationMs }: Held, session: SessionFate | undefined): number {
  if (session?.kind === "ended") return session.sinceMs;
  if (session?.kind === "tombstone") return session.sinceMs + leaseDurationMs;
  return Number.POSITIVE_INFINITY;
}

/** A lease ends with its session, in the way in which that ended. */
function endReasonUnder(lease: TermLease, session: SessionFate | undefined): EndReason {
  return isUnderSession(lease) && session?.kind === "ended" ? session.reason : endReasonIn(lease);
}

/**
 * 0 when the lease is not reserved for others. By the service clock or by observation, whichever ends first: a
 * reservation is about order, not safety.
 */
function reservedForOthersUntilMs(
  { firstSeenMs }: Observation,
  { reservation }: Vacant,
  { group }: Candidacy,
  now: Instant,
  usable: ServiceClock | undefined,
): number {
  const isForOthers = reservation && (reservation.candidateId !== undefined || reservation.group !== group);
  if (!isForOthers) return 0;
  return endsAtMs({ firstSeenMs, durationMs: reservation.forMs, until: reservation.until }, now, usable);
}
