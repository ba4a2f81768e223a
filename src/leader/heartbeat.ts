import type { Clock } from "../clock.js";

/** When renewals are due: on a grid, so that followers can keep in step, whatever one renewal took. */
export class Heartbeat {
  #dueMs: number;
  #wake: () => void = () => {};

  constructor(
    private readonly clock: Clock,
    startMs: number,
    private readonly intervalMs: number,
  ) {
    this.#dueMs = startMs + intervalMs;
  }

  get dueMs(): number {
    return this.#dueMs;
  }

  /** The first grid point after `nowMs`: a late renewal does not shift those after it. */
  nextDueMs(nowMs: number): number {
    const missed = Math.max(0, Math.floor((nowMs - this.#dueMs) / this.intervalMs) + 1);
    return this.#dueMs + this.intervalMs * missed;
  }

  /** A renewal that left then is confirmed. */
  renewed(sentMs: number): void {
    this.#dueMs = this.nextDueMs(sentMs);
  }

  /** Until the time is up, or something wants the heartbeat's attention. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.clock.setTimer(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  wake(): void {
    this.#wake();
  }
}
