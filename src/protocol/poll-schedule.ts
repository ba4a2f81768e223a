import { MIN_INTERVAL_MS } from "../limits.js";

/**
 * When to look at a lease that is renewed every so often (rule 4d): one look a renewal, just after it.
 *
 * A look that shows the old row and a later one that shows the new row bracket the moment of the write.
 * The next write is due one interval later, within the same bracket; looking at its middle halves it.
 * Once it is narrow, a follower's "first seen" lags the write by little more than a round trip, whatever
 * the phase of its first look, and without comparing any two hosts' clocks.
 */
export interface PollSchedule {
  /** The write became visible after this and … */
  readonly afterMs: number;
  /** … by this, in the observer's monotonic time. */
  readonly byMs: number;
  /** Looks since then that showed nothing new. */
  readonly missed: number;
  /** The latest look, whatever it showed. */
  readonly polledAtMs: number;
}

/** A bracket this narrow, as a part of the interval, is not halved further. */
const NARROW_BRACKET = 1 / 50;
/** How long after the due moment to look, as a part of the interval: renewals are not quite punctual. */
const SLACK = 1 / 100;

/** The first look: the write happened some time in the interval before it. */
export function firstSchedule(seenMs: number, intervalMs: number): PollSchedule {
  return betweenPolls(seenMs - intervalMs, seenMs);
}

/** Only two looks are known: one that did not show the write, and one that did. */
export function betweenPolls(lastPollMs: number, seenMs: number): PollSchedule {
  return { afterMs: lastPollMs, byMs: seenMs, missed: 0, polledAtMs: seenMs };
}

/** A look showed nothing new. */
export function afterNoChange(schedule: PollSchedule, polledMs: number): PollSchedule {
  return { ...schedule, missed: schedule.missed + 1, polledAtMs: polledMs };
}

/** A look showed a new write. */
export function afterWrite(schedule: PollSchedule, seenMs: number, intervalMs: number): PollSchedule {
  const lastPollMs = schedule.polledAtMs;
  const afterMs = Math.max(lastPollMs, schedule.afterMs + intervalMs);
  const byMs = Math.min(seenMs, schedule.byMs + intervalMs);
  // Out of step (a renewal came late, or the holder changed): only the two looks are known.
  if (afterMs >= byMs) return betweenPolls(lastPollMs, seenMs);
  return { afterMs, byMs, missed: 0, polledAtMs: seenMs };
}

/**
 * A look showed a write out of turn, `leftMs` before the next due one: since that is known, so is this. Otherwise
 * (it was the due one itself) a usual hit.
 */
export function afterEarlyWrite(
  schedule: PollSchedule,
  seenMs: number,
  intervalMs: number,
  leftMs: number,
): PollSchedule {
  const aheadMs = intervalMs - leftMs;
  const afterMs = Math.max(schedule.polledAtMs, schedule.afterMs + aheadMs);
  const byMs = Math.min(seenMs, schedule.byMs + aheadMs);
  if (afterMs >= byMs) return afterWrite(schedule, seenMs, intervalMs);
  return { afterMs, byMs, missed: 0, polledAtMs: seenMs };
}

/** When the next look is due, in the observer's monotonic time. */
export function nextPollMs(schedule: PollSchedule, intervalMs: number): number {
  const { afterMs, byMs, missed, polledAtMs } = schedule;
  const latestMs = byMs + intervalMs * (1 + SLACK);
  if (missed === 0) {
    return byMs - afterMs > intervalMs * NARROW_BRACKET ? (afterMs + byMs) / 2 + intervalMs : latestMs;
  }
  if (polledAtMs < latestMs) return latestMs;
  // Overdue: keep looking, ever less often, so that a late renewal is still seen soon after it.
  return polledAtMs + Math.min(Math.max(intervalMs, MIN_INTERVAL_MS), (intervalMs * 2 ** missed) / 20);
}
