import { TimedOut, withTimeout } from "../async.js";
import type { Clock } from "../clock.js";

/**
 * Rule 8c. `stopTimeoutMs` bounds announcement, drain and release together. It counts from the moment when an end is
 * requested.
 */
export class StopDeadline {
  #byMs: number | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly timeoutMs: number,
  ) {}

  /** The first request counts. */
  request(atLeastMs = 0): void {
    this.#byMs ??= this.clock.monotonicMs() + Math.max(this.timeoutMs, atLeastMs);
  }

  /** `atLeastMs`: what a release needs that nobody requested before. One that begins too late is not cut short. */
  beginRelease(atLeastMs: number): void {
    this.request(atLeastMs);
    if (this.leftMs <= 0) this.lift();
  }

  /** The work has overrun the deadline. If it stops after all, the lease is given back late rather than not at all. */
  lift(): void {
    this.#byMs = Number.POSITIVE_INFINITY;
  }

  get isRequested(): boolean {
    return this.#byMs !== undefined;
  }

  /** Below 0 when the time is over. Infinite before an end is requested. */
  get leftMs(): number {
    return this.#byMs === undefined ? Number.POSITIVE_INFINITY : this.#byMs - this.clock.monotonicMs();
  }

  /** In monotonic time. Infinite before an end is requested. */
  get byMs(): number {
    return this.#byMs ?? Number.POSITIVE_INFINITY;
  }

  /** In monotonic time, the end of an announcement: half of the time is for the drain and the release. */
  get announceByMs(): number {
    return this.byMs - this.timeoutMs / 2;
  }

  /** Cuts a time so that it ends at the deadline. Who drains beyond it by hand still renews. */
  cut(ms: number): number {
    const { leftMs } = this;
    return leftMs > 0 ? Math.min(ms, leftMs) : ms;
  }

  /** Waits for what runs, but not beyond the deadline. */
  async wait(running: Promise<unknown>): Promise<void> {
    const { leftMs } = this;
    if (leftMs === Number.POSITIVE_INFINITY) return void (await running);
    await withTimeout(this.clock, Math.max(0, leftMs), () => running).catch((error: unknown) => {
      if (!(error instanceof TimedOut)) throw error;
    });
  }
}
