import { MIN_INTERVAL_MS } from "../limits.js";

/**
 * When to look at a lease that is renewed every so often (rule 4d): one look a renewal, just after it.
 *
 * A look that shows the old row and a later one that shows the new row bracket the moment of the write.
 * The next write is due one interval later, within the same bracket; looking at its middle halves it.
 * Once it is narrow, a follower's "first seen" lags the write by little more than a round trip, whatever
 * the phase of its first look, and without comparing any two hosts' clocks.
 */
export interface Rhythm {
  /** The write became visible after this and … */
  readonly afterMs: number;
  /** … by this, in the observer's monotonic time. */
  readonly byMs: number;
  /** Looks since then that showed nothing new. */
  readonly missed: number;
  /** The latest look, whatever it showed. */
  readonly lookedAtMs: number;
}

/** A bracket this narrow, as a part of the interval, is not halved further. */
const NARROW = 1 / 50;
/** How long after the due moment to look, as a part of the interval: renewals are not quite punctual. */
const SLACK = 1 / 100;

/** The first look: the write happened some time in the interval before it. */
export function firstRhythm(seenMs: number, intervalMs: number): Rhythm {
  return between(seenMs - intervalMs, seenMs);
}

/** Only two looks are known: one that did not show the write, and one that did. */
export function between(lastLookMs: number, seenMs: number): Rhythm {
  return { afterMs: lastLookMs, byMs: seenMs, missed: 0, lookedAtMs: seenMs };
}

/** A look showed nothing new. */
export function miss(rhythm: Rhythm, lookedMs: number): Rhythm {
  return { ...rhythm, missed: rhythm.missed + 1, lookedAtMs: lookedMs };
}

/** A look showed a new write. */
export function hit(rhythm: Rhythm, seenMs: number, intervalMs: number): Rhythm {
  const lastLookMs = rhythm.lookedAtMs;
  const afterMs = Math.max(lastLookMs, rhythm.afterMs + intervalMs);
  const byMs = Math.min(seenMs, rhythm.byMs + intervalMs);
  // Out of step (a renewal came late, or the holder changed): only the two looks are known.
  if (afterMs >= byMs) return between(lastLookMs, seenMs);
  return { afterMs, byMs, missed: 0, lookedAtMs: seenMs };
}

/**
 * A look showed a write out of turn, `leftMs` before the next due one: since that is known, so is this. Otherwise
 * (it was the due one itself) a usual hit.
 */
export function early(rhythm: Rhythm, seenMs: number, intervalMs: number, leftMs: number): Rhythm {
  const aheadMs = intervalMs - leftMs;
  const afterMs = Math.max(rhythm.lookedAtMs, rhythm.afterMs + aheadMs);
  const byMs = Math.min(seenMs, rhythm.byMs + aheadMs);
  if (afterMs >= byMs) return hit(rhythm, seenMs, intervalMs);
  return { afterMs, byMs, missed: 0, lookedAtMs: seenMs };
}

/** When the next look is due, in the observer's monotonic time. */
export function nextLookMs(rhythm: Rhythm, intervalMs: number): number {
  const { afterMs, byMs, missed, lookedAtMs } = rhythm;
  const latestMs = byMs + intervalMs * (1 + SLACK);
  if (missed === 0) {
    return byMs - afterMs > intervalMs * NARROW ? (afterMs + byMs) / 2 + intervalMs : latestMs;
  }
  if (lookedAtMs < latestMs) return latestMs;
  // Overdue: keep looking, ever less often, so that a late renewal is still seen soon after it.
  return lookedAtMs + Math.min(Math.max(intervalMs, MIN_INTERVAL_MS), (intervalMs * 2 ** missed) / 20);
}
