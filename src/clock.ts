/**
 * The only place that reads clocks and sets timers.
 *
 * Time is read from two clocks. The monotonic clock cannot be stepped, but on Linux it stands still while a
 * machine is suspended or a sandbox frozen. The wall clock goes on meanwhile, but it can be stepped. A caller
 * that must not act too late takes the larger elapsed time of the two.
 */
export interface Clock {
  /** Milliseconds since an arbitrary origin; never goes back. */
  monotonicMs(): number;
  /** Milliseconds since the epoch, as this host believes. */
  wallMs(): number;
  /** Grows by at least the time that may have passed while both clocks stood still. @default always 0 */
  standstillMs?(): number;
  /** Calls back once after `ms` (at once when ≤ 0). Returns a function that cancels it. */
  setTimer(ms: number, callback: () => void): () => void;
}

/** One reading of both clocks. */
export interface Instant {
  readonly monotonicMs: number;
  readonly wallMs: number;
  readonly standstillMs?: number | undefined;
}

/** The longest delay that a Node timer takes. Callers with longer waits set the timer again. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer(ms, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, Math.ceil(ms)), MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

export function readClock(clock: Clock): Instant {
  return {
    monotonicMs: clock.monotonicMs(),
    wallMs: clock.wallMs(),
    standstillMs: clock.standstillMs?.(),
  };
}

/** At most this much time passed between two readings, unless both clocks were slow. Never negative. */
export function longestElapsedMs(from: Instant, to: Instant): number {
  return countedMs(from, to) + ((to.standstillMs ?? 0) - (from.standstillMs ?? 0));
}

function countedMs(from: Instant, to: Instant): number {
  return Math.max(to.monotonicMs - from.monotonicMs, to.wallMs - from.wallMs, 0);
}

/** At least this much time passed between two readings, unless both clocks were fast. Never negative. */
export function shortestElapsedMs(from: Instant, to: Instant): number {
  return Math.max(Math.min(to.monotonicMs - from.monotonicMs, to.wallMs - from.wallMs), 0);
}
