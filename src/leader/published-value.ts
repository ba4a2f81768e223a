import { type Deferred, deferred } from "../async.js";

/** The value that a leader publishes on the lease row, and the calls that wait until it is there. */
export class PublishedValue {
  #waiting: Array<Deferred<void>> = [];

  constructor(private current: string | undefined) {}

  get value(): string | undefined {
    return this.current;
  }

  get isAwaited(): boolean {
    return this.#waiting.length > 0;
  }

  /** Resolves when a renewal has carried it to the table. */
  change(value: string | undefined): Promise<void> {
    this.current = value;
    const waiter = deferred<void>();
    this.#waiting.push(waiter);
    return waiter.promise;
  }

  /** Takes the calls whose value the next renewal carries. */
  take(): Deferred<void>[] {
    return this.#waiting.splice(0);
  }

  /** The renewal failed: these calls go on waiting. */
  putBack(waiting: Deferred<void>[]): void {
    this.#waiting.unshift(...waiting);
  }

  refuse(error: () => unknown, waiting: Deferred<void>[] = this.take()): void {
    for (const waiter of waiting) waiter.reject(error());
  }
}
