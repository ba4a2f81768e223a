import type { Instant } from "./clock.js";
import type { EndReason } from "./errors.js";
import { checkAcquired, checkRenewed, checkResigned } from "./protocol/invariants.js";
import {
  type AnnouncedEnd,
  type Held,
  type Lease,
  placeholderRevision,
  type Reservation,
  type TermLease,
} from "./protocol/lease.js";
import { acquireSucceeded, renewSucceeded, resignSucceeded } from "./protocol/lost-answers.js";
import { type TickWindow, withTick } from "./protocol/ticks.js";
import type {
  AcquireRequest,
  CommitMark,
  Read,
  ReadMany,
  ResignRequest,
  Transacted,
  Written,
} from "./protocol/verbs.js";
import { randomPart } from "./random.js";
import { OperatorRequests } from "./requests/operators.js";
import { deletableFrom, expiresAt, rowTimes, sessionTtl } from "./requests/row-times.js";
import type { SendOptions } from "./requests/sender.js";
import { checked, resultOf, type WriteResult } from "./requests/write-result.js";
import type { Action } from "./store/transaction.js";
import type { Timed } from "./timed-request.js";

/** One try of a holder. Each has a revision of its own, so that the row tells which one landed (rule 3b). */
export interface OwnTry {
  readonly term: number;
  readonly revision: number;
  /** When it was given this revision, which is before it leaves. */
  readonly at: Instant;
}

/** The other attributes that a renewal writes. */
export interface Renewal {
  readonly value: string | undefined;
  /** Given the moment when the request leaves: how long after it the next renewal is due (rule 1c). */
  readonly nextInMs: (sent: Instant) => number;
  readonly line: readonly string[] | undefined;
  readonly announcement: ((sent: Instant) => AnnouncedEnd) | undefined;
}

/** The other attributes that a resignation can write. */
export interface ReleaseOptions {
  /** Recorded as done in the same write. */
  readonly tick?: string | undefined;
  readonly reserve?: Omit<Reservation, "until"> | undefined;
}

interface Resignation extends ReleaseOptions {
  readonly reason: EndReason;
  /** The completed ticks on the row. Only the end of a tenure changes them, so they are as in the last answer. */
  readonly ticksBefore: TickWindow | undefined;
  /** Whether the table may delete the row once it is long unused (rule 13b). */
  readonly isDeletable?: boolean | undefined;
  /** Awaited with the request before it leaves. */
  readonly before?: ((request: ResignRequest) => Promise<void>) | undefined;
}

/**
 * One candidate's requests to the table, a method per verb (rule 2). Each is bounded in time, resolves lost
 * answers (rule 3), and learns the table's time from the answer (rule 4c). Each rejects with
 * `TableUnavailableError` when no answer came in time: whether the request took effect is then unknown.
 * Here are those on the election's own row by who waits for it or holds it. The others are in `requests/`.
 */
export class LeaseClient extends OperatorRequests {
  /** Hears of the row that an answer showed which was not the campaign's. */
  onNoted: ((lease: Lease, sent: Instant, received: Instant) => void) | undefined;

  /** Rule 6a. What a candidate has seen counts for its campaign, whichever call it came to. */
  noted(lease: Lease | undefined, sent: Instant, received = this.time.now()): void {
    if (lease) this.onNoted?.(lease, sent, received);
  }

  /** A read of all but the campaign. */
  look(consistent: boolean, signal?: AbortSignal): Promise<Timed<Read>> {
    return this.#noting(this.read(consistent, signal));
  }

  /** A read of the campaign, which observes what it shows. */
  read(consistent: boolean, signal?: AbortSignal): Promise<Timed<Read>> {
    return this.send("read the lease", (store, _, abort) => store.read(this.name, { consistent }, abort), {
      signal,
    });
  }

  /** Lease rows of one page of elections. A name that is missing in the answer must be read alone. */
  readMany(
    elections: readonly string[],
    how: { readonly consistent: boolean },
    options: SendOptions = {},
  ): Promise<Timed<ReadMany>> {
    return this.send(
      "read the leases of a session",
      (store, _, abort) => store.readMany(elections, how, abort),
      options,
    );
  }

