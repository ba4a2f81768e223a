import { type Clock, type Instant, readClock } from "../clock.js";
import { trustLeftMs } from "../protocol/expiry.js";

/** Rule 14c. The trust of a session bounds the trust of each lease under it. */
interface Bound {
  trustLeftMs(): number;
  /** Calls back in so long, or earlier. */
  checkIn(ms: number): void;
}

/**
 * Rule 4a for one tenure: how much longer its holder may trust the lease, by the clocks at the time of the
 * call.
 */
export class Trust {
  /** When the last confirmed write left. Trust counts from here. */
  #confirmed: Instant;
  #cap: { readonly from: Instant; readonly ms: number } | undefined;
  #cancel: (() => void) | undefined;

  constructor(
    sent: Instant,
    private readonly clock: Clock,
    private readonly lastsMs: number,
    /** Called soon after trust may have run out. It is prompt, not proof. */
    private readonly onExpiry: () => void,
    /** Undefined: the lease stands alone. */
    private readonly session?: Bound | undefined,
  ) {
    this.#confirmed = sent;
    this.#arm();
  }

  /** Negative when it is over. */
  leftMs(now: Instant = readClock(this.clock)): number {
    return Math.min(this.ownLeftMs(now), this.session?.trustLeftMs() ?? Number.POSITIVE_INFINITY);
  }

  /** Whether it is over because the session is. */
  get isSessionOver(): boolean {
    return this.session !== undefined && this.session.trustLeftMs() <= 0;
  }

  /** From when it counts. */
  get confirmed(): Instant {
    return this.#confirmed;
  }

  /** The answer to an earlier write can come last (rule 12d): the one that says more counts. */
  confirm(sent: Instant): void {
    const now = readClock(this.clock);
    if (trustLeftMs(sent, this.lastsMs, now) > trustLeftMs(this.#confirmed, this.lastsMs, now))
      this.#confirmed = sent;
    this.#arm();
  }

  /** It ends in `ms` at the latest, whatever is confirmed after that. */
  cap(ms: number): void {
    this.#cap ??= { from: readClock(this.clock), ms };
    this.#arm();
  }

  stop(): void {
    this.#cancel?.();
  }

  /** Without what the session says. */
  ownLeftMs(now: Instant = readClock(this.clock)): number {
    const leftMs = trustLeftMs(this.#confirmed, this.lastsMs, now);
    return this.#cap ? Math.min(leftMs, trustLeftMs(this.#cap.from, this.#cap.ms, now)) : leftMs;
  }

  /**
   * A timer uses one clock, and trust the worse of two, so the timer may have to be set again. A session tells its end itself, and has
   * one timer for all its leases.
   */
  #arm(): void {
    const leftMs = this.ownLeftMs();
    if (this.session) {
      this.session.checkIn(leftMs);
      return;
    }
    this.#cancel?.();
    this.#cancel = this.clock.setTimer(leftMs, () => {
      if (this.ownLeftMs() > 0) this.#arm();
      else this.onExpiry();
    });
  }
}
