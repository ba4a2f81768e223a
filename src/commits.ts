import { backoffMs } from "./backoff.js";
import { sleep } from "./clock.js";
import { type Call, CommitQueue } from "./commit-queue.js";
import {
  type ActionRefusal,
  FencedOutError,
  InvalidOptionError,
  TableUnavailableError,
  TransactionRefusedError,
  TransactionUnknownError,
} from "./errors.js";
import { fateOf } from "./fate.js";
import { MAX_ACTIONS, type TransactionAction } from "./fencing.js";
import type { Lease } from "./lease.js";
import { randomPart } from "./options.js";
import type { Requests } from "./requests.js";
import { toAction } from "./store/attributes.js";
import { touchedBy } from "./store/item-keys.js";
import type { Transacted } from "./store/lease-store.js";
import { TableKeys } from "./table-keys.js";
import type { Tenure } from "./tenure.js";

/** Tries after the first before a commit without an answer is given up. */
const LEAST_TRIES = 2;

/** Codes that do not blame what an action says: the same action may pass when asked again. */
const PASSING = new Set([
  "TransactionConflict",
  "ThrottlingError",
  "ProvisionedThroughputExceeded",
  "RequestLimitExceeded",
]);

/** The content of the number that is about to be decided: a way to group calls, under an id of its own. */
interface Content {
  readonly id: string;
  readonly calls: readonly Call[];
}

/**
 * Fenced transactions of one tenure, numbered on the lease row (docs/protocol.md, "Numbered transactions"). One is
 * in flight at a time; calls that wait meanwhile are committed together. Whatever lands as number *n* keeps out all
 * else that was ever sent as *n*, so a call is told "refused" only once something without it has landed, and its
 * outcome is read, never guessed.
 */
export class Commits {
  readonly #queue = new CommitQueue();
  readonly #keys: TableKeys;
  #running = false;
  #number = 1;
  /** All that was sent under this number. */
  #sent = new Map<string, readonly Call[]>();
  /** Refused, and to be told so when something without them has landed. */
  #refused = new Map<Call, unknown>();
  #wake = () => {};

  constructor(
    private readonly tenure: Tenure,
    private readonly requests: Requests,
  ) {
    this.#keys = new TableKeys(requests);
  }

