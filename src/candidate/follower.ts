import type { Clock } from "../clock.js";

/** A campaign's part of a watched session. */
export interface Following {
  /** Its lease row may have changed since the last look at it. */
  readonly isCalled: boolean;
  /** A consistent look at the lease row leaves now. Returns until when the row surely was as it had been, if that is known. */
  looking(): number | undefined;
  /** The look got no answer. */
  notLooked(): void;
  /**
   * Resolves at `untilMs`, when the lease row may have changed, and when the session has ended. Rejects with the signal's reason, and
   * with an error that no retry can fix.
   */
  wait(untilMs: number, signal: AbortSignal | undefined): Promise<void>;
  stop(): void;
}

/** One election that waits for a session. */
export class Follower implements Following {
  /** The session's log was not read yet since this follower came. */
  isNew = false;
  #isCalled = false;
  #unchangedUntilMs: number | undefined;
  #fault: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};

  constructor(
    readonly election: string,
    private readonly clock: Clock,
    private readonly onStop: () => void,
  ) {}

  get isCalled(): boolean {
    return this.#isCalled;
  }

  looking(): number | undefined {
    const unchangedUntilMs = this.#unchangedUntilMs;
    this.#isCalled = false;
    this.#unchangedUntilMs = undefined;
    return unchangedUntilMs;
  }

  notLooked(): void {
    this.#isCalled = true;
  }

  stop(): void {
    this.onStop();
  }

  /** @param unchangedUntilMs when the last poll left that did not tell of a change. */
  call(unchangedUntilMs: number | undefined): void {
    if (!this.#isCalled) this.#unchangedUntilMs = unchangedUntilMs;
    this.#isCalled = true;
    this.wake();
  }

  fail(error: unknown): void {
    this.#fault = { error };
    this.wake();
  }

  /** What is known of the session has changed. */
  wake(): void {
    this.#wake();
  }

  wait(untilMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = () => {
        cancel();
        this.#wake = () => {};
        signal?.removeEventListener("abort", end);
        const fault = this.#fault;
        this.#fault = undefined;
        if (signal?.aborted) reject(signal.reason);
        else if (fault) reject(fault.error);
        else resolve();
      };
      const cancel = this.clock.setTimer(Math.max(0, untilMs - this.clock.monotonicMs()), end);
      this.#wake = end;
      signal?.addEventListener("abort", end, { once: true });
      if (signal?.aborted || this.#isCalled || this.#fault) end();
    });
  }
}
