import { checkCall, checkSuccessor } from "./arguments.js";
import { retry } from "./async.js";
import { InvalidOptionError, TableUnavailableError } from "./errors.js";
import { checkNames } from "./known-names.js";
import { LeaseClient } from "./lease-client.js";
import { RUNTIME_PATHS } from "./option-names.js";
import type { Runtime } from "./options.js";
import { type Leader, leaderOf } from "./protocol/leader.js";
import { isPlaceholder, type Lease } from "./protocol/lease.js";
import type { Written } from "./protocol/verbs.js";
import { type ResolvedOptions, resolveOptions } from "./resolve-options.js";
import { storeOf, type TableOptions } from "./store/open-store.js";
import type { Timed } from "./timed-request.js";

export type OperatorOptions = TableOptions & {
  /** The election's name. */
  name: string;
  /** Who asks, for people: shown on the lease row. @default "operator" */
  by?: string | undefined;
  /** Where time and chance come from: tests and simulations give their own. */
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

/** `done: false`: there was no leader to ask or nothing to change, or somebody else has decided otherwise since. */
export interface Asked {
  readonly done: boolean;
  /** Whom it concerns: the leader as it was then. */
  readonly leader: Leader | undefined;
}

const TRIES = 5;
/** On a placeholder that is paused, candidates look again so often, until the election goes on. */
const PAUSED_POLL_MS = 1_000;

/**
 * What people do to an election from outside. Each is one conditional write on the row that was seen, so it
 * never hits a leader that came later, nor undoes what was asked later. Rejects with `TableError`, `TableUnavailableError`, `MalformedLeaseError`.
 */
export class Operator {
  readonly #client: LeaseClient;
  readonly #options: ResolvedOptions;
  readonly #by: string;

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
   * Asks the leader to hand over. It learns of it with its next renewal, announces its end, lets its work drain and
   * gives the lease back: to `to` if that is given, a `candidateId` as `candidates()` lists it.
   */
  requestStepDown(options: { to?: string | undefined } = {}): Promise<Asked> {
    checkCall(options, ["to"]);
    const { to } = options;
    checkSuccessor(to);
    return this.#onLeader(({ term }) => this.#client.requestStepDown(term, this.#by, to));
  }

  /**
   * Takes the lease away at once: the leader's term is fenced off from this moment. What it does to systems that
   * check no fence can still happen, until its lease would have run out; nobody else leads before that.
   */
  evict(): Promise<Asked> {
    return this.#onLeader(({ term }) => this.#client.evict(term));
  }

  /** From now on nobody is elected; the leader, if there is one, hands over to nobody. Until `resume()`. */
  pause(): Promise<Asked> {
    return this.#setPaused(this.#by);
  }

  /** From now on candidates are elected again. */
  resume(): Promise<Asked> {
    return this.#setPaused(undefined);
  }

  /** On the row as it was seen: a request that arrives late must not undo what was asked after it. */
  async #setPaused(by: string | undefined): Promise<Asked> {
    let row = await this.#read();
    for (let tries = 0; tries < TRIES; tries++) {
      // So that there is something to pause.
      if (by !== undefined) {
        row ??= (await this.#insist(() => this.#client.createPlaceholder(PAUSED_POLL_MS))).answer.lease;
      }
      if (row === undefined) break;
      const seen: Lease = row;
      const { answer } = await this.#insist(() => this.#client.pause(by, seen));
      row = answer.lease;
      // Refused, and yet as asked: an earlier try landed, or somebody else asked for the same.
      const isAsAsked = row !== undefined && (row.paused === undefined) === (by === undefined);
      if (answer.done || isAsAsked) return { done: true, leader: leaderOf(row) };
      // Another change has been made since, or the row was made anew: that is newer, and is left alone.
      if (row === undefined || row.pauseRevision !== seen.pauseRevision || isPlaceholder(row)) break;
    }
    return { done: false, leader: leaderOf(row) };
  }

  async #onLeader(ask: (lease: Lease) => Promise<Timed<Written>>): Promise<Asked> {
    const lease = await this.#read();
    const leader = leaderOf(lease);
    if (!lease || !leader) return { done: false, leader: undefined };
    const { answer } = await this.#insist(() => ask(lease));
    return { done: answer.done, leader };
  }

  async #read(): Promise<Lease | undefined> {
    return (await this.#insist(() => this.#client.read(true))).answer.lease;
  }

  /** People do not ask again by themselves, so this does. */
  #insist<T>(ask: () => Promise<T>): Promise<T> {
    const { clock, random } = this.#options;
    const isTransient = (error: unknown) => error instanceof TableUnavailableError;
    return retry(ask, { clock, random, tries: TRIES, maxMs: 1_000, isTransient });
  }
}
