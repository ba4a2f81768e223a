/**
 * One request at a time on the lease row: DynamoDB refuses a transaction and a write that meet on one item
 * (pitfall: transaction and renewal conflict). Urgent requests, the renewals, go before waiting ones.
 */
export class Lane {
  #busy = false;
  readonly #urgent: Array<() => void> = [];
  readonly #waiting: Array<() => void> = [];

  async run<T>(task: () => Promise<T>, urgent = false): Promise<T> {
    if (this.#busy) {
      await new Promise<void>((resolve) => (urgent ? this.#urgent : this.#waiting).push(resolve));
    }
    this.#busy = true;
    try {
      return await task();
    } finally {
      const next = this.#urgent.shift() ?? this.#waiting.shift();
      // Handed over without a gap: `busy` stays true for the next in line.
      if (next) next();
      else this.#busy = false;
    }
  }
}
