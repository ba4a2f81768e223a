import type { Instant } from "../clock.js";
import { endedTerm, type Held, holderOf, isQuiet, type Lease, type TermLease } from "./lease.js";
import {
  afterEarlyWrite,
  afterNoChange,
  afterWrite,
  betweenPolls,
  firstSchedule,
  type PollSchedule,
} from "./poll-schedule.js";
import type { TickHistory } from "./ticks.js";

/** What one candidate knows of the lease row, and since when by its own monotonic clock (rule 4b). */
export interface Observation {
  /** Undefined: there is no row. */
  readonly lease: Lease | undefined;
  /** When the response arrived that first showed this (`term`, `revision`), or that there is no row. */
  readonly firstSeenMs: number;
  /** When the latest response arrived. */
  readonly polledMs: number;
  readonly schedule: PollSchedule;
  /** On a vacant row: who held it in the term that ended, if that was seen. The row does not say it any more. */
  readonly lastHolder?: string | undefined;
  /** Only for a placeholder, and read after it was created: terms must go on from here (rule 5a). */
  readonly history?: History | undefined;
  readonly historyReadAt?: Instant | undefined;
  /** A founding was refused because something was recorded since the history was read. */
  readonly isHistoryOld?: boolean | undefined;
  /** The placeholder has not been read since its history was read (rule 5c). */
  readonly unconfirmed?: boolean | undefined;
  /**
   * An eventually consistent read showed an older row: an old replica, a deleted row, or an older row that was
   * put back.
   */
  readonly needsConsistentRead?: boolean | undefined;
  readonly memory: Memory;
}

/** What a candidate has ever seen. No older row makes it forget this (rule 6a). */
export interface Memory {
  /** The highest of any row; 0 before the first term. */
  readonly term: number;
  readonly latest: Position;
  readonly longestLeaseMs: number;
  /** When an answer first showed an older row than that, after a restore. Undefined: none did. */
  readonly olderSinceMs?: number | undefined;
}

const NOTHING: Memory = { term: 0, latest: { term: 0, revision: 0 }, longestLeaseMs: 0 };

/**
 * Where a row stands in the order of all rows: by the term of its holder, or of its last one. The number that an eviction uses up is
 * nobody's term, so a row that was evicted comes before one that was held under that number.
 */
interface Position {
  readonly term: number;
  readonly revision: number;
  /** The acquire that began the term. It stays on a row that was given back. */
  readonly attemptId?: string | undefined;
}

/** The history of an election, if its lease row is gone. */
export interface History extends TickHistory {
  /** 0 when no term was ever recorded. */
  readonly highestTerm: number;
  readonly longestLeaseMs: number;
  /** The tick that the highest term itself completed. */
  readonly highestTermTick?: string | undefined;
  /** The highest term was given back, and its row may be forgotten (rule 13). So it has no unknown holder. */
  readonly isGivenBack?: boolean | undefined;
  /** Terms begin above it, whatever the history says (rule 13). Absent: no name of this shard was ever forgotten. */
  readonly floor?: number | undefined;
}

/** The poll interval while there is no row, and so no renewals. */
const NO_SCHEDULE: PollSchedule = { afterMs: 0, byMs: 0, missed: 0, polledAtMs: 0 };

/**
 * The observation after another answer. `receivedMs` must be read after the answer arrived, never before (rule
 * 4b). An eventually consistent read can show an older pair than one already seen: that is ignored. An
 * `authoritative` answer (a consistent read, a refused write) is believed even when it goes back.
 * `sentMs`: when its request left. A write that the answer does not show landed after that (rule 4d).
 */
export function observe(
  previous: Observation | undefined,
  lease: Lease | undefined,
  receivedMs: number,
  authoritative: boolean,
  sentMs = receivedMs,
): Observation {
  const observation = observed(previous, lease, receivedMs, authoritative);
  return { ...observation, schedule: { ...observation.schedule, polledAtMs: sentMs } };
}

function observed(
  previous: Observation | undefined,
  lease: Lease | undefined,
  receivedMs: number,
  authoritative: boolean,
): Observation {
  const known = previous?.lease;
  const memory = remember(previous, lease, receivedMs, authoritative);
  if (lease === undefined) {
    return { lease: undefined, firstSeenMs: receivedMs, polledMs: receivedMs, schedule: NO_SCHEDULE, memory };
  }
  if (previous === undefined || known === undefined) {
    const schedule = firstSchedule(receivedMs, lease.renewIntervalMs);
    return { lease, firstSeenMs: receivedMs, polledMs: receivedMs, schedule, memory };
  }
  const order = compare(lease, positionOf(known));
  // A pair comes again only if a term does (rule 5, the first gap). Then this holder has not been silent since the other one was seen.
  const isSame = order === 0 && holderOf(lease) === holderOf(known);
  if (isSame || (order < 0 && !authoritative)) {
    // The same pair can still carry something new that no holder wrote: a request to step down.
    const confirms = previous.unconfirmed && isSame && authoritative;
    return {
      ...previous,
      ...(confirms && { firstSeenMs: receivedMs, unconfirmed: false }),
      lease: isSame ? lease : known,
      polledMs: receivedMs,
      schedule: afterNoChange(previous.schedule, receivedMs),
      needsConsistentRead: order < 0,
      memory,
    };
  }
  const isRenewed =
    known.kind === "held" &&
    lease.kind === "held" &&
    lease.term === known.term &&
    lease.revision > known.revision;
  // A quiet row is not written at intervals, so only the two polls are known (rule 14k).
  const schedule =
    isRenewed && !isQuiet(known)
      ? written(previous.schedule, known, lease, receivedMs)
      : betweenPolls(previous.schedule.polledAtMs, receivedMs);
  const lastHolder =
    lease.kind === "vacant" && lease.term === known.term
      ? (holderOf(known) ?? previous.lastHolder)
      : undefined;
  return { lease, firstSeenMs: receivedMs, polledMs: receivedMs, schedule, lastHolder, memory };
}

