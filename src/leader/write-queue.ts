/**
 * One request at a time on the lease row, in the order in which they were asked for: DynamoDB refuses a transaction and a
 * write that meet on one item (pitfall: transaction and renewal conflict). Transactions ask one by one, so a renewal
 * waits for one of them at most.
 */
export class WriteQueue {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#last.then(task);
    this.#last = run.catch(() => {});
    return run;
  }
}
