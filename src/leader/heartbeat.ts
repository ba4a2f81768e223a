import type { Clock } from "../clock.js";

/**
 * When renewals are due: on a fixed grid, however long one renewal took, so that followers can poll in step.
 */
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

  /** The first grid point after `nowMs`. A late renewal does not shift the ones after it. */
  nextDueMs(nowMs: number): number {
    const missed = Math.max(0, Math.floor((nowMs - this.#dueMs) / this.intervalMs) + 1);
    return this.#dueMs + this.intervalMs * missed;
  }

  /** A renewal that left at this time is confirmed. */
  renewed(sentMs: number): void {
    this.#dueMs = this.nextDueMs(sentMs);
  }

  /** Resolves when the time is up, or when `wake` is called. */
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