/** Whether this row was written after that one, unless an older one was put back in between. */
export function isLater(lease: Lease, other: Lease): boolean {
  return compare(lease, positionOf(other)) > 0;
}

function positionOf(lease: Lease): Position {
  const attemptId = lease.kind === "placeholder" ? undefined : lease.attemptId;
  return { term: endedTerm(lease), revision: lease.revision, attemptId };
}

function compare(lease: Lease, { term, revision }: Position): number {
  return endedTerm(lease) - term || lease.revision - revision;
}

/**
 * A row below the highest pair that was seen was put back by a restore. The restore is a new one if no such row
 * stood there before, or if the row goes back further; not if its term goes on from there.
 */
function remember(
  previous: Observation | undefined,
  lease: Lease | undefined,
  receivedMs: number,
  authoritative: boolean,
): Memory {
  const memory = previous?.memory ?? NOTHING;
  if (lease === undefined || lease.kind === "placeholder") return memory;
  const longestLeaseMs = Math.max(memory.longestLeaseMs, lease.leaseDurationMs);
  const term = Math.max(memory.term, lease.term);
  if (compare(lease, memory.latest) >= 0) {
    const since = comesAgain(lease, memory.latest) && { olderSinceMs: receivedMs };
    return { ...memory, term, latest: positionOf(lease), longestLeaseMs, ...since };
  }
  const known = previous?.lease;
  const isNew =
    known === undefined ||
    known.kind === "placeholder" ||
    (authoritative && compare(lease, positionOf(known)) < 0);
  return { ...memory, term, longestLeaseMs, ...(isNew && { olderSinceMs: receivedMs }) };
}

/** Another acquire began this term: an older row was put back, and terms have gone on from there. */
function comesAgain(lease: TermLease, { term, attemptId }: Position): boolean {
  const isKnown = lease.attemptId !== undefined && attemptId !== undefined;
  return endedTerm(lease) === term && isKnown && lease.attemptId !== attemptId;
}

/** Whether this row, which is no placeholder, is later than all that were seen. */
export function isLatest({ memory }: Observation, lease: Lease): boolean {
  return compare(lease, memory.latest) > 0;
}

/** Whether this row, which is no placeholder, was put back in the place of a later one. */
export function isOlder({ memory }: Observation, lease: Lease): boolean {
  return compare(lease, memory.latest) < 0;
}

/**
 * Nothing had changed yet when a request left at `sentMs`: another row, which is written after this one, did not tell of a change. So
 * the next change was written later (rule 4d).
 */
export function unchangedUntil(observation: Observation, sentMs: number): Observation {
  const { schedule } = observation;
  return { ...observation, schedule: { ...schedule, polledAtMs: Math.max(schedule.polledAtMs, sentMs) } };
}

/**
 * After a founding that was refused without a row. If the placeholder is still there, and no term was recorded since, then
 * what was seen of it still counts: a floor that other names raise must not begin the wait for an unknown holder again.
 */
export function readAgain(observation: Observation): Observation {
  return { ...observation, isHistoryOld: true, needsConsistentRead: true };
}

/**
 * When a later renewal of the same tenure was written: an announcement at once, the others when they were due.
 * A candidate that polls at every second or third renewal has missed those between, so it counts revisions.
 * Tries that failed have revisions too; then it is out of step, and its schedule starts again.
 */
function written(
  schedule: PollSchedule,
  known: Held,
  { revision, announcement, renewIntervalMs }: Held,
  seenMs: number,
) {
  const dueMs = known.renewIntervalMs * (revision - known.revision);
  const isAnnouncement = announcement !== undefined && known.announcement === undefined;
  return isAnnouncement
    ? afterEarlyWrite(schedule, seenMs, dueMs, renewIntervalMs)
    : afterWrite(schedule, seenMs, dueMs);
}

/**
 * The placeholder counts as seen only from the next consistent read on (rule 5c). A placeholder that was
 * deleted, and made again by a late copy of its request, looks the same, and a term of this history may have
 * come and gone between two polls.
 */
export function observeHistory(observation: Observation, history: History, readAt: Instant): Observation {
  const { history: before, unconfirmed } = observation;
  // Read again, and no term was recorded since: the read that confirmed the placeholder still counts.
  const isSame = before?.highestTerm === history.highestTerm && unconfirmed === false;
  return { ...observation, history, historyReadAt: readAt, isHistoryOld: false, unconfirmed: !isSame };
}

/** Terms go on from the highest that was ever seen, whatever the row says now (rule 6c). */
export function termAfter({ memory }: Observation, term: number): number {
  return Math.max(term, memory.term) + 1;
}

/**
 * A row older than one that was seen does not tell who leads. It counts as held by an unknown since it was put
 * back, by observation alone (rule 6b).
 */
export function restoredUntilMs({ memory }: Observation): number {
  const { olderSinceMs, longestLeaseMs } = memory;
  return olderSinceMs === undefined ? Number.NEGATIVE_INFINITY : olderSinceMs + longestLeaseMs;
}
