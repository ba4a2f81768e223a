import type { Clock } from "../clock.js";
import type { Plan } from "./plan.js";

/** Why a bid, or the work, was stopped. */
export type Due = "stand-by" | "work";

/** The two deadlines of an invocation: when it is too late to wait for the lease, and when the work must stop. */
export class Deadline {
  readonly #cancels: Array<() => void>;
  #controller = new AbortController();
  #begun = false;
  #due: Due | undefined;

  /** Without `waits` only the work has a deadline: a bid that does not wait must not be cut off by the end of a wait. */
  constructor(clock: Clock, remainingMs: number, { standByMs, drainMs }: Plan, waits: boolean) {
    this.#cancels = [clock.setTimer(remainingMs - drainMs, () => this.#stop("work"))];
    if (!waits) return;
    this.#cancels.push(
      clock.setTimer(standByMs, () => {
        if (!this.#begun) this.#stop("stand-by");
      }),
    );
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The deadline that aborted `signal`. Undefined: none has. */
  get due(): Due | undefined {
    return this.#due;
  }

  /** Called when the work begins. Throws if a deadline has passed: an acquire that was under way may still have won. */
  begin(): void {
    this.signal.throwIfAborted();
    this.#begun = true;
  }

  /** After the stand-by: `signal` is a new one, and only the work's deadline aborts it. */
  stopWaiting(): void {
    this.#due = undefined;
    this.#controller = new AbortController();
  }

  clear(): void {
    for (const cancel of this.#cancels) cancel();
  }

  #stop(due: Due): void {
    this.#due ??= due;
    this.#controller.abort();
  }
}
