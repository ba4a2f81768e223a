import { checkCall, checkKeys, checkReserveFor, checkSuccessor, checkValue } from "../arguments.js";
import { InvalidOptionError } from "../errors.js";
import type { ResignOutcome } from "../events.js";
import type { LeaseClient } from "../lease-client.js";
import { type GuardInput, guardInput, type TransactionAction } from "../store/fencing.js";
import { reservationForGroup } from "./reservations.js";
import type { Tenure } from "./tenure.js";
import { Transactions } from "./transactions.js";

/** The options of `resign()`. */
export interface ResignOptions {
  /**
   * The `candidateId` of the next leader. The lease is reserved for it until it must have polled; then any candidate may
   * take it.
   * @default any candidate
   */
  to?: string | undefined;
  /**
   * How long the lease stays reserved for this candidate's `group` (without a group: for this candidate), in
   * milliseconds: 1 to 2,678,400,000 (31 days). Nobody renews it meanwhile, and other candidates wait.
   * @default not reserved
   */
  reserveForMs?: number | undefined;
}

/** The options of `transact()`. */
export interface TransactOptions {
  /** The names of your tables' key attributes, by table: `{ ledger: ["id"] }`. @default read from the table */
  keys?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Typed, so that no option is forgotten. */
const RESIGN: Record<keyof ResignOptions, 0> = { to: 0, reserveForMs: 0 };
const TRANSACT: Record<keyof TransactOptions, 0> = { keys: 0 };

/** One term of one leader: what the elected candidate works with. */
export class Leadership implements AsyncDisposable {
  readonly #tenure: Tenure;
  readonly #client: LeaseClient;
  /** Made at the first call. */
  #transactions: Transactions | undefined;

  /** @internal Made by `Election` only. */
  constructor(tenure: Tenure, client: LeaseClient) {
    this.#tenure = tenure;
    this.#client = client;
  }

  /** The election's name. */
  get election(): string {
    return this.#tenure.options.name;
  }

  /** The leader's id. */
  get candidateId(): string {
    return this.#tenure.options.candidateId;
  }

  /** The fencing token: a whole number, higher than the term of each leader before. It is never used again. */
  get term(): number {
    return this.#tenure.term;
  }

  /** The value that this leader publishes on the lease row. Undefined: none. */
  get value(): string | undefined {
    return this.#tenure.lease.value;
  }

  /**
   * Aborts when the work must stop, with a `LeaseLostError` as its reason. The end is planned (the lease is renewed while
   * the work stops), or the lease was lost. A blocked or frozen process runs no timers, so the signal can be late there:
   * call `throwIfLost()`, which reads the clocks, before a step that must not be late.
   */
  get signal(): AbortSignal {
    return this.#tenure.signal;
  }

