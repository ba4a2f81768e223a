import type { Held } from "./lease.js";
import type { Observation } from "./observation.js";
import { ROW_LEASES } from "./sessions.js";

/** The next poll of a follower. */
export interface Poll {
  readonly atMs: number;
  readonly consistent: boolean;
}

/**
 * The successor begins this many polls before the announced moment. A poll that was answered with an old row makes the
 * bracket of the poll schedule begin too late.
 */
const EARLY_POLLS = 5;
/** Those who are not next poll once, this many polls of the successor after the announced moment. */
const OTHERS_AFTER_POLLS = 10;
/** The successor polls at most about this often while it does not know the announced moment better. */
const POLLS_PER_BRACKET = 50;
/** A part of the time that the work has taken to stop so far. */
const DRAIN_PART = 1 / 10;

/**
 * Rule 7j. When a follower polls around the moment at which a leader that announced its end releases the lease. Undefined: as
 * usual.
 *
 * The announcement was written within the bracket of the poll schedule (rule 4d), so the announced moment is known as well as that
 * bracket is narrow.
 */
export function pollForRelease(
  { schedule, polledMs, firstSeenMs }: Observation,
  { announcement, leaseDurationMs, session }: Held,
  { isNext, everyMs }: { readonly isNext: boolean; readonly everyMs: number },
  nowMs: number,
): Poll | undefined {
  if (announcement === undefined) return undefined;
  const { inMs } = announcement;
  const leaseMs = session === undefined ? leaseDurationMs : leaseDurationMs / ROW_LEASES;
  if (nowMs >= firstSeenMs + inMs + leaseMs) return undefined;
  const latestMs = schedule.byMs + inMs;
  if (!isNext) {
    const atMs = latestMs + OTHERS_AFTER_POLLS * everyMs;
    return polledMs < atMs ? { atMs, consistent: false } : undefined;
  }
  // Written earlier, it would have run out by then: so also who was cut off for long knows the moment that well.
  const afterMs = Math.max(schedule.afterMs, schedule.byMs - leaseMs);
  const widthMs = schedule.byMs - afterMs;
  const drainedMs = polledMs - latestMs;
  const pauseMs = Math.max(everyMs, widthMs / POLLS_PER_BRACKET, drainedMs * DRAIN_PART);
  const fromMs = afterMs + inMs - EARLY_POLLS * everyMs;
  return { atMs: Math.max(fromMs, polledMs + pauseMs), consistent: drainedMs * DRAIN_PART <= everyMs };
}
