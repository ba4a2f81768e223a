import { deferred, retry } from "../async.js";
import type { Elected } from "../candidate/acquire.js";
import { inTurn, type Turn } from "../candidate/under.js";
import { TableUnavailableError } from "../errors.js";
import type { LeaseClient } from "../lease-client.js";
import { endedTerm, endReasonIn, type Held, type Lease, type TermLease } from "../protocol/lease.js";
import { lastTickOf } from "../protocol/ticks.js";
import { standing } from "../protocol/under-session.js";
import type { TermRecord } from "../protocol/verbs.js";
import type { ResolvedOptions } from "../resolve-options.js";
import type { HeldUnder } from "./held-under.js";

/** `row`: as it is when it is written. */
interface Entry {
  readonly turn: Turn;
  readonly row: () => TermRecord;
}

/** Tries in a row: at the beginning and at the end of a tenure, and for a completed tick. */
const TRIES = 5;

/**
 * Rule 5e. The history of one term, written beside the work: that `lease` began and, once that has landed, how
 * the term before it ended. In this order the newest recorded term carries no `ttl`, unless a floor covers it: terms go on
 * from it if the lease row is ever deleted. If there was no row before, the term before ended with that row's deletion.
 */
export class TermHistory {
  /** What is not written yet, in order. */
  readonly #waiting: Entry[];
  #writing: Promise<void> | undefined;
  #hasBegun = false;
  #onBegun: (() => void) | undefined;
  /** The lease is being given back: what is left has its turn at once. */
  #isHurried = false;
  #onHurry: (() => void) | undefined;
  /** Of the latest write. Undefined: it was done. */
  #failure: unknown;

  constructor(
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
    lease: Held,
    {
      previous,
      previousSession,
      vanishedTerm,
    }: Pick<Elected, "previous" | "previousSession" | "vanishedTerm">,
    /** Of the session under which the lease is held. */
    private readonly pace?: Pick<HeldUnder, "paced">,
  ) {
    const began: TermRecord = {
      term: lease.term,
      holder: lease.holder,
      leaseDurationMs: lease.leaseDurationMs,
      electedAt: lease.electedAt,
      electedErrorMs: lease.electedErrorMs,
      lastTickBefore: lastTickOf(lease.ticks),
      tickResetTermBefore: lease.tickReset?.term,
    };
    this.#waiting = [{ turn: "finish", row: () => began }];
    // A lease under a session has ended as its session has, which its own row does not say (rule 14d).
    const { previousEndReason } = lease;
    if (previous) this.#after(() => this.#endOf(previous, previousEndReason, previousSession));
    if (vanishedTerm) this.#after(() => ({ term: vanishedTerm, endReason: "deleted", ttl: this.#ttl() }));
    void this.insist();
  }

  /**
   * Rule 13d. Resolves when history says that the own term has begun, or when `isOver` says that nobody waits for it. Rejects
   * if history cannot be written and another try cannot help: work that waits for it would never begin.
   */
  async untilRecorded(isOver: () => boolean): Promise<void> {
    while (!this.#hasBegun && !isOver()) {
      const { promise: begun, resolve } = deferred<void>();
      this.#onBegun = resolve;
      // Not for the end of the term before: under a session, that waits for thousands of others.
      await Promise.race([this.insist(), begun]);
      const error = this.#failure;
      if (error !== undefined && !(error instanceof TableUnavailableError) && !this.#hasBegun) throw error;
    }
  }

  /** Nothing is missing now. */
  get isWritten(): boolean {
    return this.#waiting.length === 0;
  }

  /**
   * Tries once to write what is missing. Called with each heartbeat, so it is tried as long as the tenure lasts.
   */
  refresh(): Promise<void> {
    return this.#write(1);
  }

  /**
   * Several tries in a row. Resolves after a few request timeouts at the latest, whether it was written or not.
   */
  insist(): Promise<void> {
    return this.#write(TRIES);
  }

  /** Somebody waits for what is left, so it does not wait for the claims of others any more. */
  hurry(): void {
    this.#isHurried = true;
    this.#onHurry?.();
  }

  /**
   * Rule 13d. The own term was given back, and its row can be deleted. Only call it when a floor covers the term. Resolves as
   * `insist` does.
   */
  givenBack(lease: TermLease): Promise<void> {
    this.#after(() => this.#endOf(lease));
    return this.#write(TRIES);
  }

  /** No work waits for how a term has ended. */
  #after(row: () => TermRecord): void {
    this.#waiting.push({ turn: "record", row });
  }

  /** One writer at a time: a call that comes meanwhile waits for the same tries. */
  async #write(tries: number): Promise<void> {
    if (this.isWritten) return;
    this.#writing ??= this.#writeAll(tries);
    await this.#writing;
  }

  async #writeAll(tries: number): Promise<void> {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      this.#failure = await tried(this.options, tries, () => this.#send(next));
      if (this.#failure !== undefined) break;
      this.#waiting.shift();
      this.#hasBegun = true;
      this.#onHurry = undefined;
      this.#onBegun?.();
      this.#onBegun = undefined;
    }
    // In the step in which nothing more was found: what comes next begins a writer of its own.
    this.#writing = undefined;
  }

  /** One request: in its own turn or, once it is hurried, in an earlier one. */
  #send({ turn, row }: Entry): Promise<unknown> {
    let sending: Promise<unknown> | undefined;
    const send = () => {
      sending ??= this.client.recordTerm(row());
      return sending;
    };
    return new Promise((resolve, reject) => {
      const sendIn = (one: Turn) => void inTurn(one, this.pace, send).then(resolve, reject);
      this.#onHurry = () => sendIn("finish");
      sendIn(this.#isHurried ? "finish" : turn);
    });
  }

  #ttl(): number | undefined {
    return this.client.time.ttlAfter(this.client.time.now(), this.options.historyRetentionMs);
  }

  #endOf(row: TermLease, reason = endReasonIn(row), session?: Lease): TermRecord {
    const { lease: previous, over } = standing(row, session);
    const { endedAt, endedErrorMs } = previous.kind === "vacant" ? previous : {};
    return {
      term: endedTerm(previous),
      endReason: reason,
      endedAt: over ? over.at : (endedAt ?? previous.expiresAt),
      // With an error of its own: what ends with its session does not last for the lease that its row tells.
      endedErrorMs: over ? (over.errorMs ?? previous.renewedErrorMs ?? 0) : endedErrorMs,
      lastRenewedAt: previous.renewedAt,
      lastRenewedErrorMs: previous.renewedErrorMs,
      ttl: this.#ttl(),
    };
  }
}

/**
 * Rule 5f. Keeps a completed tick in history too, so that it outlives even the lease row. Only call it when the
 * fence has confirmed the release: a tick in history is never run again. The tick has a write of its own: the
 * record of the term's beginning may arrive after it, and must not remove it. Resolves after a few request
 * timeouts at the latest, whether it was written or not.
 */
export async function recordTick(client: LeaseClient, options: ResolvedOptions, term: number, tick: string) {
  await tried(options, TRIES, () => client.recordTerm({ term, lastTick: tick }));
}

/** Resolves to the error if it was not written. */
async function tried(
  { clock, random, renewIntervalMs: maxMs }: ResolvedOptions,
  tries: number,
  write: () => Promise<unknown>,
): Promise<unknown> {
  return retry(write, { clock, random, tries, maxMs }).then(
    () => undefined,
    (error: unknown) => error,
  );
}
