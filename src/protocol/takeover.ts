import { type Instant, longestElapsedMs } from "../clock.js";
import type { EndReason } from "../errors.js";
import { DAY_MS, MIN_INTERVAL_MS } from "../limits.js";
import { type Poll, pollForRelease } from "./announced-end.js";
import { endsAtMs, observedEndMs } from "./expiry.js";
import {
  endedTerm,
  endReasonIn,
  type Held,
  holderOf,
  isQuiet,
  type Lease,
  type Placeholder,
  type TermLease,
  type Vacant,
} from "./lease.js";
import { isOlder, type Observation } from "./observation.js";
import { nextPollMs } from "./poll-schedule.js";
import type { ServiceClock } from "./service-clock.js";
import type { SessionFate } from "./sessions.js";
import type { TickHistory } from "./ticks.js";

/**
 * When a candidate may acquire the lease (rule 2j), and what it does until then. Pure: what was seen and what
 * time it is go in.
 */

/** What an acquire claims to have seen. The write is refused if the row has changed since. */
export interface Basis {
  readonly term: number;
  readonly revision: number;
  /**
   * The term that ends with the acquire. Absent on a placeholder, and on a row older than one that was seen.
   */
  readonly previousTerm?: number | undefined;
  /** How that term ended. Observers read it on the row of the next one. */
  readonly previousEndReason?: EndReason | undefined;
  /** Only on a placeholder: what the history said (rule 5b). */
  readonly founding?: Founding | undefined;
}

export interface Founding extends TickHistory {
  /** Refused if a later term has been recorded since. */
  readonly highestTerm: number;
  /** The floor that was read after the history (rule 13). Refused if that has changed. */
  readonly floor?: number | undefined;
  /** The tick that this term completed. Refused if that has changed. */
  readonly tickBefore?: string | undefined;
}

export type Move =
  | { readonly kind: "read"; readonly consistent: boolean }
  /** Puts a placeholder where there is no row. */
  | { readonly kind: "createPlaceholder" }
  | { readonly kind: "readHistory" }
  /** Begins `term`. */
  | Acquire
  | { readonly kind: "wait"; readonly untilMs: number };

export interface Acquire {
  readonly kind: "acquire";
  readonly basis: Basis;
  readonly term: number;
}

const HISTORY_VALID_MS = 600_000;

/** After how many row leases a quiet row is polled, though nothing has told of a change. At most an hour. */
const LAST_RESORT_ROW_LEASES = 32;

/** The poll interval while there is no row. */
const ABSENT_POLL_MS = 1_000;

export interface Candidacy {
  readonly candidateId: string;
  /** Whether a service clock may declare a holder dead (rule 4c), or only observation (4b). */
  readonly useServiceClock: boolean;
  /**
   * Delay after a holder's death, drawn anew for each pair that is seen, so that not all candidates try at
   * once.
   */
  readonly jitterMs: number;
  /** False: this candidate only observes. It never acquires the lease. */
  readonly eligible: boolean;
  /** Reservations for this group count for this candidate too. */
  readonly group: string | undefined;
  /** How often to poll a row that nobody holds. */
  readonly renewIntervalMs: number;
  /** How much later each place in the line tries than the place before it. */
  readonly slotMs: number;
  /** How often to poll when a leader that announced its end is about to release the lease. */
  readonly handoffPollMs: number;
  /** How often to poll while this candidate is the first in line. Undefined: only at each renewal. */
  readonly standbyPollMs: number | undefined;
}

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
 * On a placeholder: the highest term that is known, from history or from memory, if somebody may still hold it. A term that
 * was given back for good has no holder (rule 13d).
 */
export function unsettledTerm({ history, memory }: Observation): number | undefined {
  const { highestTerm = 0, isGivenBack = false } = history ?? {};
  const known = Math.max(highestTerm, memory.term);
  return known > (isGivenBack ? highestTerm : 0) ? known : undefined;
}

/** Terms go on from the highest that was ever seen, whatever the row says now (rule 6c). */
function termAfter({ memory }: Observation, term: number): number {
  return Math.max(term, memory.term) + 1;
}

/**
 * A row older than one that was seen does not tell who leads. It counts as held by an unknown since it was put
 * back, by observation alone (rule 6b).
 */
