import { backoffMs } from "../async.js";
import {
  type ActionRefusal,
  InternalError,
  TableUnavailableError,
  TransactionRefusedError,
} from "../errors.js";
import type { LeaseClient } from "../lease-client.js";
import type { Transacted } from "../protocol/verbs.js";
import { randomPart } from "../random.js";
import type { TransactionAction } from "../store/fencing.js";
import { sizeOf } from "../store/item-size.js";
import { toActions } from "../store/transaction.js";
import { TableKeys } from "./table-keys.js";
import type { Tenure } from "./tenure.js";
import type { Content, UndecidedNumber } from "./transaction-number.js";
import { TransactionOutcomes } from "./transaction-outcomes.js";
import { type Call, TransactionQueue } from "./transaction-queue.js";
import { sortRefused } from "./transaction-refusals.js";
import { WakeableTimer } from "./wakeable-timer.js";

/** More tries after the first one, before a content without an answer is divided, or a call ends as unknown. */
const MIN_TRIES = 2;

/** A leadership may end meanwhile, and waiting calls should end soon after it. */
const MAX_BACKOFF_MS = 1_000;

/**
 * The fenced transactions of one tenure, numbered on the lease row (rule 9). One is in flight at a time, and
 * calls that wait meanwhile are committed together. Whatever lands as number *n* keeps out everything else that
 * was ever sent as *n*. So a call is refused only once something without it has landed, and its outcome
 * is read, never guessed.
 */
export class Transactions {
  readonly #queue = new TransactionQueue();
  readonly #keys: TableKeys;
  readonly #outcomes: TransactionOutcomes;
  /**
   * What is sent next, before calls that wait: the innocent calls of a refused content, or a content without an
   * answer.
   */
  #resend: Content | undefined;
  #ids = 0;
  #running = false;
  readonly #timer: WakeableTimer;
  /** While true, only the end of the leadership ends the wait early, and no call does. */
  #isBackingOff = false;

