import { type Instant, longestElapsedMs } from "./clock.js";
import { type EndReason, InternalError } from "./errors.js";
import type { Emit } from "./events.js";
import { DAY_MS, HOUR_MS } from "./limits.js";
import {
  checkAcknowledged,
  checkAcquired,
  checkBuried,
  checkNudged,
  checkOpened,
  checkRenewed,
  checkResigned,
  checkSealed,
  checkTicksReset,
} from "./protocol/invariants.js";
import {
  type AnnouncedEnd,
  type Held,
  type Lease,
  placeholderRevision,
  type Reservation,
  type TermLease,
} from "./protocol/lease.js";
import {
  acquireSucceeded,
  renewSucceeded,
  resignSucceeded,
  ticksResetSucceeded,
} from "./protocol/lost-answers.js";
import { lifetimeMs } from "./protocol/membership.js";
import { isSessionRow, sessionRowName } from "./protocol/sessions.js";
import { type TickWindow, withTick } from "./protocol/ticks.js";
import type {
  AcquireRequest,
  Answer,
  CandidateRow,
  CommitMark,
  PauseRequest,
  Read,
  ReadMany,
  ResignRequest,
  SealRequest,
  TermRange,
  TermRecord,
  TickResetRequest,
  Transacted,
  Written,
} from "./protocol/verbs.js";
import { randomPart } from "./random.js";
import type { ResolvedOptions } from "./resolve-options.js";
import type { LeaseStore } from "./store/lease-store.js";
import type { Action } from "./store/transaction.js";
import { TableTime } from "./table-time.js";
import { type Timed, timedRequest } from "./timed-request.js";

/** The outcome of a write. The row decides, not the refusal, because an answer can be lost (rule 3). */
export type WriteResult<L extends Lease> = WriteTimes &
  (
    | { readonly succeeded: true; readonly lease: L }
    /** The row as it stands. Undefined: there is none. */
    | { readonly succeeded: false; readonly lease: Lease | undefined }
  );

interface WriteTimes {
  /** Read before the request left. */
  readonly sent: Instant;
  readonly received: Instant;
  readonly contradicts: boolean;
}

/**
 * Rule 4c. Whether the end of an acquired row may be too early for others: both local clocks may have stood still since the last
 * header. The row is ours, but it is not used.
 */
export function isDoubted({
  contradicts,
  lease,
}: {
  readonly contradicts: boolean;
  readonly lease: Held;
}): boolean {
  return contradicts && lease.expiresAt !== undefined;
}

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

/** A dead candidate's row is kept for an hour after its end, for people to see. */
const KEPT_AFTER_END_MS = HOUR_MS;

/**
 * A session's row is kept for a week after its last heartbeat, far longer than any lease row lasts under it. If its
 * process dies and nobody seals it, the table deletes it some day (rule 14a).
 */
const SESSION_KEPT_MS = 7 * DAY_MS;

interface SendOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * One candidate's requests to the table, a method per verb (rule 2). Each is bounded in time, resolves lost
 * answers (rule 3), and learns the table's time from the answer (rule 4c). Each rejects with
 * `TableUnavailableError` when no answer came in time: whether the request took effect is then unknown.
 */
export class LeaseClient {
  readonly time: TableTime;
  /** When the last answer came. */
  #heard: Instant | undefined;

  constructor(
    private readonly store: LeaseStore,
    private readonly options: ResolvedOptions,
    private readonly emit: Emit,
    /** What a process knows of the table's time serves all its elections under one session. */
    time?: TableTime,
  ) {
    this.time = time ?? new TableTime(options, emit);
  }

  /** Undefined before the first answer. */
  get msSinceContact(): number | undefined {
    return this.#heard && longestElapsedMs(this.#heard, this.time.now());
  }

