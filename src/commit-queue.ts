import { MAX_ACTIONS } from "./fencing.js";
import type { Action } from "./store/attributes.js";
import { type Touched, TouchedItems } from "./store/item-keys.js";

/** DynamoDB's limit is 4 MB; our estimate of an action's size is its JSON, which is larger than the item. */
const MAX_COMMIT_BYTES = 3_500_000;

/** Of a longer queue only the first calls are looked at for one commit, so that its cost does not grow with it. */
const MAX_LOOKED_AT = 1_000;

/** One `transact` of a user's, until it is settled. */
export interface Call {
  readonly actions: readonly Action[];
  readonly bytes: number;
  readonly touched: () => Touched;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  settled: boolean;
  /** When it was sent for the first time, monotonic. */
  sentMs: number | undefined;
  /** Tries that were refused for a conflict or throttling. */
  conflicts: number;
  /** Not to be tried alone before this, monotonic. */
  retryAtMs: number;
}

/** Calls that wait, and which of them go together next. Pure but for its own lists. */
export class CommitQueue {
  #waiting: Call[] = [];
  /** What they were part of was refused because of them, or without telling why: each goes by itself, behind the others. */
  #alone: Call[] = [];
  #aloneWasLast = true;

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#alone.length === 0;
  }

  get all(): readonly Call[] {
    return [...this.#alone, ...this.#waiting];
  }

  /** The first of those that wait, whose items have to be known for the next `take`. */
  get next(): readonly Call[] {
    return this.#waiting.slice(0, MAX_LOOKED_AT);
  }

  add(call: Call): void {
    this.#waiting.push(call);
  }

  /** They were taken, and are as they were. */
  putBack(calls: readonly Call[]): void {
    const waiting = calls.filter(({ settled }) => !settled);
    this.#waiting = [...waiting, ...this.#waiting];
  }

  setAlone(calls: readonly Call[]): void {
    this.#alone.push(...calls);
  }

  dropSettled(): void {
    this.#waiting = this.#waiting.filter(({ settled }) => !settled);
    this.#alone = this.#alone.filter(({ settled }) => !settled);
  }

  /** The calls of the next commit; none: wait until `retryAtMs`, or for another call. */
  take(nowMs: number): readonly Call[] {
    const due = this.#alone.find(({ retryAtMs }) => retryAtMs <= nowMs);
    if (due && !this.#aloneWasLast) return this.#takeAlone(due);
    const batch = this.#takeTogether();
    if (batch.length > 0) {
      this.#aloneWasLast = false;
      return batch;
    }
    return due ? this.#takeAlone(due) : [];
  }

  /** When the next of those that go alone is due; undefined: there is none. */
  get retryAtMs(): number | undefined {
    const times = this.#alone.map(({ retryAtMs }) => retryAtMs);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  #takeAlone(call: Call): readonly Call[] {
    this.#aloneWasLast = true;
    this.#alone = this.#alone.filter((other) => other !== call);
    return [call];
  }

  /** The first call, and those behind it that fit beside it. Calls on one item keep their order. */
  #takeTogether(): Call[] {
    const batch: Call[] = [];
    const passed: Call[] = [];
    const touched = new TouchedItems();
    for (const call of this.#alone) touched.add(call.touched());
    let count = 0;
    let bytes = 0;
    for (const call of this.next) {
      const fits =
        count + call.actions.length <= MAX_ACTIONS &&
        (batch.length === 0 || bytes + call.bytes <= MAX_COMMIT_BYTES) &&
        !touched.meets(call.touched());
      (fits ? batch : passed).push(call);
      touched.add(call.touched());
      if (!fits) continue;
      count += call.actions.length;
      bytes += call.bytes;
      if (count === MAX_ACTIONS) break;
    }
    this.#waiting.splice(0, batch.length + passed.length, ...passed);
    return batch;
  }
}