  constructor(
    private readonly tenure: Tenure,
    private readonly client: LeaseClient,
  ) {
    const { signal, options } = tenure;
    this.#keys = new TableKeys(client, options.clock, signal);
    this.#outcomes = new TransactionOutcomes(tenure);
    this.#timer = new WakeableTimer(options.clock);
    signal.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /**
   * Resolves once all of `actions` are written. Every rejection but `TransactionUnknownError` means that
   * nothing was written.
   */
  async add(actions: readonly TransactionAction[], keys: Readonly<Record<string, readonly string[]>> = {}) {
    const converted = toActions(actions);
    this.#keys.given(keys);
    this.#keys.checkDistinct(converted);
    if (!this.tenure.mayWork) throw this.#outcomes.lostError();
    this.#keys.need(converted);
    await new Promise<void>((resolve, reject) => {
      const bytes = converted.reduce((sum, action) => sum + sizeOf(action), 0);
      const touched = this.#keys.touchedBy(converted);
      const fresh = { settled: false, sentMs: undefined, tries: 0 };
      this.#queue.add({ actions: converted, bytes, touched, resolve, reject, ...fresh });
      this.#wake();
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    // Calls that come in the same turn of the event loop share a transaction.
    await Promise.resolve();
    try {
      while (!this.#isIdle) {
        const content = this.tenure.mayWork ? this.#choose() : this.#decideRest();
        if (content) await this.#try(content);
        else if (!this.#isIdle) await this.#timer.wait((this.#queue.retryAtMs ?? this.#nowMs) - this.#nowMs);
      }
    } catch (error) {
      // Our own fault: no call may wait for ever, and no outcome is known.
      const left = [...this.#open.unsettled, ...(this.#resend?.calls ?? []), ...this.#queue.all];
      for (const call of left) this.#outcomes.settleUnknown(call, error);
      this.#resend = undefined;
      this.#queue.dropSettled();
    } finally {
      this.#running = false;
    }
  }

  get #isIdle(): boolean {
    return this.#queue.isEmpty && this.#resend === undefined && !this.#open.hasRefused;
  }

  /**
   * What is sent next (rule 9c). After a refusal only the calls go again that were sent with the refused one,
   * or none. So each try under a number is smaller than the one before, and a stream of calls that fail cannot
   * keep the number open.
   */
  #choose(): Content | undefined {
    const resend = this.#resend;
    this.#resend = undefined;
    if (resend) return resend;
    if (this.#open.hasRefused || this.#open.isFull) return this.#content([], false);
    const { calls, isSeparate } = this.#queue.take(this.#nowMs);
    return calls.length > 0 ? this.#content(calls, isSeparate) : undefined;
  }

  /**
   * Rule 9f. The tenure is over, or is being given back. What was never sent is not written. The rest is
   * decided by a write of the lease row alone: either it lands, and keeps out all that is still on its way, or
   * the row tells what has landed.
   */
  #decideRest(): Content | undefined {
    const resend = this.#resend;
    this.#resend = undefined;
    this.#queue.putBack(resend?.calls ?? []);
    const undecided = new Set(this.#open.unsettled);
    for (const call of this.#queue.all) {
      if (!undecided.has(call)) this.#outcomes.reject(call, this.#outcomes.lostError());
    }
    this.#queue.dropSettled();
    if (undecided.size === 0) return undefined;
    return resend?.calls.length === 0 ? resend : this.#content([], false);
  }

  async #try(content: Content): Promise<void> {
    content.tries += 1;
    let answer: Transacted | undefined;
    try {
      answer = await this.#send(content);
      if (answer) this.#handleAnswer(content, answer);
      // Trust ended while it waited, so it was not sent.
      else this.#queue.putBack(content.calls);
    } catch (error) {
      if (error instanceof InternalError) {
        this.tenure.fail(error);
        throw error;
      }
      if (content.calls.length > 0 && !(error instanceof TableUnavailableError))
        this.#handleRequestError(content, error);
      else await this.#handleNoAnswer(content, error);
    }
  }

  async #send(content: Content): Promise<Transacted | undefined> {
    const { term, writes } = this.tenure;
    const { id, calls } = content;
    return writes.run(async () => {
      if (calls.length > 0 && !this.tenure.mayWork) return undefined;
      this.#open.sends(content);
      for (const call of calls) {
        call.sentMs ??= this.#nowMs;
        call.tries += 1;
      }
      const commit = { number: this.#open.number, id };
      const actions = calls.flatMap((call) => call.actions);
      const { answer } = await this.client.transact(term, commit, actions);
      return answer;
    });
  }

  #handleAnswer(content: Content, answer: Transacted): void {
    if (answer.done) {
      this.#keys.proven(content.calls.flatMap(({ actions }) => actions));
      this.#outcomes.decided(content.id);
    } else if (answer.fenced) {
      this.#outcomes.readFate(answer);
      this.#queue.putBack(content.calls);
      this.#queue.dropSettled();
    } else {
      this.#handleRefusals(content.calls, answer.refusals);
    }
  }

  /** Calls whose own action was to blame are refused. Calls that met others' writes go on alone (rule 9g). */
  #handleRefusals(calls: readonly Call[], refusals: readonly ActionRefusal[]): void {
    const { innocent, delayed, toBlame } = sortRefused(calls, refusals);
    const tooOld = delayed.filter(({ call }) => this.#isOld(call));
    for (const { call, own } of [...toBlame, ...tooOld]) {
      this.#open.refuse(call, new TransactionRefusedError(own));
    }
    for (const { call } of delayed) {
      if (!this.#isOld(call)) this.#queue.sendSeparately([call], this.#retryAtMs(call.tries - 1));
    }
    if (innocent.length > 0) this.#resend = this.#content(innocent, false);
  }

  /**
   * DynamoDB refused the request itself without naming an action. Fewer and fewer calls at a time show which
   * one was to blame (rule 9g).
   */
  #handleRequestError({ calls }: Content, error: unknown): void {
    const [only, ...others] = calls;
    if (only && others.length === 0) this.#open.refuse(only, error);
    else this.#queue.divide(calls, this.#nowMs);
  }

  /**
   * Rule 9e. The same content is sent again under the same number. When that does not help it is sent in parts,
   * behind the others.
   */
  async #handleNoAnswer(content: Content, cause: unknown): Promise<void> {
    const isAlone = content.calls.length === 0;
    for (const call of isAlone ? this.#open.unsettled : content.calls) {
      // Not by the clock alone: after a freeze the time has long passed, and one more try could tell the
      // outcome.
      const tries = isAlone ? content.tries : call.tries;
      if (this.#isOld(call) && tries > MIN_TRIES) this.#outcomes.settleUnknown(call, cause);
    }
    this.#queue.dropSettled();
    const calls = content.calls.filter(({ settled }) => !settled);
    const failures = content.tries - 1;
    const isWhole = calls.length === content.calls.length && !content.isSeparate && !this.#open.hasRefused;
    if (isAlone || (isWhole && failures < MIN_TRIES)) {
      if (!isAlone || this.#open.unsettled.length > 0) this.#resend = content;
      this.#isBackingOff = true;
      await this.#timer.wait(this.#backoffMs(failures));
      this.#isBackingOff = false;
    } else if (calls.length > 0) {
      const tries = Math.min(...calls.map((call) => call.tries));
      this.#queue.divide(calls, this.#retryAtMs(content.isSeparate ? tries : 0));
    }
  }

  /** A whole lease has passed since it was first sent. */
  #isOld({ sentMs }: Call): boolean {
    return sentMs !== undefined && this.#nowMs - sentMs >= this.tenure.options.leaseDurationMs;
  }

  /**
   * The id is unique in this tenure by counting, and among all others by chance: DynamoDB remembers ids for ten
   * minutes.
   */
  #content(calls: readonly Call[], isSeparate: boolean): Content {
    this.#ids += 1;
    const place = [this.tenure.term, this.#ids].map((n) => n.toString(36)).join("-");
    return { id: `${place}-${randomPart(this.tenure.options.random)}`, calls, isSeparate, tries: 0 };
  }

  /** What is decided next. */
  get #open(): UndecidedNumber {
    return this.#outcomes.open;
  }

  get #nowMs(): number {
    return this.client.time.now().monotonicMs;
  }

  #retryAtMs(failures: number): number {
    return this.#nowMs + this.#backoffMs(failures);
  }

  #backoffMs(failures: number): number {
    const { renewIntervalMs, random } = this.tenure.options;
    return backoffMs(failures, Math.min(renewIntervalMs / 4, MAX_BACKOFF_MS), random);
  }

  #wake(): void {
    if (!(this.#isBackingOff && this.tenure.mayWork)) this.#timer.wake();
  }
}
