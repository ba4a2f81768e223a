import type { Clock } from "../clock.js";

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A clock that only moves when a test moves it, so that no test has to wait. Times are in milliseconds. */
export class ManualClock implements Clock {
  #monotonicMs = 0;
  #wallMs: number;
  #timers: Timer[] = [];

  /**
   * @param wallMs the wall clock's first time, in milliseconds since the epoch. @default 2026-01-01T00:00:00Z
   * @throws nothing.
   * @example
   * const clock = new ManualClock();
   * const election = new Election({ store: new MemoryTable(), name: "billing/nightly", runtime: { clock } });
   */
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
    // Whole milliseconds, as with the system's timers: a timer never fires at the moment when it was set.
    const timer = { atMs: this.#monotonicMs + Math.max(0, Math.ceil(ms)), callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** The number of timers that have not fired. 0: nothing was left behind. */
  get pendingTimers(): number {
    return this.#timers.length;
  }

  /**
   * Moves both clocks on. Fires each timer in its turn, and waits for everything that it starts before the next one.
   * @throws nothing, unless a timer's callback throws.
   * @example
   * await clock.advance(15_000);
   */
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

  /**
   * Suspends the machine: the wall clock goes on, the monotonic clock and all timers stand still.
   * @throws nothing.
   * @example
   * clock.freeze(60_000);
   */
  freeze(ms: number): void {
    this.#wallMs += ms;
  }

  /**
   * Blocks the event loop: both clocks go on, and no timer fires.
   * @throws nothing.
   * @example
   * clock.block(20_000);
   */
  block(ms: number): void {
    this.#pass(ms);
  }

  /**
   * Sets the wall clock forward, or back if `ms` is negative.
   * @throws nothing.
   * @example
   * clock.stepWall(-3_600_000);
   */
  stepWall(ms: number): void {
    this.#wallMs += ms;
  }

  #pass(ms: number): void {
    this.#monotonicMs += Math.max(0, ms);
    this.#wallMs += Math.max(0, ms);
  }
}

/** Resolves when all promise callbacks that can run have run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
