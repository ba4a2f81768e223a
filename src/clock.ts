/**
 * The clocks and timers of a host. Only this file reads clocks and sets timers.
 *
 * Nobody can set the monotonic clock, but on Linux it stands still while a machine is suspended or a sandbox is frozen.
 * The wall clock goes on meanwhile, but somebody can set it. So a caller that must not act too late takes the larger
 * elapsed time of the two.
 */
export interface Clock {
  /** Milliseconds since an arbitrary moment. They never go back. */
  monotonicMs(): number;
  /** Milliseconds since the epoch, by this host's wall clock. */
  wallMs(): number;
  /** A sum, in milliseconds, of the times that may have passed while both clocks stood still. @default always 0 */
  standstillMs?(): number;
  /** Calls `callback` once after `ms`, at once if that is 0 or less. Returns a function that cancels the timer. */
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

/** The clocks and timers of this host. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer(ms, callback) {
    // Node counts whole milliseconds from a rounded start, and fires up to one too early. A renewal that leaves before it is due would
    // be sent once more when it is due.
    const wholeMs = ms > 0 ? Math.ceil(ms) + 1 : 0;
    const timer = setTimeout(callback, Math.min(wholeMs, MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** Calls back unless the process has ended by then: it does not wait for this. */
export function setIdleTimer(ms: number, callback: () => void): void {
  setTimeout(callback, ms).unref();
}

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
