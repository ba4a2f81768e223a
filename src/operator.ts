import { checkCall, checkSuccessor } from "./arguments.js";
import { retry } from "./async.js";
import { InvalidOptionError, LeaseHeldError, TableUnavailableError } from "./errors.js";
import { checkNames } from "./known-names.js";
import { LeaseClient } from "./lease-client.js";
import { RUNTIME_PATHS } from "./option-names.js";
import type { Runtime } from "./options.js";
import { type Leader, leaderOf } from "./protocol/leader.js";
import { endedTerm, type Lease, sessionOf } from "./protocol/lease.js";
import { normalTick, type Tick } from "./protocol/tick-form.js";
import { lastTickOf } from "./protocol/ticks.js";
import type { Written } from "./protocol/verbs.js";
import { randomPart } from "./random.js";
import { type ResolvedOptions, resolveOptions } from "./resolve-options.js";
import { storeOf, type TableOptions } from "./store/open-store.js";
import type { Timed } from "./timed-request.js";

/** The options of an `Operator`. */
export type OperatorOptions = TableOptions & {
  /** The election's name: 1 to 200 of `A-Z a-z 0-9 . _ / -`. */
  name: string;
  /** Your name, 1 to 200 characters. The lease row shows it to people. @default "operator" */
  by?: string | undefined;
  /** The clocks and the source of randomness, for tests and simulations. @default the system's */
  runtime?: Runtime | undefined;
};

/** Typed, so that no option is forgotten. */
const NAMES: Record<keyof OperatorOptions, 0> = {
  client: 0,
  tableName: 0,
  store: 0,
  name: 0,
  by: 0,
  runtime: 0,
};

/** The outcome of an operator's request. */
export interface Asked {
  /** False: nobody led, there was nothing to change, or somebody else made another change meanwhile. */
  readonly done: boolean;
  /** The leader when the request was made. */
  readonly leader: Leader | undefined;
}

/** The outcome of `resetTick()`. */
export interface ResetTicks {
  /**
   * False: no term was ever led on this row, or your reset is not on the row because somebody changed the row meanwhile.
   * `status` shows the last tick now. In the second case your reset may have counted until then.
   */
  readonly done: boolean;
  /** The last tick before. Undefined: there was none. */
  readonly from: string | undefined;
  /** The last tick now, if it is done. Undefined: there is none, and each tick runs again. */
  readonly to: string | undefined;
}

const TRIES = 5;
/** How often candidates poll a paused placeholder. */
const PAUSED_POLL_MS = 1_000;

/**
 * Changes an election from outside. Each call is one conditional write on the row that it has read. So it never affects
 * a leader that came later, and never undoes a later request. A call whose request gets no answer tries again, five
 * times in all.
 */
export class Operator {
  readonly #client: LeaseClient;
  readonly #options: ResolvedOptions;
  readonly #by: string;

  /**
   * Sends nothing.
   * @throws InvalidOptionError: an option cannot work.
   * @example
   * const operator = new Operator({ client, name: "billing/nightly", by: "ana" });
   */
  constructor(options: OperatorOptions) {
    checkNames(options, [...Object.keys(NAMES), ...RUNTIME_PATHS]);
    const { by = "operator", name, runtime } = options;
    this.#options = resolveOptions({ name, runtime }, () => "operator");
    if (typeof by !== "string" || by.length === 0 || by.length > 200) {
      throw new InvalidOptionError("by", "must be a string of 1 to 200 characters", by, "ana");
    }
    this.#by = by;
    this.#client = new LeaseClient(storeOf(options), this.#options, () => {});
  }

  /**
   * Asks the leader to hand over. The leader reads the request with its next renewal, announces its end, stops its work
   * and gives the lease back.
   * @param options `to`: the `candidateId` of the next leader, as `candidates()` lists it. @default any candidate
   * @throws InvalidOptionError: an option cannot work.
   * @throws TableUnavailableError, TableError, MalformedLeaseError, SchemaVersionError: the row could not be read or
   * written.
   * @example
   * const { done, leader } = await operator.requestStepDown();
   * if (done) console.log(leader?.candidateId, "was asked to step down");
   */
  async requestStepDown(options: { to?: string | undefined } = {}): Promise<Asked> {
    checkCall(options, ["to"]);
    const { to } = options;
    checkSuccessor(to);
    return this.#onLeader(({ term }) => this.#client.requestStepDown(term, this.#by, to));
  }

  /**
   * Takes the lease away at once. From now on DynamoDB refuses the leader's fenced writes. The leader may not know yet:
   * until its lease has run out it can still change systems that check no fence, so nobody else is elected before that.
   * @throws TableUnavailableError, TableError, MalformedLeaseError, SchemaVersionError: the row could not be read or
   * written.
   * @example
   * const { done } = await operator.evict();
   */
  evict(): Promise<Asked> {
    return this.#onLeader(({ term }) => this.#client.evict(term));
  }

  /**
   * Pauses the election: until `resume()` nobody is elected. The leader reads this with its next renewal, stops its work
   * and gives the lease back.
   * @throws TableUnavailableError, TableError, MalformedLeaseError, SchemaVersionError: the row could not be read or
   * written.
   * @example
   * const { done } = await operator.pause();
   */
  pause(): Promise<Asked> {
    return this.#setPaused(this.#by);
  }

