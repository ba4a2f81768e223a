import type { Clock } from "../clock.js";

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Time that stands still until it is told to pass, for tests without waiting. */
export class ManualClock implements Clock {
  #monotonicMs = 0;
  #wallMs: number;
  #timers: Timer[] = [];

  constructor(wallMs = Date.parse("2026-01-01T00:00:00Z")) {
    this.#wallMs = wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  setTimer(ms: number, callback: () => void): () => void {
    // Whole milliseconds, as with the system's timers: never a moment that is now already.
    const timer = { atMs: this.#monotonicMs + Math.max(0, Math.ceil(ms)), callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Timers that wait; 0 when nothing was left behind. */
  get pendingTimers(): number {
    return this.#timers.length;
  }

  /** Lets `ms` pass, timer by timer in order, and everything that each of them sets going. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms;
    await settled();
    for (;;) {
      const next = this.#timers.reduce<Timer | undefined>(
        (first, timer) => (first && first.atMs <= timer.atMs ? first : timer),
        undefined,
      );
      if (!next || next.atMs > untilMs) break;
      this.#pass(next.atMs - this.#monotonicMs);
      this.#timers = this.#timers.filter((timer) => timer !== next);
      next.callback();
      await settled();
    }
    this.#pass(untilMs - this.#monotonicMs);
  }

  /** The machine is suspended: the wall clock goes on, the monotonic clock and all timers stand still. */
  freeze(ms: number): void {
    this.#wallMs += ms;
  }

  /** Both clocks go on while no timer fires: a blocked event loop. */
  block(ms: number): void {
    this.#pass(ms);
  }

  /** Somebody sets the wall clock. */
  stepWall(ms: number): void {
    this.#wallMs += ms;
  }

  #pass(ms: number): void {
    this.#monotonicMs += Math.max(0, ms);
    this.#wallMs += Math.max(0, ms);
  }
}

/** Until all promise callbacks that can run have run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
