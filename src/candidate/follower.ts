import type { Clock } from "../clock.js";
import { onAbort } from "../on-abort.js";
import type { Poll } from "../protocol/announced-end.js";

/** A campaign's part of a watched session. */
export interface Following {
  /** The id of that session. */
  readonly session: string;
  /** Its lease row may have changed since the last look at it. */
  readonly isCalled: boolean;
  /** A consistent look at the lease row leaves now. Returns until when the row surely was as it had been, if that is known. */
  looking(): number | undefined;
  /** The look got no answer. */
  notLooked(): void;
  /**
   * Resolves at `untilMs`, when the lease row may have changed, and when the session has ended. Rejects with the signal's reason, and
   * with an error that no retry can fix.
   * @param poll when the session is to be polled, if it was polled last at a given moment. Undefined: as usual.
   */
  wait(untilMs: number, signal: AbortSignal | undefined, poll?: NextPoll): Promise<void>;
  stop(): void;
}

export type NextPoll = (polledMs: number) => Poll | undefined;

/** What followers tell. One object for all of them, for there may be thousands. */
export interface Followed {
  /** It wants to be told at the moment of its next poll. */
  waits(follower: Follower): void;
  stops(follower: Follower): void;
}

/** One election that waits for a session. */
export class Follower implements Following {
  /** The session's log was not read yet since this follower came. */
  isNew = false;
  #isCalled = false;
  #unchangedUntilMs: number | undefined;
  #fault: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};
  #poll: NextPoll | undefined;

  constructor(
    readonly session: string,
    readonly election: string,
    private readonly clock: Clock,
    private readonly watch: Followed,
  ) {}

  /** When this one wants the session to be polled. */
  nextPoll(polledMs: number): Poll | undefined {
    return this.#poll?.(polledMs);
  }

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

  /** Nothing is heard of the session any more, so a wait for it ends. */
  stop(): void {
    this.watch.stops(this);
    this.wake();
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

  wait(untilMs: number, signal: AbortSignal | undefined, poll?: NextPoll): Promise<void> {
    this.#poll = poll;
    this.watch.waits(this);
    return new Promise((resolve, reject) => {
      let forget = () => {};
      const end = () => {
        cancel();
        this.#wake = () => {};
        this.#poll = undefined;
        forget();
        const fault = this.#fault;
        this.#fault = undefined;
        if (signal?.aborted) reject(signal.reason);
        else if (fault) reject(fault.error);
        else resolve();
      };
      const cancel = this.clock.setTimer(Math.max(0, untilMs - this.clock.monotonicMs()), end);
      this.#wake = end;
      forget = onAbort(signal, end);
      if (this.#isCalled || this.#fault) end();
    });
  }
}
