import type { Instant } from "../clock.js";
import { DAY_MS, MIN_INTERVAL_MS } from "../limits.js";
import { type Poll, pollForRelease } from "./announced-end.js";
import { type Held, isQuiet, type Lease, type TermLease } from "./lease.js";
import type { Candidacy, Move } from "./move.js";
import type { Observation } from "./observation.js";
import { nextPollMs } from "./poll-schedule.js";
import { isStandby, placeOf, pollsEvery } from "./turns.js";

/** When a candidate polls a row that it may not take yet. Pure. It costs reads and time: safety does not depend on it. */

/** After how many row leases a quiet row is polled, though nothing has told of a change. At most a day. */
const LAST_RESORT_ROW_LEASES = 32;

/** The poll interval while there is no row. */
const ABSENT_POLL_MS = 1_000;

/**
 * When the next poll is due. The first in line polls as often as its user wants (rule 7d), and the successor polls often when
 * the leader is about to release the lease (rule 7j).
 */
export function nextPollForMe(observation: Observation, lease: TermLease, me: Candidacy, now: Instant): Poll {
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
 * A quiet row keeps no time. Its session tells of changes (rule 14g), so it is polled rarely, and at moments that all rows of a process
 * share: then thousands are read together.
 */
function lastResortMs({ leaseDurationMs, renewIntervalMs }: TermLease, polledMs: number): number {
  const everyMs = Math.max(renewIntervalMs, Math.min(LAST_RESORT_ROW_LEASES * leaseDurationMs, DAY_MS));
  return (Math.floor(polledMs / everyMs) + 1) * everyMs;
}

/** The last holder's interval says nothing of a row that nobody holds: under a session it is a long one (rule 14b). */
function pollIntervalMs(lease: Lease, me: Candidacy): number {
  return lease.kind === "vacant"
    ? Math.min(lease.renewIntervalMs, me.renewIntervalMs)
    : lease.renewIntervalMs;
}

/** A candidate that may not take the lease still polls, to see when that changes. */
export function pollLater(observation: Observation, me: Candidacy, now: Instant): Move {
  const { lease } = observation;
  const intervalMs = lease === undefined ? ABSENT_POLL_MS : pollIntervalMs(lease, me);
  const pollAtMs = observation.polledMs + Math.max(intervalMs, MIN_INTERVAL_MS);
  if (pollAtMs <= now.monotonicMs) return { kind: "read", consistent: false };
  return { kind: "wait", untilMs: pollAtMs };
}
