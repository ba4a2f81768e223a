import type { Clock } from "../clock.js";
import type { Plan } from "./plan.js";

/** Why a bid, or the work, was told to stop. */
export type Due = "stand-by" | "work";

/** The two moments of an invocation: when standing by is of no more use, and when the work must stop. */
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

  /** What has come first; undefined: nothing yet. */
  get due(): Due | undefined {
    return this.#due;
  }

  /** The work begins. Throws if it is too late for it: an acquire that was under way may have won all the same. */
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
