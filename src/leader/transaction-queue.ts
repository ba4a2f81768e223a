import { MAX_ACTIONS } from "../store/fencing.js";
import { type Touched, TouchedItems } from "../store/item-keys.js";
import type { Action } from "../store/transaction.js";

/** Less than DynamoDB's 4 MB, because our sizes are estimates. */
const MAX_COMMIT_BYTES = 3_500_000;

/** One search skips at most this many calls that do not fit, and checks at most this many separate groups. */
const MAX_PASSED = 100;

/** One call of `transact`, until it is settled. */
export interface Call {
  readonly actions: readonly Action[];
  readonly bytes: number;
  readonly touched: () => Touched;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  settled: boolean;
  /** When it was first sent (monotonic), and how often it was sent. */
  sentMs: number | undefined;
  tries: number;
}

/** Calls that are committed apart from the others, not before `retryAtMs` (monotonic). */
interface Group {
  readonly calls: readonly Call[];
  readonly touched: readonly Touched[];
  readonly retryAtMs: number;
}

export interface Taken {
  readonly calls: readonly Call[];
  readonly isSeparate: boolean;
}

/** The calls that wait, and which of them go together next. It changes nothing but its own lists. */
export class TransactionQueue {
  #waiting: Call[] = [];
  /** Calls whose transaction could not be committed. They take turns with the others, group by group. */
  #separate: Group[] = [];
  /** Their items: a later call on one of these has to wait. */
  readonly #touchedSeparately = new TouchedItems();
  #separateWasLast = true;

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#separate.length === 0;
  }

  get all(): readonly Call[] {
    return [...this.#separate.flatMap(({ calls }) => calls), ...this.#waiting];
  }

  add(call: Call): void {
    this.#waiting.push(call);
  }

  /** Puts back calls that were taken and not sent, or not written. */
  putBack(calls: readonly Call[]): void {
    const waiting = calls.filter(({ settled }) => !settled);
    if (waiting.length > 0) this.#waiting = [...waiting, ...this.#waiting];
  }

  sendSeparately(calls: readonly Call[], retryAtMs: number): void {
    if (calls.length === 0) return;
    const touched = calls.map((call) => call.touched());
    for (const each of touched) this.#touchedSeparately.add(each);
    this.#separate.push({ calls, touched, retryAtMs });
  }

  /** Splits them into two halves, so that few tries show which call was the cause. */
  divide(calls: readonly Call[], retryAtMs: number): void {
    const half = Math.ceil(calls.length / 2);
    this.sendSeparately(calls.slice(0, half), retryAtMs);
    this.sendSeparately(calls.slice(half), retryAtMs);
  }

  dropSettled(): void {
    this.#waiting = this.#waiting.filter(({ settled }) => !settled);
    const separate = this.#separate;
    this.#separate = [];
    for (const group of separate) {
      this.#forget(group);
      this.sendSeparately(
        group.calls.filter(({ settled }) => !settled),
        group.retryAtMs,
      );
    }
  }

  /** The calls of the next commit. None: wait until `retryAtMs`, or for another call. */
  take(nowMs: number): Taken {
    const due = this.#separate.slice(0, MAX_PASSED).find(({ retryAtMs }) => retryAtMs <= nowMs);
    if (due && !this.#separateWasLast) return this.#takeSeparate(due);
    const calls = this.#takeTogether();
    if (calls.length === 0 && due) return this.#takeSeparate(due);
    this.#separateWasLast = false;
    return { calls, isSeparate: false };
  }

  /** When the next separate group is due. Undefined: there is none. */
  get retryAtMs(): number | undefined {
    const times = this.#separate.slice(0, MAX_PASSED).map(({ retryAtMs }) => retryAtMs);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  #takeSeparate(group: Group): Taken {
    this.#separateWasLast = true;
    this.#separate.splice(this.#separate.indexOf(group), 1);
    this.#forget(group);
    return { calls: group.calls, isSeparate: true };
  }

  #forget({ touched }: Group): void {
    for (const each of touched) this.#touchedSeparately.remove(each);
  }

  /** The first call, and those behind it that fit with it. Calls on one item keep their order. */
  #takeTogether(): Call[] {
    const batch: Call[] = [];
    const passed: Call[] = [];
    const touchedBefore = new TouchedItems();
    let count = 0;
    let bytes = 0;
    for (const call of this.#waiting) {
      const touched = call.touched();
      const fits =
        count + call.actions.length <= MAX_ACTIONS &&
        (batch.length === 0 || bytes + call.bytes <= MAX_COMMIT_BYTES) &&
        !touchedBefore.meets(touched) &&
        !this.#touchedSeparately.meets(touched);
      touchedBefore.add(touched);
      (fits ? batch : passed).push(call);
      if (fits) {
        count += call.actions.length;
        bytes += call.bytes;
      }
      if (count === MAX_ACTIONS || passed.length === MAX_PASSED) break;
    }
    this.#waiting.splice(0, batch.length + passed.length, ...passed);
    return batch;
  }
}
