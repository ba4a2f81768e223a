import type { Clock } from "../clock.js";
import type { Plan } from "./plan.js";

/** Why a bid, or the work, was stopped. */
export type Due = "stand-by" | "work";

/** The two deadlines of an invocation: when it is too late to wait for the lease, and when the work must stop. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #cancels: Array<() => void>;
  #begun = false;
  #due: Due | undefined;

  constructor(clock: Clock, remainingMs: number, { standByMs, drainMs }: Plan) {
    this.#cancels = [
      clock.setTimer(standByMs, () => {
        if (!this.#begun) this.#stop("stand-by");
      }),
      clock.setTimer(remainingMs - drainMs, () => this.#stop("work")),
    ];
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The deadline that came first. Undefined: none has come yet. */
  get due(): Due | undefined {
    return this.#due;
  }

  /** Called when the work begins. Throws if a deadline has passed: an acquire that was under way may still have won. */
  begin(): void {
    this.signal.throwIfAborted();
    this.#begun = true;
  }

  clear(): void {
    for (const cancel of this.#cancels) cancel();
  }

  #stop(due: Due): void {
    this.#due ??= due;
    this.#controller.abort();
  }
}
