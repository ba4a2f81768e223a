import type { Clock } from "../clock.js";
import { WakeableTimer } from "./wakeable-timer.js";

/**
 * When renewals are due: on a fixed grid, however long one renewal took, so that followers can poll in step.
 */
export class Heartbeat {
  readonly timer: WakeableTimer;
  #dueMs: number;

  constructor(
    clock: Clock,
    startMs: number,
    private readonly intervalMs: number,
  ) {
    this.timer = new WakeableTimer(clock);
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
}