  /** Creates a placeholder where there is no row, with a revision drawn at random (rule 5a). */
  createPlaceholder(renewIntervalMs: number, signal?: AbortSignal): Promise<Timed<Written>> {
    const { leaseDurationMs, random } = this.options;
    const revision = placeholderRevision(random);
    const request = { election: this.name, revision, leaseDurationMs, renewIntervalMs };
    return this.send("make the lease row", (store, _, abort) => store.createPlaceholder(request, abort), {
      signal,
    });
  }

  /**
   * It takes no signal: a request on its way may win the lease, and if its caller did not wait, nobody would
   * lead for a lease.
   */
  async acquire({
    basis,
    term,
    session,
  }: Pick<AcquireRequest, "basis" | "term" | "session">): Promise<WriteResult<Held>> {
    const { candidateId, value, random } = this.options;
    const attemptId = randomPart(random);
    const mine = { candidateId, attemptId };
    const fixed = { election: this.name, ...mine, basis, term, session, ...rowTimes(this.options), value };
    const timed = await this.send("acquire the lease", async (store, sent, abort) => {
      const request = {
        ...fixed,
        expiresAt: expiresAt(this.options, this.time, sent),
        ...this.time.stamp(sent),
      };
      return checked(await store.acquire(request, abort), checkAcquired, request);
    });
    return resultOf(timed, (lease): lease is Held => acquireSucceeded(lease, mine));
  }

  async renew(
    { term, revision }: OwnTry,
    { value, nextInMs, line, announcement }: Renewal,
    timeoutMs: number,
  ): Promise<WriteResult<Held>> {
    const mine = this.#mine(term);
    const timed = await this.send(
      "renew the lease",
      async (store, sent, abort) => {
        const request = {
          ...mine,
          revision,
          renewIntervalMs: Math.ceil(nextInMs(sent)),
          value,
          line,
          announcement: announcement?.(sent),
          expiresAt: expiresAt(this.options, this.time, sent),
          ttl: sessionTtl(this.name, this.time, sent),
          ...this.time.stamp(sent),
        };
        return checked(await store.renew(request, abort), checkRenewed, request);
      },
      { timeoutMs },
    );
    return resultOf(timed, (lease): lease is Held => renewSucceeded(lease, mine, revision));
  }

  async resign(
    { term, revision }: OwnTry,
    { reason, tick, ticksBefore, reserve, isDeletable = false, before }: Resignation,
    timeoutMs: number,
  ): Promise<WriteResult<TermLease>> {
    const mine = this.#mine(term);
    const ticks = tick === undefined ? undefined : withTick(ticksBefore, tick);
    const timed = await this.send(
      "resign",
      async (store, sent, abort) => {
        const reservation = reserve && { ...reserve, until: this.time.latest(sent, reserve.forMs) };
        const ttl =
          sessionTtl(this.name, this.time, sent) ??
          (isDeletable && ticks === undefined
            ? deletableFrom(this.options, this.time, sent, reserve?.forMs)
            : undefined);
        const request = { ...mine, revision, reason, ...this.time.stamp(sent), ticks, reservation, ttl };
        await before?.(request);
        return checked(await store.resign(request, abort), checkResigned, request);
      },
      { timeoutMs },
    );
    return resultOf(timed, (lease): lease is TermLease => resignSucceeded(lease, mine, tick));
  }

  transact(term: number, commit: CommitMark, actions: readonly Action[]): Promise<Timed<Transacted>> {
    const request = { ...this.#mine(term), commit, actions };
    return this.#noting(
      this.send("commit a transaction", (store, _, abort) => store.transact(request, abort)),
    );
  }

  readKeyNames(tableName: string, signal?: AbortSignal) {
    return this.send("read a table's key", (store, _, abort) => store.readKeyNames(tableName, abort), {
      signal,
    });
  }

  markAwaited(term: number): Promise<Timed<Written>> {
    const request = { election: this.name, term };
    return this.#noting(
      this.send("tell the holder that a candidate waits", (store, _, abort) =>
        store.markAwaited(request, abort),
      ),
    );
  }

  async #noting<T extends object>(request: Promise<Timed<T>>): Promise<Timed<T>> {
    const timed = await request;
    const { answer, sent, received } = timed;
    if ("lease" in answer) this.noted(answer.lease as Lease | undefined, sent, received);
    return timed;
  }

  #mine(term: number) {
    return { election: this.name, candidateId: this.options.candidateId, term };
  }
}
