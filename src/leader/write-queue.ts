/**
 * Writes of the lease row, one at a time, in the order of the calls. DynamoDB refuses a
 * transaction and a write that meet on one item (pitfall: transaction and renewal conflict). Transactions are
 * queued one by one, so a renewal waits for at most one of them.
 */
export class WriteQueue {
  #last: Promise<unknown> | undefined;

  run<T>(task: () => Promise<T>): Promise<T> {
    const run = (this.#last ?? Promise.resolve()).then(task);
    this.#last = run.catch(() => {});
    return run;
  }
}
