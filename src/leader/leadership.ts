import { checkCall, checkKeys, checkReserveFor, checkSuccessor, checkValue } from "../arguments.js";
import { InvalidOptionError } from "../errors.js";
import type { ResignOutcome } from "../events.js";
import { type GuardInput, guardInput, type TransactionAction } from "../store/fencing.js";
import type { Tenure } from "./tenure.js";
import type { Transactions } from "./transactions.js";

export interface ResignOptions {
  /**
   * The candidate that comes next. The lease is kept for it until it must have polled; then it is free for all.
   */
  to?: string | undefined;
  /**
   * Keeps the lease for so long, in milliseconds, for candidates of this candidate's `group` (or, without a
   * group, for this candidate), though nobody renews it. Other candidates wait. It lapses by itself.
   */
  reserveForMs?: number | undefined;
}

export interface TransactOptions {
  /** Key attributes of your tables, by table name. @default read from the table */
  keys?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Typed, so that no option is forgotten. */
const RESIGN: Record<keyof ResignOptions, 0> = { to: 0, reserveForMs: 0 };
const TRANSACT: Record<keyof TransactOptions, 0> = { keys: 0 };

/** The handle while elected: one term of one leader. */
export class Leadership implements AsyncDisposable {
  readonly #tenure: Tenure;
  readonly #transactions: Transactions;

  /** @internal Made by `Election` only. */
  constructor(tenure: Tenure, transactions: Transactions) {
    this.#tenure = tenure;
    this.#transactions = transactions;
  }

  /** The election's name. */
  get election(): string {
    return this.#tenure.options.name;
  }

  get candidateId(): string {
    return this.#tenure.options.candidateId;
  }

  /** The fencing token: a whole number, greater than that of every tenure before, never used again. */
  get term(): number {
    return this.#tenure.term;
  }

  /** The value that this leader publishes on the lease row. */
  get value(): string | undefined {
    return this.#tenure.lease.value;
  }

  /**
   * Aborts when the work should stop, with a `LeaseLostError` as its reason: a planned end (the lease is
   * kept while the work drains) or a loss. It is prompt, not proof: a blocked or frozen process runs no
   * timers, so before a step that must not be late ask `throwIfLost()`, which reads the clocks.
   */
  get signal(): AbortSignal {
    return this.#tenure.signal;
  }

