import type { Clock } from "../clock.js";
import type { Plan } from "./plan.js";

/**
 * The two deadlines of an invocation: when it is too late to wait for the lease, and when the work must stop. Each has a
 * signal of its own: after a freeze both timers can fire before anybody has seen either of them.
 */
export class Deadline {
  readonly #wait = new AbortController();
  readonly #work = new AbortController();
  readonly #cancelWait: () => void;
  readonly #cancelWork: () => void;

  constructor(clock: Clock, remainingMs: number, { standByMs, drainMs }: Plan) {
    this.#cancelWait = clock.setTimer(standByMs, () => this.#wait.abort());
    this.#cancelWork = clock.setTimer(remainingMs - drainMs, () => {
      this.#work.abort();
      this.#wait.abort(this.#work.signal.reason);
    });
  }

  /** Aborts when it is too late to wait for the lease, or when the work must stop. */
  get wait(): AbortSignal {
    return this.#wait.signal;
  }

  /** Aborts when the work must stop. */
  get work(): AbortSignal {
    return this.#work.signal;
  }

  /** Whether this is the reason of `wait` at its own deadline, and not at that of the work. */
  isEndOfWait(reason: unknown): boolean {
    return reason === this.wait.reason && reason !== this.work.reason;
  }

  /** Called when the work begins: from now on `wait` aborts only when the work must stop. */
  stopWaiting(): void {
    this.#cancelWait();
  }

  clear(): void {
    this.#cancelWait();
    this.#cancelWork();
  }
}