function restoredUntilMs({ memory }: Observation): number {
  const { olderSinceMs, longestLeaseMs } = memory;
  return olderSinceMs === undefined ? Number.NEGATIVE_INFINITY : olderSinceMs + longestLeaseMs;
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

/** Place in the line, from 0. A candidate that is not in the line comes after it. */
export function placeOf(lease: TermLease, candidateId: string): number {
  const { line = [] } = lease;
  const waiting = line.filter((other) => other !== holderOf(lease));
  const place = waiting.indexOf(candidateId);
  return place < 0 ? waiting.length : place;
}

/** Rule 7d. The line decides only who goes first. A wrong line costs time, never exclusion. */
function turnDelayMs(lease: TermLease, { candidateId, slotMs, jitterMs }: Candidacy): number {
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

/**
 * A quiet row keeps no time. Its session tells of changes (rule 14g), so it is polled rarely, and at moments that all rows of a process
 * share: then thousands are read together.
 */
function lastResortMs({ leaseDurationMs, renewIntervalMs }: TermLease, polledMs: number): number {
  const everyMs = Math.max(renewIntervalMs, Math.min(LAST_RESORT_ROW_LEASES * leaseDurationMs, DAY_MS));
  return (Math.floor(polledMs / everyMs) + 1) * everyMs;
}

/** Whether this candidate is the standby: a row without a line has none. */
function isStandby(lease: TermLease, candidateId: string): boolean {
  return lease.line?.includes(candidateId) === true && placeOf(lease, candidateId) === 0;
}

/**
 * When the next poll is due. The first in line polls as often as its user wants (rule 7d), and the successor polls often when
 * the leader is about to release the lease (rule 7j).
 */
function nextPollForMe(observation: Observation, lease: TermLease, me: Candidacy, now: Instant): Poll {
  const { schedule, polledMs } = observation;
  const place = placeOf(lease, me.candidateId);
  const intervalMs = pollIntervalMs(lease, me);
  const atRenewalMs = isQuiet(lease)
    ? lastResortMs(lease, polledMs)
    : nextPollMs(schedule, intervalMs) + (pollsEvery(place) - 1) * intervalMs;
  const standbyMs =
    me.standbyPollMs !== undefined && isStandby(lease, me.candidateId)
      ? polledMs + me.standbyPollMs
      : Number.POSITIVE_INFINITY;
  const usualMs = Math.min(atRenewalMs, standbyMs);
  const usual = { atMs: usualMs, consistent: false };
  if (lease.kind !== "held" || isQuiet(lease)) return usual;
  const poll = releasePoll(observation, lease, me, now);
  return poll !== undefined && poll.atMs < usualMs ? poll : usual;
}

function releasePoll(
  observation: Observation,
  lease: Held,
  { candidateId, handoffPollMs: everyMs }: Pick<Candidacy, "candidateId" | "handoffPollMs">,
  now: Instant,
): Poll | undefined {
  const to = lease.announcement?.to;
  const isNext = to === undefined ? placeOf(lease, candidateId) === 0 : to === candidateId;
  return pollForRelease(observation, lease, { isNext, everyMs }, now.monotonicMs);
}

/**
 * When to poll the *session* for the release of a quiet row, whose end was announced: the log tells of it (rule 14g). So a session
 * that gives a thousand leases back is polled as one lease is. `polledMs`: when the session was polled last. Undefined: as usual.
 */
export function sessionPoll(
  observation: Observation,
  me: Pick<Candidacy, "candidateId" | "handoffPollMs">,
  polledMs: number,
  now: Instant,
): Poll | undefined {
  const { lease } = observation;
  if (lease?.kind !== "held" || !isQuiet(lease)) return undefined;
  return releasePoll({ ...observation, polledMs }, lease, me, now);
}

/** The last holder's interval says nothing of a row that nobody holds: under a session it is a long one (rule 14b). */
function pollIntervalMs(lease: Lease, me: Candidacy): number {
  return lease.kind === "vacant"
    ? Math.min(lease.renewIntervalMs, me.renewIntervalMs)
    : lease.renewIntervalMs;
}

/** A candidate that may not take the lease still polls, to see when that changes. */
function pollLater(observation: Observation, me: Candidacy, now: Instant): Move {
  const { lease } = observation;
  const intervalMs = lease === undefined ? ABSENT_POLL_MS : pollIntervalMs(lease, me);
  const pollAtMs = observation.polledMs + Math.max(intervalMs, MIN_INTERVAL_MS);
  if (pollAtMs <= now.monotonicMs) return { kind: "read", consistent: false };
  return { kind: "wait", untilMs: pollAtMs };
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

/**
 * Rules 5a and 5c. Either this is a new election, or its row was forgotten (rule 13), or somebody deleted it. The history
 * was read while the placeholder stood there, so it is whole: no term can begin beside a placeholder. If a term may have a
 * holder, the election counts as held by an unknown for one whole lease of observation.
 */
function moveOnPlaceholder(
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