  /**
   * Ends a pause: candidates are elected again.
   * @throws TableUnavailableError, TableError, MalformedLeaseError, SchemaVersionError: the row could not be read or
   * written.
   * @example
   * const { done } = await operator.resume();
   */
  resume(): Promise<Asked> {
    return this.#setPaused(undefined);
  }

  /**
   * Undoes completed ticks, such as a wrong tick that is far ahead. Without `to` all ticks are forgotten: each one runs
   * again. With `to` that tick is the last completed one, also if it did not complete or comes later than the last one now.
   * Of ticks before it nobody knows whether they completed, so they do not run again. Nobody may hold the lease. The history
   * shows who did it and when, with the term that ended before.
   * @param options `to`: the last completed tick from now on. It may be left out, but not undefined. @default none
   * @throws InvalidOptionError: an option cannot work.
   * @throws LeaseHeldError: somebody holds the lease.
   * @throws TableUnavailableError, TableError, MalformedLeaseError, SchemaVersionError: the row could not be read or
   * written. If the error says that the reset is not in the history yet, call it again.
   * @example
   * const { done, from, to } = await operator.resetTick({ to: "2026-01-31T03:00:00Z" });
   */
  async resetTick(options: { to?: Tick } = {}): Promise<ResetTicks> {
    checkCall(options, ["to"]);
    if ("to" in options && options.to === undefined) {
      const rule = "must be left out to forget all ticks, because a variable that is not set must not do it";
      throw new InvalidOptionError("to", rule, undefined, "2026-01-31T03:00:00Z");
    }
    const to = options.to === undefined ? undefined : normalTick(options.to, "to");
    const seen = await this.#read();
    if (seen?.kind === "held") throw new LeaseHeldError(this.#options.name, seen.holder, seen.term);
    if (seen?.kind !== "vacant") return { done: false, from: undefined, to: undefined };
    const { time } = this.#client;
    const reset = { by: this.#by, at: time.at(time.now()), to };
    // One id for all tries, because the row tells by it whether one of them landed (rule 3d).
    const id = randomPart(this.#options.random);
    const { succeeded } = await this.#insist(() => this.#client.resetTicks({ ...reset, id, seen }));
    const from = lastTickOf(seen.ticks);
    if (!succeeded) return { done: false, from, to: undefined };
    // Rule 10e. The lease row may be deleted some day.
    const tickReset = { ...reset, revision: seen.revision + 1 };
    await this.#insist(() => this.#client.recordTerm({ term: endedTerm(seen), tickReset })).catch((cause) => {
      if (!(cause instanceof TableUnavailableError)) throw cause;
      const doing =
        "record in the history that ticks were reset, which the lease row shows: call resetTick again";
      throw new TableUnavailableError(doing, { cause });
    });
    return { done: true, from, to };
  }

  /** Conditional on the row that was read: a request that arrives late must not undo a later one. */
  async #setPaused(by: string | undefined): Promise<Asked> {
    let row = await this.#read();
    for (let tries = 0; tries < TRIES; tries++) {
      // A pause needs a row.
      if (by !== undefined) {
        row ??= (await this.#insist(() => this.#client.createPlaceholder(PAUSED_POLL_MS))).answer.lease;
      }
      if (row === undefined) break;
      const seen: Lease = row;
      const { answer } = await this.#insist(() => this.#client.pause(by, seen));
      row = answer.lease;
      await this.#nudge(row);
      // Refused, and the row is as requested: an earlier try landed, or somebody else requested the same.
      const isAsAsked = row !== undefined && (row.pausedBy === undefined) === (by === undefined);
      if (answer.done || isAsAsked) return { done: true, leader: leaderOf(row) };
      // A later request changed the row, or the row was created again. What is newer stays.
      if (row === undefined || row.pauseRevision !== seen.pauseRevision || row.kind === "placeholder") break;
    }
    return { done: false, leader: leaderOf(row) };
  }

  async #onLeader(ask: (lease: Lease) => Promise<Timed<Written>>): Promise<Asked> {
    const lease = await this.#read();
    const leader = leaderOf(lease);
    if (!lease || !leader) return { done: false, leader: undefined };
    const { answer } = await this.#insist(() => ask(lease));
    await this.#nudge(lease);
    return { done: answer.done, leader };
  }

  /**
   * Rule 14h. Who holds a lease under a session hardly ever reads its row, so it is told to. It is a hint: without it the request takes
   * effect later.
   */
  async #nudge(lease: Lease | undefined): Promise<void> {
    const session = sessionOf(lease);
    if (session !== undefined) await this.#insist(() => this.#client.nudgeSession(session)).catch(() => {});
  }

  async #read(): Promise<Lease | undefined> {
    return (await this.#insist(() => this.#client.read(true))).answer.lease;
  }

  /** People do not try again by themselves, so this does. */
  #insist<T>(ask: () => Promise<T>): Promise<T> {
    const { clock, random } = this.#options;
    const isTransient = (error: unknown) => error instanceof TableUnavailableError;
    return retry(ask, { clock, random, tries: TRIES, maxMs: 1_000, isTransient });
  }
}
