import { backoffMs } from "./backoff.js";
import { sleep } from "./clock.js";
import {
  type ActionRefusal,
  FencedOutError,
  InvalidOptionError,
  TableUnavailableError,
  TransactionRefusedError,
  TransactionUnknownError,
} from "./errors.js";
import { MAX_ACTIONS, type TransactionAction } from "./fencing.js";
import { randomPart } from "./options.js";
import type { Requests } from "./requests.js";
import { type Action, toAction } from "./store/attributes.js";
import { ItemIdentity } from "./store/item-identity.js";
import type { Tenure } from "./tenure.js";

/** DynamoDB's limit is 4 MB; our estimate of an action's size is its JSON, which is larger than the item. */
const MAX_COMMIT_BYTES = 3_500_000;

/** Tries after the first before a commit without an answer is given up. */
const LEAST_TRIES = 2;

/** Codes that blame nobody: the same action may pass when asked again. */
const PASSING = new Set([
  "TransactionConflict",
  "ThrottlingError",
  "ProvisionedThroughputExceeded",
  "RequestLimitExceeded",
]);

interface Call {
  readonly actions: readonly Action[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** Must be committed by itself, since a commit that it was part of failed as a whole. */
  alone: boolean;
}

/**
 * Fenced transactions of one tenure. Every commit checks the lease row, so two at once would conflict with
 * each other: one is in flight at a time, and the calls that wait meanwhile are committed together.
 */
export class Commits {
  #queue: Call[] = [];
  #running = false;
  readonly #identity = new ItemIdentity();

  constructor(
    private readonly tenure: Tenure,
    private readonly requests: Requests,
  ) {}

  /** Resolves once all of `actions` are written. Rejects with nothing written, except `TransactionUnknownError`. */
  async add(actions: readonly TransactionAction[]): Promise<void> {
    if (!Array.isArray(actions) || actions.length === 0 || actions.length > MAX_ACTIONS) {
      throw new InvalidOptionError(
        "actions",
        `must be 1 to ${MAX_ACTIONS} actions (DynamoDB takes 100, the fence is one of them)`,
        actions,
        `two calls of at most ${MAX_ACTIONS}`,
      );
    }
    const converted = actions.map(toAction);
    if (!this.tenure.mayWork) throw this.tenure.lostError(-this.tenure.workLeftMs());
    await new Promise<void>((resolve, reject) => {
      const bytes = converted.reduce((sum, action) => sum + JSON.stringify(action).length, 0);
      this.#queue.push({ actions: converted, bytes, resolve, reject, alone: false });
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    let failures = 0;
    while (this.#queue.length > 0) {
      const batch = this.#takeBatch();
      const again = await this.#commit(batch);
      this.#queue.unshift(...again);
      // Only calls that were held up by others' conflicts or throttling make us slow down.
      failures = again.length === batch.length && batch.length > 0 ? failures + 1 : 0;
      if (failures > 0) await this.#backoff(failures);
    }
    this.#running = false;
  }

  /** The first call, and those behind it that fit beside it. Calls on one item keep their order. */
  #takeBatch(): Call[] {
    const [first, ...rest] = this.#queue as [Call, ...Call[]];
    const batch = [first];
    const passed: Call[] = [];
    let count = first.actions.length;
    let bytes = first.bytes;
    for (const call of rest) {
      const fits =
        !first.alone &&
        !call.alone &&
        count + call.actions.length <= MAX_ACTIONS &&
        bytes + call.bytes <= MAX_COMMIT_BYTES &&
        ![...batch, ...passed].some((other) => this.#identity.mayMeet(other.actions, call.actions));
      if (!fits) {
        passed.push(call);
        continue;
      }
      batch.push(call);
      count += call.actions.length;
      bytes += call.bytes;
    }
    this.#queue = passed;
    return batch;
  }

  /** Settles what can be settled; returns the calls that must be sent again. */
  async #commit(batch: Call[]): Promise<Call[]> {
    const { options } = this.tenure;
    const token = randomPart(options.random);
    const actions = batch.flatMap((call) => call.actions);
    const giveUpMs = this.requests.now().monotonicMs + options.leaseDurationMs;
    let unknown: unknown;
    for (let failures = 0; ; failures++) {
      if (unknown === undefined && !this.tenure.mayWork) {
        return this.#rejectAll(batch, this.tenure.lostError(-this.tenure.workLeftMs()));
      }
      try {
        const { answer } = await this.tenure.lane.run(() =>
          this.requests.send("commit a transaction", (store, _sent, signal) => {
            const { name: election, candidateId } = options;
            return store.transact({ election, candidateId, term: this.tenure.term, actions, token }, signal);
          }),
        );
        if (answer.done) {
          for (const call of batch) call.resolve();
          return [];
        }
        if (!answer.fenced) return this.#sortOut(batch, answer.refusals);
        this.tenure.superseded(answer.lease);
        return this.#rejectAll(batch, new FencedOutError(options.name, this.tenure.term, answer.lease?.term));
      } catch (error) {
        if (!(error instanceof TableUnavailableError)) return this.#isolate(batch, error);
        // Perhaps it landed: the same token and actions again tell, and do nothing twice.
        unknown = error;
        // Not by the clock alone: after a freeze that is long past, and one more try would tell.
        if (failures >= LEAST_TRIES && this.requests.now().monotonicMs >= giveUpMs) {
          return this.#rejectAll(
            batch,
            new TransactionUnknownError(options.name, this.tenure.term, { cause: error }),
          );
        }
        await this.#backoff(failures);
      }
    }
  }

  /** The commit was refused: each call whose own action was to blame is told so, the others go again. */
  #sortOut(batch: Call[], refusals: readonly ActionRefusal[]): Call[] {
    let offset = 0;
    return batch.filter((call) => {
      const own = refusals.slice(offset, offset + call.actions.length);
      offset += call.actions.length;
      const guilty = own.some(({ code }) => code !== "None" && !PASSING.has(code));
      if (guilty) call.reject(new TransactionRefusedError(own));
      return !guilty;
    });
  }

  /** DynamoDB refused the request itself and named nobody: one at a time shows whose fault it was. */
  #isolate(batch: Call[], error: unknown): Call[] {
    if (batch.length === 1) return this.#rejectAll(batch, error);
    for (const call of batch) call.alone = true;
    return batch;
  }

  #rejectAll(batch: Call[], error: unknown): Call[] {
    for (const call of batch) call.reject(error);
    return [];
  }

  #backoff(failures: number): Promise<void> {
    const { clock, renewIntervalMs, random } = this.tenure.options;
    return sleep(clock, backoffMs(failures, renewIntervalMs / 4, random));
  }
}
