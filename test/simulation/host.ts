import type { Clock } from "../../src/clock.js";
import type { Wall } from "./plan.js";
import type { World } from "./world.js";

/**
 * A process with clocks of its own. Its clocks run at `rate`; it can be suspended (the monotonic clock stands
 * still), stand still (both clocks do), be blocked or stopped (clocks go on, no code runs), and be killed.
 */
export class Host implements Clock {
  alive = true;
  #paused: "no" | Pause = "no";
  #waiting: Array<() => void> = [];
  /** True time that the monotonic clock did not count. */
  #suspendedMs = 0;
  /** True time that no clock counted. */
  #stoodStillMs = 0;
  #shownMs = Number.NEGATIVE_INFINITY;
  #pausedAtMs = 0;
  #blockedAtMs = 0;
  #wallStepMs: number;
  /** A sum of true time, for what only a process whose event loop turns can do. */
  blockedMs = 0;
  /** How often its clocks were stepped or stopped. */
  disturbances = 0;
  /** When it last went on after no clock of it had counted, in true time. */
  thawedMs: number | undefined;
  /** Whether the work that blocks its event loop asks now and then whether it may go on. */
  #asks = false;

  constructor(
    private readonly world: World,
    readonly rate: number,
    private readonly wall: Wall,
  ) {
    this.#wallStepMs = wall.offsetMs;
  }

  get running(): boolean {
    return this.alive && this.#paused === "no";
  }

  /** It can be asked what it trusts at this moment, and its work goes by that. */
  get answers(): boolean {
    return this.running || (this.alive && this.#asks);
  }

  /** No clock of it counts. */
  get standsStill(): boolean {
    return this.#paused === "standStill";
  }

  /** Since when its event loop does not turn, by its monotonic clock. Undefined: it turns, or the machine stands still. */
  get blockedAtMs(): number | undefined {
    return this.#paused === "block" ? this.#blockedAtMs : undefined;
  }

  monotonicMs(): number {
    const stands = this.#paused === "suspend" || this.#paused === "standStill";
    const now = stands ? this.#pausedAtMs : this.world.nowMs;
    // Rounding after a suspension could set it back by a trillionth.
    this.#shownMs = Math.max(this.#shownMs, (now - this.#suspendedMs - this.#stoodStillMs) * this.rate);
    return this.#shownMs;
  }

  wallMs(): number {
    const nowMs = (this.#paused === "standStill" ? this.#pausedAtMs : this.world.nowMs) - this.#stoodStillMs;
    const ranMs = this.wall.isRight ? wanderedMs(nowMs) : nowMs;
    return EPOCH_MS + nowMs + ranMs * (this.rate - 1) + this.#wallStepMs;
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

  pause(how: Pause, forMs: number, asks = false): void {
    if (!this.running) return;
    this.#asks = asks;
    this.#paused = how;
    this.disturbances += 1;
    this.#blockedAtMs = this.monotonicMs();
    this.#pausedAtMs = this.world.nowMs;
    this.world.after(forMs, () => {
      const lastedMs = this.world.nowMs - this.#pausedAtMs;
      if (how === "suspend") this.#suspendedMs += lastedMs;
      else if (how === "block") this.blockedMs += lastedMs;
      else {
        this.#stoodStillMs += lastedMs;
        this.thawedMs = this.world.nowMs;
      }
      this.#paused = "no";
      this.#asks = false;
      for (const callback of this.#waiting.splice(0)) this.world.after(0, () => this.whenRunning(callback));
    });
  }

  stepWall(ms: number): void {
    this.#wallStepMs += ms;
    this.disturbances += 1;
  }

  kill(): void {
    this.alive = false;
  }
}

type Pause = "suspend" | "standStill" | "block";

export const EPOCH_MS = 1_767_225_600_000;

/** Time for which a synchronised clock runs too fast or too slow before it is slewed the other way. */
const SLEWED_MS = 200_000;

/** For how long it ran by its own rate, in all: kept near 0 by slewing, never by steps. */
function wanderedMs(nowMs: number): number {
  const phaseMs = nowMs % (2 * SLEWED_MS);
  return Math.min(phaseMs, 2 * SLEWED_MS - phaseMs) - SLEWED_MS / 2;
}
