import { MIN_INTERVAL_MS } from "../limits.js";

/**
 * When to poll a lease that is renewed at intervals (rule 4d): once per renewal, just after it.
 *
 * A poll that shows the old row and a later poll that shows the new row bracket the moment of the write. The
 * next write is due one interval later, within the same bracket. Polling at its middle halves it. Once the
 * bracket is narrow, a follower's "first seen" lags the write by little more than a round trip, whenever its
 * first poll was, and without comparing the clocks of two hosts.
 */
export interface PollSchedule {
  /** The write became visible after this and … */
  readonly afterMs: number;
  /** … by this, in the observer's monotonic time. */
  readonly byMs: number;
  /** Polls since then that showed nothing new. */
  readonly missed: number;
  /** When the latest poll left, whatever it showed. What it did not show was written later. */
  readonly polledAtMs: number;
}

/** A bracket this narrow, as a part of the interval, is not halved further. */
const NARROW_BRACKET = 1 / 50;
/** How long after the due moment to poll, as a part of the interval: renewals are not quite punctual. */
const SLACK = 1 / 100;

/** After the first poll: the write happened some time in the interval before it. */
export function firstSchedule(seenMs: number, intervalMs: number): PollSchedule {
  return betweenPolls(seenMs - intervalMs, seenMs);
}

/** Only two polls are known: one that did not show the write, and one that did. */
export function betweenPolls(lastPollMs: number, seenMs: number): PollSchedule {
  return { afterMs: lastPollMs, byMs: seenMs, missed: 0, polledAtMs: seenMs };
}

/** A poll showed nothing new. */
export function afterNoChange(schedule: PollSchedule, polledMs: number): PollSchedule {
  return { ...schedule, missed: schedule.missed + 1, polledAtMs: polledMs };
}

/** A poll showed a new write. */
export function afterWrite(schedule: PollSchedule, seenMs: number, intervalMs: number): PollSchedule {
  const lastPollMs = schedule.polledAtMs;
  const afterMs = Math.max(lastPollMs, schedule.afterMs + intervalMs);
  const byMs = Math.min(seenMs, schedule.byMs + intervalMs);
  // Out of step (a renewal came late, or the holder changed): only the two polls are known.
  if (afterMs >= byMs) return betweenPolls(lastPollMs, seenMs);
  return { afterMs, byMs, missed: 0, polledAtMs: seenMs };
}

/**
 * A poll showed a write that came early, `leftMs` before the next due one. The writes before it were due at
 * known moments, so its own moment is known too. If that cannot be, it came soon after the last poll, or it was the due
 * write: a busy host delays one write more than another. Then only the two polls are known. To take it for the due write
 * would put the moment of an announced end (rule 7j) a whole interval too late.
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
  if (afterMs >= byMs) return betweenPolls(schedule.polledAtMs, seenMs);
  return { afterMs, byMs, missed: 0, polledAtMs: seenMs };
}

/** When the next poll is due, in the observer's monotonic time. */
export function nextPollMs(schedule: PollSchedule, intervalMs: number): number {
  const { afterMs, byMs, missed, polledAtMs } = schedule;
  const isNarrow = byMs - afterMs <= intervalMs * NARROW_BRACKET;
  const middleMs = (afterMs + byMs) / 2 + intervalMs;
  // Also after earlier polls that showed nothing: a standby may poll between two renewals (rule 7d).
  if (!isNarrow && (missed === 0 || polledAtMs < middleMs)) return middleMs;
  const latestMs = byMs + intervalMs * (1 + SLACK);
  if (missed === 0 || polledAtMs < latestMs) return latestMs;
  // Overdue: poll less and less often, so that a late renewal is still seen soon after it.
  return polledAtMs + Math.min(Math.max(intervalMs, MIN_INTERVAL_MS), (intervalMs * 2 ** missed) / 20);
}