  read(consistent: boolean, signal?: AbortSignal): Promise<Timed<Read>> {
    return this.#send("read the lease", (store, _, abort) => store.read(this.#name, { consistent }, abort), {
      signal,
    });
  }

  /** Lease rows of one page of elections. A name that is missing in the answer must be read alone. */
  readMany(
    elections: readonly string[],
    how: { readonly consistent: boolean },
    options: SendOptions = {},
  ): Promise<Timed<ReadMany>> {
    return this.#send(
      "read the leases of a session",
      (store, _, abort) => store.readMany(elections, how, abort),
      options,
    );
  }

  readSession(id: string, consistent: boolean, signal?: AbortSignal): Promise<Timed<Read>> {
    const row = sessionRowName(id);
    return this.#send("read a session", (store, _, abort) => store.read(row, { consistent }, abort), {
      signal,
    });
  }

  readHistory(signal?: AbortSignal) {
    return this.#send(
      "read the election's history",
      (store, _, abort) => store.readHistory(this.#name, abort),
      {
        signal,
      },
    );
  }

  /** Latest first. */
  readTerms(range: TermRange, signal?: AbortSignal) {
    return this.#send(
      "read the election's history",
      (store, _, abort) => store.readTerms(this.#name, range, abort),
      { signal },
    );
  }

  /** Creates a placeholder where there is no row, with a revision drawn at random (rule 5a). */
  createPlaceholder(renewIntervalMs: number, signal?: AbortSignal): Promise<Timed<Written>> {
    const { leaseDurationMs, random } = this.options;
    const revision = placeholderRevision(random);
    const request = { election: this.#name, revision, leaseDurationMs, renewIntervalMs };
    return this.#send("make the lease row", (store, _, abort) => store.createPlaceholder(request, abort), {
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
    const fixed = { election: this.#name, ...mine, basis, term, session, ...this.#rowTimes, value };
    const timed = await this.#send("acquire the lease", async (store, sent, abort) => {
      const request = { ...fixed, expiresAt: this.#expiresAt(sent), ...this.time.stamp(sent) };
      return checked(await store.acquire(request, abort), (lease) => checkAcquired(lease, request));
    });
    return resultOf(timed, (lease): lease is Held => acquireSucceeded(lease, mine));
  }

  async renew(
    { term, revision }: OwnTry,
    { value, nextInMs, line, announcement }: Renewal,
    timeoutMs: number,
  ): Promise<WriteResult<Held>> {
    const mine = this.#mine(term);
    const timed = await this.#send(
      "renew the lease",
      async (store, sent, abort) => {
        const request = {
          ...mine,
          revision,
          renewIntervalMs: Math.ceil(nextInMs(sent)),
          value,
          line,
          announcement: announcement?.(sent),
          expiresAt: this.#expiresAt(sent),
          ttl: this.#sessionTtl(sent),
          ...this.time.stamp(sent),
        };
        return checked(await store.renew(request, abort), (lease) => checkRenewed(lease, request));
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
    const timed = await this.#send(
      "resign",
      async (store, sent, abort) => {
        const reservation = reserve && { ...reserve, until: this.time.latest(sent, reserve.forMs) };
        const ttl =
          this.#sessionTtl(sent) ??
          (isDeletable && ticks === undefined ? this.#deletableFrom(sent, reserve?.forMs) : undefined);
        const request = { ...mine, revision, reason, ...this.time.stamp(sent), ticks, reservation, ttl };
        await before?.(request);
        return checked(await store.resign(request, abort), (lease) => checkResigned(lease, request));
      },
      { timeoutMs },
    );
    return resultOf(timed, (lease): lease is TermLease => resignSucceeded(lease, mine, tick));
  }

  transact(term: number, commit: CommitMark, actions: readonly Action[]): Promise<Timed<Transacted>> {
    const request = { ...this.#mine(term), commit, actions };
    return this.#send("commit a transaction", (store, _, abort) => store.transact(request, abort));
  }

  readKeyNames(tableName: string, signal?: AbortSignal) {
    return this.#send("read a table's key", (store, _, abort) => store.readKeyNames(tableName, abort), {
      signal,
    });
  }

  recordTerm(record: TermRecord): Promise<Timed<Answer>> {
    return this.#send("record a term", (store, _, abort) => store.recordTerm(this.#name, record, abort));
  }

  raiseFloor(term: number): Promise<Timed<Answer>> {
    return this.#send("raise the floor", (store, _, abort) => store.raiseFloor(this.#name, term, abort));
  }

  markAwaited(term: number): Promise<Timed<Written>> {
    const request = { election: this.#name, term };
    return this.#send("tell the holder that a candidate waits", (store, _, abort) =>
      store.markAwaited(request, abort),
    );
  }

  requestStepDown(term: number, by: string, to: string | undefined): Promise<Timed<Written>> {
    const request = { election: this.#name, term, by, to };
    return this.#send("request a step-down", (store, _, abort) => store.requestStepDown(request, abort));
  }

  evict(term: number): Promise<Timed<Written>> {
    return this.#send("evict the holder", (store, sent, abort) =>
      store.evict({ election: this.#name, term, ...this.time.stamp(sent) }, abort),
    );
  }

  /** Opens the session whose row this client is for. A refusal can be a success whose answer was lost (rule 3a). */
  async openSession(): Promise<WriteResult<Held>> {
    const { candidateId, leaseDurationMs, renewIntervalMs, random } = this.options;
    const mine = { candidateId, attemptId: randomPart(random) };
    const fixed = { election: this.#name, ...mine, leaseDurationMs, renewIntervalMs };
    const timed = await this.#send("open a session", async (store, sent, abort) => {
      const times = { expiresAt: this.time.expiresAt(sent), ttl: this.#sessionTtl(sent) };
      const request = { ...fixed, ...times, ...this.time.stamp(sent) };
      return checked(await store.openSession(request, abort), (lease) => checkOpened(lease, request));
    });
    return resultOf(timed, (lease): lease is Held => acquireSucceeded(lease, mine));
  }

  /** The row says whether it has ended, whoever sealed it (rule 14d). */
  sealSession(id: string, seen: SealRequest["seen"]): Promise<Timed<Written>> {
    return this.#send("seal a session", async (store, sent, abort) => {
      const ttl = this.#keptUntil(sent);
      const request = { election: sessionRowName(id), seen, ...this.time.stamp(sent), ttl };
      return checked(await store.sealSession(request, abort), (lease) => checkSealed(lease, request));
    });
  }

  /** Puts a tombstone where the session has no row (rule 14e). `row`: the times of a lease row under it. */
  burySession(
    id: string,
    row: { readonly leaseDurationMs: number; readonly renewIntervalMs: number },
  ): Promise<Timed<Written>> {
    const { leaseDurationMs, renewIntervalMs } = row;
    const revision = placeholderRevision(this.options.random);
    const fixed = { election: sessionRowName(id), revision, leaseDurationMs, renewIntervalMs };
    return this.#send("bury a session", async (store, sent, abort) => {
      const request = { ...fixed, ttl: this.#keptUntil(sent) };
      return checked(await store.burySession(request, abort), (lease) => checkBuried(lease, request));
    });
  }

  /** Tells a session's holder to look at this election's row (rule 14h). It is a hint: a refusal says that the session has ended. */
  nudgeSession(id: string): Promise<Timed<Written>> {
    const request = { election: sessionRowName(id), name: this.#name };
    return this.#send("nudge a session", async (store, _, abort) =>
      checked(await store.nudgeSession(request, abort), (lease) => checkNudged(lease, request)),
    );
  }

  /**
   * Says that this candidate, which was evicted in this term, trusts nothing any more (rule 14h). A refusal says that the
   * lease has gone on.
   */
  acknowledgeEviction(term: number): Promise<Timed<Written>> {
    const request = { election: this.#name, term };
    return this.#send("acknowledge an eviction", async (store, _, abort) =>
      checked(await store.acknowledgeEviction(request, abort), (lease) => checkAcknowledged(lease, request)),
    );
  }

  /** Conditional on the row that was seen. A refusal can be a success whose answer was lost (rule 3d). */
  async resetTicks(reset: Omit<TickResetRequest, "election">): Promise<WriteResult<TermLease>> {
    const request = { ...reset, election: this.#name };
    const timed = await this.#send("reset the ticks", async (store, _, abort) => {
      const answer = await store.resetTicks(request, abort);
      return checked(answer, (lease) => checkTicksReset(lease, request));
    });
    return resultOf(timed, (lease): lease is TermLease => ticksResetSucceeded(lease, request));
  }

  /** `by` undefined: resume. */
  pause(by: string | undefined, seen: PauseRequest["seen"]): Promise<Timed<Written>> {
    const doing = by === undefined ? "resume the election" : "pause the election";
    return this.#send(doing, (store, _, abort) => store.pause({ election: this.#name, by, seen }, abort));
  }

  drawArrival() {
    return this.#send("join the election", (store, _, abort) => store.drawArrival(this.#name, abort));
  }

  /** Its end and its clean-up count from the moment when the request leaves. */
  writeCandidate(row: Omit<CandidateRow, "expiresAt" | "ttl">): Promise<Timed<Answer>> {
    return this.#send("refresh the candidate", (store, sent, abort) =>
      store.writeCandidate(this.#name, { ...row, ...this.#candidateTimes(row, sent) }, abort),
    );
  }

  deleteCandidate(row: Pick<CandidateRow, "candidateId" | "heartbeat">): Promise<Timed<Answer>> {
    return this.#send("delete a candidate's row", (store, _, abort) =>
      store.deleteCandidate(this.#name, row, abort),
    );
  }

  readCandidates(signal?: AbortSignal) {
    return this.#send("read the candidates", (store, _, abort) => store.readCandidates(this.#name, abort), {
      signal,
    });
  }

  #candidateTimes({ refreshIntervalMs }: Pick<CandidateRow, "refreshIntervalMs">, sent: Instant) {
    // By the headers alone: a candidate that died on a host whose wall clock is wrong would otherwise count
    // as alive.
    const latestMs = this.time.headers?.latestMs(sent);
    const expiresAt = latestMs && Math.ceil(latestMs) + lifetimeMs(refreshIntervalMs);
    // Any clock is good enough for the clean-up: the next refresh writes a row again that was removed too early.
    const ttl = Math.ceil(((expiresAt ?? sent.wallMs) + KEPT_AFTER_END_MS) / 1_000);
    return { expiresAt, ttl };
  }

  /** A `ttl` for the lease row: a reservation outlives the name. */
  #deletableFrom(sent: Instant, reservedMs = 0): number | undefined {
    const { deleteIdleAfterMs } = this.options;
    return deleteIdleAfterMs === undefined
      ? undefined
      : this.time.ttlAfter(sent, Math.max(deleteIdleAfterMs, reservedMs));
  }

  /**
   * Rule 14b. Under a session a row without a line is written only when something changes, so whoever polls by it polls
   * seldom. For a line the holder renews as without a session (rule 14k).
   */
  get #rowTimes(): { readonly leaseDurationMs: number; readonly renewIntervalMs: number } {
    const { leaseDurationMs, renewIntervalMs, rowLeaseMs, order } = this.options;
    if (rowLeaseMs === undefined) return { leaseDurationMs, renewIntervalMs };
    const quietMs = Math.ceil(rowLeaseMs / 2);
    return { leaseDurationMs: rowLeaseMs, renewIntervalMs: order === "random" ? quietMs : renewIntervalMs };
  }

  /** Undefined under a session: such a lease lasts as long as the session (rule 14b). */
  #expiresAt(sent: Instant): number | undefined {
    return this.options.rowLeaseMs === undefined ? this.time.expiresAt(sent) : undefined;
  }

  /** Of a session's own row (rule 14a). Undefined: it is another row. */
  #sessionTtl(sent: Instant): number | undefined {
    return isSessionRow(this.#name) ? this.#keptUntil(sent) : undefined;
  }

  /** A session's row always has a `ttl`. If the table's time is not known, this host's is good enough for a week. */
  #keptUntil(sent: Instant): number {
    return this.time.ttlAfter(sent, SESSION_KEPT_MS) ?? Math.ceil((sent.wallMs + SESSION_KEPT_MS) / 1_000);
  }

  get #name(): string {
    return this.options.name;
  }

  #mine(term: number) {
    return { election: this.#name, candidateId: this.options.candidateId, term };
  }

  async #send<T extends Answer>(
    doing: string,
    request: (store: LeaseStore, sent: Instant, signal: AbortSignal) => Promise<T>,
    { timeoutMs = this.options.requestTimeoutMs, signal }: SendOptions = {},
  ): Promise<Timed<T>> {
    const { time, store } = this;
    const timed = await timedRequest(doing, (sent, abort) => request(store, sent, abort), {
      time,
      timeoutMs,
      signal,
    }).catch((error: unknown) => {
      if (error instanceof InternalError) this.emit({ type: "internal-error", error });
      throw error;
    });
    this.#heard = timed.received;
    return timed;
  }
}

function checked<L extends Lease>(answer: Written, check: (lease: Lease) => L): Written<L> {
  return answer.done ? { ...answer, lease: check(answer.lease) } : answer;
}

function resultOf<L extends Lease>(
  { answer, sent, received, contradicts }: Timed<Written<L>>,
  succeededBy: (lease: Lease | undefined) => lease is L,
): WriteResult<L> {
  const times = { sent, received, contradicts };
  if (answer.done) return { succeeded: true, lease: answer.lease, ...times };
  const { lease } = answer;
  if (succeededBy(lease)) return { succeeded: true, lease, ...times };
  return { succeeded: false, lease, ...times };
}
