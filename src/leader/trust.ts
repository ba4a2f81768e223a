import { type Clock, type Instant, readClock } from "../clock.js";
import { trustLeftMs, trustMs } from "../protocol/expiry.js";
import type { ResolvedOptions } from "../resolve-options.js";

/**
 * Rule 4a for one tenure: how much longer its holder may trust the lease, by the clocks at the time of the
 * call.
 */
export class Trust {
  /** When the last confirmed write left. Trust counts from here. */
  #confirmed: Instant;
  #cancel: () => void = () => {};
  readonly #clock: Clock;
  readonly #trustMs: number;

  constructor(
    sent: Instant,
    options: ResolvedOptions,
    /** Called soon after trust may have run out. It is prompt, not proof. */
    private readonly onExpiry: () => void,
  ) {
    this.#clock = options.clock;
    this.#trustMs = trustMs(options);
    this.#confirmed = sent;
    this.#arm();
  }

  /** Negative when it is over. */
  leftMs(now: Instant = readClock(this.#clock)): number {
    return trustLeftMs(this.#confirmed, this.#trustMs, now);
  }

  /** From when it counts. */
  get confirmed(): Instant {
    return this.#confirmed;
  }

  /** The answer to an earlier write can come last (rule 12d): the one that says more counts. */
  confirm(sent: Instant): void {
    const now = readClock(this.#clock);
    if (trustLeftMs(sent, this.#trustMs, now) > this.leftMs(now)) this.#confirmed = sent;
    this.#arm();
  }

  stop(): void {
    this.#cancel();
  }

  /** A timer uses one clock, and trust the worse of two, so the timer may have to be set again. */
  #arm(): void {
    this.#cancel();
    this.#cancel = this.#clock.setTimer(this.leftMs(), () => {
      if (this.leftMs() > 0) this.#arm();
      else this.onExpiry();
    });
  }
}