  /** Resolves once all of `actions` are written. Rejects with nothing written, except `TransactionUnknownError`. */
  async add(actions: readonly TransactionAction[], keys: Readonly<Record<string, readonly string[]>> = {}) {
    if (!Array.isArray(actions) || actions.length === 0 || actions.length > MAX_ACTIONS) {
      throw new InvalidOptionError(
        "actions",
        `must be 1 to ${MAX_ACTIONS} actions (DynamoDB takes 100, the fence is one of them)`,
        actions,
        `two calls of at most ${MAX_ACTIONS}`,
      );
    }
    const converted = actions.map(toAction);
    this.#keys.told(keys);
    if (!this.tenure.mayWork) throw this.tenure.lostError(-this.tenure.workLeftMs());
    await new Promise<void>((resolve, reject) => {
      const touched = once(() => touchedBy(converted, this.#keys.names));
      const bytes = converted.reduce((sum, action) => sum + JSON.stringify(action).length, 0);
      const fresh = { settled: false, sentMs: undefined, conflicts: 0, retryAtMs: 0 };
      this.#queue.add({ actions: converted, bytes, touched, resolve, reject, ...fresh });
      this.#wake();
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    while (!this.#queue.isEmpty || this.#refused.size > 0) {
      if (!this.tenure.mayWork) {
        await this.#conclude();
        continue;
      }
      await this.#keys.learn(this.#queue.next.flatMap(({ actions }) => actions));
      const calls = this.#queue.take(this.#nowMs);
      if (calls.length > 0 || this.#refused.size > 0) await this.#commit(calls);
      else await this.#pause((this.#queue.retryAtMs ?? this.#nowMs) - this.#nowMs);
    }
    this.#running = false;
  }

  /** Sends these calls, or with none of them the number alone, until there is an answer or no hope of one. */
  async #commit(calls: readonly Call[]): Promise<void> {
    const content = { id: randomPart(this.tenure.options.random), calls };
    this.#sent.set(content.id, calls);
    for (const call of calls) call.sentMs ??= this.#nowMs;
    for (let failures = 0; ; failures++) {
      try {
        return this.#judge(content, await this.#send(content));
      } catch (error) {
        if (calls.length > 0 && !(error instanceof TableUnavailableError)) return this.#blame(calls, error);
        if (failures >= LEAST_TRIES && this.#giveUp(calls, error)) return;
      }
      await sleep(this.tenure.options.clock, this.#backoffMs(failures));
      // Nothing that a user asked for is sent without trust; what may have landed is concluded otherwise.
      if (calls.length > 0 && !this.tenure.mayWork) return this.#queue.putBack(calls);
    }
  }

  async #send({ id, calls }: Content): Promise<Transacted> {
    const { options, term, lane } = this.tenure;
    const { name: election, candidateId } = options;
    const request = {
      election,
      candidateId,
      term,
      actions: calls.flatMap(({ actions }) => actions),
      commit: { number: this.#number, id },
    };
    const { answer } = await lane.run(() =>
      this.requests.send("commit a transaction", (store, _sent, signal) => store.transact(request, signal)),
    );
    return answer;
  }

  #judge(content: Content, answer: Transacted): void {
    if (answer.done) this.#decided(content.id);
    else if (!answer.fenced) this.#sortOut(content.calls, answer.refusals);
    else {
      this.#readFate(answer.lease);
      this.#queue.putBack(content.calls);
    }
  }

  /** This content has landed, so nothing else of this number ever will. */
  #decided(id: string): void {
    for (const call of this.#sent.get(id) ?? []) this.#settle(call, call.resolve);
    for (const [call, error] of this.#refused) this.#reject(call, error);
    this.#next();
  }

  /** The lease row refused: it tells what has landed, and whether this term goes on. */
  #readFate(lease: Lease | undefined): void {
    const { options, term } = this.tenure;
    const { name, candidateId } = options;
    const fate = fateOf(lease, { candidateId, term, number: this.#number });
    // It refused, and says that it would not: whatever that is, it is no answer.
    if (fate.kind === "open") throw new TableUnavailableError("decide a transaction");
    if (fate.kind === "landed" && this.#sent.has(fate.id)) {
      this.#decided(fate.id);
      if (lease?.holder === candidateId && lease.term === term) return;
    } else if (fate.kind === "never") {
      const error = lease?.term === term ? this.#lostError() : new FencedOutError(name, term, lease?.term);
      for (const call of this.#unsettled()) this.#reject(call, this.#refused.get(call) ?? error);
      this.#next();
    } else {
      for (const call of this.#unsettled()) this.#settleUnknown(call, this.#refused.get(call));
      this.#next();
    }
    // By its own release, the tenure knows.
    const isGivenBack = lease?.term === term && lease.holder === undefined;
    if (!isGivenBack) this.tenure.superseded(lease);
  }

  /** Those whose own action was to blame are refused; those that met others' writes go on by themselves. */
  #sortOut(calls: readonly Call[], refusals: readonly ActionRefusal[]): void {
    let offset = 0;
    const innocent: Call[] = [];
    for (const call of calls) {
      const own = refusals.slice(offset, offset + call.actions.length);
      offset += call.actions.length;
      const codes = own.map(({ code }) => code).filter((code) => code !== "None");
      const isOver = this.#nowMs - (call.sentMs ?? 0) >= this.tenure.options.leaseDurationMs;
      if (codes.length === 0) innocent.push(call);
      else if (isOver || codes.some((code) => !PASSING.has(code)))
        this.#refused.set(call, new TransactionRefusedError(own));
      else this.#retryAlone(call);
    }
    this.#queue.putBack(innocent);
  }

  #retryAlone(call: Call): void {
    call.retryAtMs = this.#nowMs + this.#backoffMs(call.conflicts);
    call.conflicts += 1;
    this.#queue.setAlone([call]);
  }

  /** DynamoDB refused the request itself and named nobody: one at a time shows whose fault it was. */
  #blame(calls: readonly Call[], error: unknown): void {
    const [only, ...others] = calls;
    if (only && others.length === 0) this.#refused.set(only, error);
    else this.#queue.setAlone(calls);
  }

  /** After a whole lease without an answer: whether these have landed is not known. */
  #giveUp(calls: readonly Call[], cause: unknown): boolean {
    const { leaseDurationMs } = this.tenure.options;
    const waiting = calls.length > 0 ? calls : this.#unsettled();
    const isOver = ({ sentMs = 0 }: Call) => this.#nowMs - sentMs >= leaseDurationMs;
    if (!waiting.every(isOver)) return false;
    for (const call of waiting) this.#settleUnknown(call, cause);
    this.#queue.dropSettled();
    return true;
  }

  /**
   * The tenure is over, or being given back. What was never sent is not written. The rest is decided by a write of
   * the lease row alone: either it lands, and keeps out all that is still under way, or the row tells what has landed.
   */
  async #conclude(): Promise<void> {
    const undecided = new Set(this.#unsettled());
    for (const call of this.#queue.all) {
      if (!undecided.has(call)) this.#reject(call, this.#lostError());
    }
    this.#queue.dropSettled();
    if (undecided.size > 0) await this.#commit([]);
  }

  /** Calls of which a request under this number may be under way. */
  #unsettled(): Call[] {
    const sent = [...this.#sent.values()].flat();
    return [...new Set([...sent, ...this.#refused.keys()])].filter(({ settled }) => !settled);
  }

  #settle(call: Call, how: () => void): void {
    call.settled = true;
    this.#refused.delete(call);
    how();
  }

  #reject(call: Call, error: unknown): void {
    this.#settle(call, () => call.reject(error));
  }

  #settleUnknown(call: Call, cause: unknown): void {
    const { options, term } = this.tenure;
    this.#reject(call, new TransactionUnknownError(options.name, term, { cause }));
  }

  #next(): void {
    this.#number += 1;
    this.#sent.clear();
    this.#queue.dropSettled();
  }

  #lostError(): Error {
    return this.tenure.lostError(-this.tenure.workLeftMs());
  }

  get #nowMs(): number {
    return this.requests.now().monotonicMs;
  }

  #backoffMs(failures: number): number {
    const { renewIntervalMs, random } = this.tenure.options;
    return backoffMs(failures, renewIntervalMs / 4, random);
  }

  /** Until the time is up, or another call comes. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.tenure.options.clock.setTimer(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