  /** Milliseconds of trust left by the clocks as they are now; 0 once it is over or given back. Renewals prolong it. */
  remainingMs(): number {
    return Math.max(0, this.#tenure.workLeftMs());
  }

  /**
   * Throws `LeaseLostError` unless this candidate still leads and at least `minRemainingMs` milliseconds of trust
   * are left, by the worse of the monotonic and the wall clock at this very call. A flag that a timer sets
   * would lie here: after a pause of the process the flag is old, and the next leader may be at work.
   * @default minRemainingMs 0
   */
  throwIfLost(minRemainingMs = 0): void {
    if (typeof minRemainingMs !== "number" || !(minRemainingMs >= 0)) {
      throw new InvalidOptionError(
        "minRemainingMs",
        "must be a number of milliseconds from 0",
        minRemainingMs,
        2_000,
      );
    }
    const leftMs = this.#tenure.workLeftMs();
    if (!this.#tenure.mayWork) throw this.#tenure.lostError(-leftMs);
    if (leftMs < minRemainingMs) {
      const what = `has only ${Math.floor(leftMs)} ms of trust left, ${minRemainingMs} were asked for`;
      throw this.#tenure.lostError(leftMs - minRemainingMs, what);
    }
  }

  /**
   * Publishes another `value` on the lease row, with a renewal sent now. Resolves when it is there; rejects
   * with `LeaseLostError` when the leadership ends first, `InvalidOptionError` over 1,024 characters.
   */
  async proclaim(value: string | undefined): Promise<void> {
    checkValue(value);
    await this.#tenure.proclaim(value);
  }

  /**
   * Writes all of `actions` (1 to 99), or nothing, and only while this term leads: the lease row itself is
   * written in the same DynamoDB transaction, so no clock and no pause can let a stale leader through.
   * Calls made at the same time are committed together but stay independent. Plain or attribute values.
   *
   * Resolved means written once. Each transaction has a number on the lease row, and only one try of a number can
   * ever land, so every rejection but one means: not written, and it never will be. A refusal that is told costs
   * one more write of the lease row.
   *
   * `keys` names the key attributes of tables that you only `Put` into, so that such calls can share a transaction;
   * otherwise they are read once from `DescribeTable`, if that is allowed.
   *
   * @throws `FencedOutError` (a later term exists), `TransactionRefusedError` (one of these actions' own conditions
   * failed, or its item was busy for a whole lease), `LeaseLostError` (the leadership is over), `TableError`
   * (DynamoDB refuses the request), `InvalidOptionError`; and `TransactionUnknownError`, which alone does not say
   * whether it was written: no answer for a whole lease, two leaders since, or the lease row was deleted or restored.
   * (A lease row of this very term that is put back from a backup while a call is under way can make its answer wrong.)
   * @example
   * await leadership.transact([{ Put: { TableName: "ledger", Item: { id: "42", paid: true } } }]);
   */
  async transact(actions: readonly TransactionAction[], options: TransactOptions = {}): Promise<void> {
    checkCall(options, Object.keys(TRANSACT));
    const { keys } = options;
    checkKeys(keys);
    return this.#transactions.add(actions, keys);
  }

  /**
   * The same Put, Update or Delete input, with a condition: DynamoDB refuses it (`ConditionalCheckFailedException`)
   * once *this item* was written under a later term. That is weaker than `transact`: while the next leader has not
   * written the item, a stale leader's write to it passes. Use `transact` wherever the table takes transactions; use
   * this on multi-Region strongly consistent tables, or to spare a transaction, for items that stand each by itself
   * and that a new leader writes before it relies on them. Send the input with your own client.
   * @default fenceAttribute "fence"
   * @throws LeaseLostError if the leadership is already over.
   * @throws InvalidOptionError if it is not one Put, Update or Delete.
   */
  guard<T extends GuardInput>(input: T, fenceAttribute = "fence"): T {
    this.throwIfLost();
    return guardInput(input, this.term, fenceAttribute);
  }

  /**
   * Gives the lease back so that another can lead at once. Call it when the work has stopped: `signal` aborts, and
   * from this call on `throwIfLost` throws, since the next leader may begin at any moment.
   * A second call returns the same promise. Never rejects for the table's sake: see `ResignOutcome`.
   * While work still runs, `stepDown()` is what hands over without a gap.
   */
  resign(options: ResignOptions = {}): Promise<ResignOutcome> {
    checkCall(options, Object.keys(RESIGN));
    const { to, reserveForMs } = options;
    checkReserveFor(reserveForMs);
    checkSuccessor(to);
    if (to !== undefined) {
      return this.#tenure.release("handed-off", { reserve: this.#tenure.reservationFor(to) });
    }
    return this.#tenure.release("resigned", { reserve: this.#tenure.hold(reserveForMs) });
  }

  /**
   * Plans the end of this leadership: announces it to the followers with a renewal sent now, lets the work go on
   * until they have had time to look (about one `renewIntervalMs`), and only then aborts `signal`. `lead()` gives the
   * lease back as soon as the work has stopped; with `campaign()` you call `resign()` then. `to`: who should come
   * next. Returns at once.
   */
  stepDown(options: { to?: string | undefined } = {}): void {
    checkCall(options, ["to"]);
    const { to } = options;
    checkSuccessor(to);
    this.#tenure.announce(to === undefined ? "stepped-down" : "handed-off", to);
  }

  /** `await using` resigns at the end of the scope. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.resign();
  }
}
