import { onAbort } from "../on-abort.js";

/** One call that bids for the lease. It ends early when its caller aborts, and when the session under which it runs is closed. */
export class Bid {
  #aborted: { readonly reason: unknown } | undefined;
  /** A signal costs a kilobyte, and a process may have thousands of bids that lead and wait for nothing. */
  #controller: AbortController | undefined;
  /** Leaves no listener behind. */
  readonly end: () => void;

  constructor(caller: AbortSignal | undefined) {
    this.end = onAbort(caller, () => this.abort(caller?.reason));
  }

  get isAborted(): boolean {
    return this.#aborted !== undefined;
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#aborted.reason;
  }

  /** Resolves to undefined if the promise rejects after the abort. The abort does not end the wait. */
  async unlessAborted<T>(running: Promise<T>): Promise<T | undefined> {
    try {
      return await running;
    } catch (error) {
      if (this.isAborted) return undefined;
      throw error;
    }
  }

  /** Use it at once, and do not keep it beyond `rest()`. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort(this.#aborted.reason);
    return this.#controller.signal;
  }

  /** Nothing waits for its signal any more. */
  rest(): void {
    this.#controller = undefined;
  }

  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(reason);
  }
}