  /**
   * Tells how long this candidate may still trust its lease, in milliseconds, by the clocks at this call. Each renewal
   * extends it. It is 0 when the leadership is over, or the lease is being given back.
   * @throws nothing.
   * @example
   * if (leadership.remainingMs() < 5_000) return;
   * await sendInvoices();
   */
  remainingMs(): number {
    return Math.max(0, this.#tenure.workLeftMs());
  }

  /**
   * Throws unless this candidate still leads. It reads the clocks at this call: a flag that a timer sets is out of date
   * after a pause of the process, when the next leader may be at work already.
   * @param minRemainingMs how much trust must be left, in milliseconds. @default 0
   * @throws LeaseLostError: the leadership is over, or less trust is left.
   * @throws InvalidOptionError: `minRemainingMs` is not a number from 0.
   * @example
   * leadership.throwIfLost(2_000);
   * await sendInvoices();
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
   * Publishes another `value` on the lease row, with a renewal that is sent now. Resolves when the row has it.
   * @param value at most 1,024 characters. Undefined removes the value.
   * @throws LeaseLostError: the leadership ended first.
   * @throws InvalidOptionError: `value` is no string, or it is too long.
   * @example
   * await leadership.proclaim("http://10.0.0.7:8080");
   */
  async proclaim(value: string | undefined): Promise<void> {
    checkValue(value);
    await this.#tenure.proclaim(value);
  }

  /**
   * Writes all `actions`, or none of them, and only while this term leads. The same DynamoDB transaction writes the lease
   * row, so a leader that was replaced is refused, whatever its clocks say.
   *
   * When it resolves, the actions were written once. Each error but `TransactionUnknownError` means that they were not
   * written and never will be. Calls that are made at the same time share a transaction, and each has its own outcome.
   * A refusal costs one more write of the lease row.
   * @param actions 1 to 99, with plain values or attribute values.
   * @param options `keys` names the key attributes of tables that you only `Put` into, so that such calls can share a
   * transaction. Without it they are read once with `DescribeTable`, if that is allowed.
   * @throws FencedOutError: a later term exists.
   * @throws LeaseLostError: the leadership is over.
   * @throws TransactionRefusedError: a condition of these actions failed, DynamoDB finds them malformed, or one of their
   * items was busy for a whole lease.
   * @throws TableError: one of the tables is missing, or refuses access.
   * @throws InvalidOptionError: an action or an option cannot work.
   * @throws TransactionUnknownError: nobody can tell whether they were written, because no answer came for a whole lease,
   * two leaders followed, or the lease row was deleted or restored. (If a backup of this very term is restored while a
   * call is under way, the outcome that the call reports can be wrong.)
   * @example
   * await leadership.transact([{ Put: { TableName: "ledger", Item: { id: "42", paid: true } } }]);
   */
  async transact(actions: readonly TransactionAction[], options: TransactOptions = {}): Promise<void> {
    checkCall(options, Object.keys(TRANSACT));
    const { keys } = options;
    checkKeys(keys);
    this.#transactions ??= new Transactions(this.#tenure, this.#client);
    return this.#transactions.add(actions, keys);
  }

  /**
   * Adds a condition to one Put, Update or Delete: DynamoDB refuses it (`ConditionalCheckFailedException`) when *this
   * item* was written under a later term. You send the result with your own client.
   *
   * It is weaker than `transact`: a write of an old leader passes until the next leader has written the item. Use
   * `transact` where the table takes transactions. Use this on multi-Region strongly consistent tables, or to save the
   * cost of a transaction, for items that do not depend on one another and that a new leader writes before it relies on
   * them.
   * @param input is not changed.
   * @param fenceAttribute the attribute of the item that holds the term. @default "fence"
   * @returns the input, with the condition.
   * @throws LeaseLostError: the leadership is over.
   * @throws InvalidOptionError: `input` is not one Put, Update or Delete.
   * @example
   * const put = leadership.guard({ TableName: "ledger", Item: { id: "42", paid: true } });
   * await documents.send(new PutCommand(put));
   */
  guard<T extends GuardInput>(input: T, fenceAttribute = "fence"): T {
    this.throwIfLost();
    return guardInput(input, this.term, fenceAttribute);
  }

  /**
   * Gives the lease back, so that another candidate can lead at once. Call it when the work has stopped: the next leader
   * may begin at any moment, so `signal` aborts and `throwIfLost` throws from this call on. While work still runs, call
   * `stepDown()` instead.
   * @returns the outcome. It does not reject when the table does not answer. A second call returns the same outcome.
   * @throws InvalidOptionError: an option cannot work.
   * @example
   * const outcome = await leadership.resign();
   * if (outcome === "unconfirmed") console.warn("the lease runs out by itself");
   */
  async resign(options: ResignOptions = {}): Promise<ResignOutcome> {
    checkCall(options, Object.keys(RESIGN));
    const { to, reserveForMs } = options;
    checkReserveFor(reserveForMs);
    checkSuccessor(to);
    const tenure = this.#tenure;
    if (to !== undefined) return tenure.release("handed-off", { reserve: tenure.reservationFor(to) });
    return tenure.release("resigned", { reserve: reservationForGroup(reserveForMs, tenure.options) });
  }

  /**
   * Announces the end of this leadership and returns at once. The work goes on until the followers have polled once
   * (about one `renewIntervalMs`, or up to three for a candidate further back in the line; if no candidate waits, not at all); then `signal` aborts. `lead()` gives the lease back when the work has stopped; after
   * `campaign()` you call `resign()`.
   * @param options `to`: the `candidateId` of the next leader. @default any candidate
   * @throws InvalidOptionError: an option cannot work.
   * @example
   * leadership.stepDown();
   * leadership.signal.addEventListener("abort", () => leadership.resign());
   */
  stepDown(options: { to?: string | undefined } = {}): void {
    checkCall(options, ["to"]);
    const { to } = options;
    checkSuccessor(to);
    this.#tenure.announce(to === undefined ? "stepped-down" : "handed-off", to);
  }

  /**
   * Resigns at the end of the scope of `await using`.
   * @throws nothing.
   * @example
   * await using leadership = await election.campaign();
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.resign();
  }
}
