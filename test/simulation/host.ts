import type { Clock } from "../../src/clock.js";
import type { World } from "./world.js";

/**
 * A process with clocks of its own. Its clocks run at `rate`; it can be suspended (the monotonic clock stands
 * still), blocked or stopped (clocks go on, no code runs), and killed.
 */
export class Host implements Clock {
  alive = true;
  #paused: "no" | "suspend" | "block" = "no";
  #waiting: Array<() => void> = [];
  /** True time that the monotonic clock did not count. */
  #suspendedMs = 0;
  #pausedAtMs = 0;
  #wallStepMs: number;

  constructor(
    private readonly world: World,
    readonly rate: number,
    wallOffsetMs: number,
  ) {
    this.#wallStepMs = wallOffsetMs;
  }

  get running(): boolean {
    return this.alive && this.#paused === "no";
  }

  monotonicMs(): number {
    const now = this.#paused === "suspend" ? this.#pausedAtMs : this.world.nowMs;
    return (now - this.#suspendedMs) * this.rate;
  }

  wallMs(): number {
    return EPOCH_MS + this.world.nowMs * this.rate + this.#wallStepMs;
  }

  setTimer(ms: number, callback: () => void): () => void {
    let cancelled = false;
    let callOff = () => {};
    // Whole milliseconds, as a real timer has.
    const dueMs = this.monotonicMs() + Math.max(0, Math.ceil(ms));
    const arm = () => {
      callOff = this.world.after((dueMs - this.monotonicMs()) / this.rate, () =>
        this.whenRunning(() => {
          if (cancelled) return;
          // Suspended meanwhile: the monotonic clock has not come that far.
          if (this.monotonicMs() < dueMs - 1e-6) arm();
          else callback();
        }),
      );
    };
    arm();
    return () => {
      cancelled = true;
      callOff();
    };
  }

  /** Now, or when the process runs again; never if it is dead. */
  whenRunning(callback: () => void): void {
    if (!this.alive) return;
    if (this.#paused === "no") callback();
    else this.#waiting.push(callback);
  }

  pause(how: "suspend" | "block", forMs: number): void {
    if (!this.running) return;
    this.#paused = how;
    this.#pausedAtMs = this.world.nowMs;
    this.world.after(forMs, () => {
      if (how === "suspend") this.#suspendedMs += this.world.nowMs - this.#pausedAtMs;
      this.#paused = "no";
      for (const callback of this.#waiting.splice(0)) this.world.after(0, () => this.whenRunning(callback));
    });
  }

  stepWall(ms: number): void {
    this.#wallStepMs += ms;
  }

  kill(): void {
    this.alive = false;
  }
}

export const EPOCH_MS = 1_767_225_600_000;
