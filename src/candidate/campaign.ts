import { backoffMs, endOrAbort, sleep } from "../async.js";
import { type Instant, longestElapsedMs } from "../clock.js";
import { TooBusy } from "../error-summary.js";
import { TableUnavailableError } from "../errors.js";
import type { Emit } from "../events.js";
import type { LastWill } from "../last-will/last-will.js";
import type { LeaseClient, WriteResult } from "../lease-client.js";
import { trustLeftMs, trustMs } from "../protocol/expiry.js";
import { type Held, holderOf, type Lease, sessionOf, type TermLease } from "../protocol/lease.js";
import {
  type Observation,
  observe,
  observeHistory,
  readAgain,
  unchangedUntil,
} from "../protocol/observation.js";
import {
  type Acquire,
  type Basis,
  type Move,
  nextMove,
  sessionPoll,
  unsettledTerm,
} from "../protocol/takeover.js";
import {
  lastTickOf,
  type TickMode,
  type TickVerdict,
  type TickWindow,
  verdictOn,
  windowFrom,
} from "../protocol/ticks.js";
import type { Read } from "../protocol/verbs.js";
import type { ResolvedOptions } from "../resolve-options.js";
import type { Timed } from "../timed-request.js";
import { Awaiting } from "./awaiting.js";
import { CampaignReports } from "./campaign-reports.js";
import type { Following } from "./follower.js";
import { isHealthy } from "./health.js";
import { SessionWatch } from "./session-watch.js";
import { inTurn, type Under } from "./under.js";

/**
 * Candidates spread their first tries after a holder's death over this part of its lease. So usually one is
 * first.
 */
const JITTER = 1 / 30;

/** Of one try, when others hold the lease, and when the founding met other names of its shard (rule 13c). */
const MAX_REFUSALS = 3;
const MAX_OUTDATED_FOUNDINGS = 10;
const FOUNDING_BACKOFF_MS = 100;

/** A lease that was just acquired. */
export interface Elected {
  readonly lease: Held;
  /** Read before the acquiring request left. */
  readonly sent: Instant;
  /** The row that it followed. */
  readonly previous: TermLease | undefined;
  /** The row of the session under which that one was held, as it ended. */
  readonly previousSession?: Lease | undefined;
  /** The last term before it, if its row is gone and it may not have been given back. */
  readonly vanishedTerm: number | undefined;
}

export interface Won extends Elected {
  readonly kind: "elected";
  /** Who held it before, if that was seen. */
  readonly lastHolder: string | undefined;
}

export interface NotElected {
  readonly kind: "held";
  readonly lease: Lease | undefined;
}

/** The lease was free, and `healthy` did not return `true`. */
export interface Unhealthy {
  readonly kind: "unhealthy";
}

/** The tick need not run any more. Only a campaign for a tick has this outcome. */
export interface Settled {
  readonly kind: "settled";
  readonly verdict: Exclude<TickVerdict, { kind: "open" }>;
}

/** A tick, in its normal form. */
export interface TickBid {
  readonly tick: string;
  readonly mode: TickMode;
}

export interface CampaignOptions {
  readonly signal?: AbortSignal | undefined;
  /** Campaign only while this tick is to be run. */
  readonly bid?: TickBid | undefined;
}

/**
 * The bid of one candidate. What it has seen outlives each campaign, so that tries made one by one, minutes
 * apart, still notice a dead holder (pitfall: a takeover that never happens).
 *
 *   unknown ──read──▶ row held ──wait/read──▶ free ──acquire──▶ elected
 *                 └──▶ no row ──placeholder, history, wait──┘  └─ refused: the row it brought is the next observation
 */
export class Campaign {
  #observation: Observation | undefined;
  /** A try to acquire got no answer. Only the row shows whether it succeeded (rule 3a). */
  #acquireUnanswered = false;
  /** The row was seen in this call, by an answer that cannot be stale. */
  #isCurrent = false;
  /** The history was read in this call: what it says of ticks may have been reset since an earlier one. */
  #isHistoryCurrent = false;
  #jitterMs = 0;
  /** Only while a campaign waits: the session under which another candidate holds the lease. */
  #following: { readonly id: string; readonly following: Following } | undefined;
  #isWaiting = false;
  /** Under a session: what an acquire without an answer was conditional on. While the row shows it, it may still land (rule 14f). */
  #mayLandOn: Basis | undefined;
  /** Their number in a row. */
  #unexplainedRefusals = 0;

  readonly #reports: CampaignReports;
  readonly #awaiting: Awaiting;
  readonly #watch: SessionWatch;

  /** @param under the session under which it takes the lease. Undefined: the lease has a heartbeat of its own. */
  constructor(
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
    private readonly emit: Emit,
    private readonly lastWill: LastWill | undefined,
    private readonly under?: Under,
  ) {
    this.#reports = new CampaignReports(client, options, emit);
    this.#awaiting = new Awaiting(client, options, under);
    this.#watch = under?.watch ?? new SessionWatch(client, options, emit);
  }

  /** The row as it was last seen. */
  get lease(): Lease | undefined {
    return this.#observation?.lease;
  }

  /**
   * The highest completed tick by the row as it was last seen; after a run, the row that completed its tick. Undefined: none,
   * or this call has not seen it.
   */
  get lastTick(): string | undefined {
    return this.#isTickFromOldHistory ? undefined : lastTickOf(this.#ticks);
  }

  /** What is known of completed ticks. */
  get #ticks(): TickWindow | undefined {
    const { lease, history } = this.#observation ?? {};
    return lease && lease.kind !== "placeholder" ? lease.ticks : windowFrom(history?.lastTick);
  }

  /**
   * Tries until elected, or until the tick need not run any more. Rejects with the signal's reason, or with an error that no
   * retry can fix.
   */
  run(options: CampaignOptions & { bid?: undefined }): Promise<Won>;
  run(options: CampaignOptions): Promise<Won | Settled>;
  run(options: CampaignOptions): Promise<Won | Settled> {
    this.#reports.begin();
    this.#isWaiting = true;
    this.#follow(undefined);
    return this.#settled(this.#wait(options));
  }

  async #wait({ signal, bid }: CampaignOptions): Promise<Won | Settled> {
    const { clock, renewIntervalMs, random } = this.options;
    this.#begin();
    for (let failures = 0; ; ) {
      signal?.throwIfAborted();
      try {
        const outcome = await this.#step(bid, signal);
        this.#reports.answered(this.lease);
        if (outcome) return outcome;
        failures = 0;
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof TableUnavailableError)) throw error;
        this.#reports.failed(error);
        failures += 1;
        await sleep(clock, backoffMs(failures, renewIntervalMs, random), signal);
      }
    }
  }

  /** One try without waiting: reads at most once, then acquires if that is allowed. */
  tryOnce(options: CampaignOptions & { bid?: undefined }): Promise<Won | NotElected | Unhealthy>;
  tryOnce(options: CampaignOptions): Promise<Won | NotElected | Unhealthy | Settled>;
  tryOnce(options: CampaignOptions): Promise<Won | NotElected | Unhealthy | Settled> {
    return this.#settled(this.#try(options));
  }

  async #try({ signal, bid }: CampaignOptions): Promise<Won | NotElected | Unhealthy | Settled> {
    this.#begin();
    let hasRead = false;
    let checkedSession: string | undefined;
    let isUnhealthy = false;
    let outdatedFoundings = 0;
    for (let refusals = 0; refusals < MAX_REFUSALS; ) {
      signal?.throwIfAborted();
      const move = this.#nextFor(bid, 0);
      if (move.kind === "settled") return move;
      if (move.kind === "acquire") {
        isUnhealthy ||= !(await isHealthy(this.options, this.emit));
        if (isUnhealthy && hasRead) return { kind: "unhealthy" };
        if (isUnhealthy) {
          // What was seen earlier may be old: another candidate may lead by now, or have completed the tick.
          await this.#read(true, signal);
          hasRead = true;
          continue;
        }
        signal?.throwIfAborted();
        const won = await this.#acquire(move, signal);
        if (won) return won;
        hasRead = this.#observation?.needsConsistentRead !== true;
        if (!this.#isFoundingOutdated(move)) {
          refusals += 1;
          continue;
        }
        outdatedFoundings += 1;
        if (outdatedFoundings === MAX_OUTDATED_FOUNDINGS) {
          throw new TableUnavailableError("acquire the lease", { cause: new TooBusy(outdatedFoundings) });
        }
        const { clock, random } = this.options;
        await sleep(clock, backoffMs(outdatedFoundings, FOUNDING_BACKOFF_MS, random), signal);
      } else if (move.kind === "createPlaceholder") {
        await this.#createPlaceholder(signal);
      } else if (move.kind === "readHistory") {
        await this.#readHistory(signal);
        hasRead = false;
      } else if (hasRead) {
        // The row of a lease under a session does not tell whether its holder lives.
        const session = sessionOf(this.lease);
        if (session === undefined || session === checkedSession) break;
        await this.#watch.check(session, signal);
        checkedSession = session;
      } else {
        await this.#read(true, signal);
        hasRead = true;
      }
    }
    return { kind: "held", lease: this.#observation?.lease };
  }

  /**
   * Rule 8f. After a requested hand-over: lets the others poll once before this candidate tries again, also those for
   * whom the lease is not reserved. Returns as soon as another one has led: it may hand over to this candidate at once.
   */
  async letOthersGoFirst(signal?: AbortSignal): Promise<void> {
    const { clock, renewIntervalMs, slotMs } = this.options;
    const nowMs = () => this.client.time.now().monotonicMs;
    const untilMs = nowMs() + renewIntervalMs * 1.5 + this.#keptForAnotherMs();
    const before = this.lease?.term ?? 0;
    for (let pauseMs = slotMs; nowMs() < untilMs && !this.#hasAnotherLed(before); pauseMs *= 2) {
      await sleep(clock, Math.min(pauseMs, untilMs - nowMs()), signal);
      await this.#read(false, signal).catch((error: unknown) => {
        if (!(error instanceof TableUnavailableError)) throw error;
      });
    }
  }

  #keptForAnotherMs(): number {
    const { lease } = this;
    const reservation = lease?.kind === "vacant" ? lease.reservation : undefined;
    const keptFor = reservation?.candidateId;
    return reservation && keptFor !== undefined && keptFor !== this.options.candidateId
      ? reservation.forMs
      : 0;
  }

  #hasAnotherLed(before: number): boolean {
    const { lease } = this;
    if (lease?.kind === "held") return lease.holder !== this.options.candidateId;
    return lease?.kind === "vacant" && lease.term > before && lease.endReason !== "evicted";
  }

  /** The row as the leader last saw it. So a lease that it resigned can be acquired again with one request. */
  observed(lease: Lease): void {
    this.#observe(lease, this.client.time.now().monotonicMs, true);
  }

  async #step(bid: TickBid | undefined, signal: AbortSignal | undefined): Promise<Won | Settled | undefined> {
    const move = this.#nextFor(bid, this.#jitterMs);
    switch (move.kind) {
      case "settled":
        return move;
      case "read":
        await this.#read(move.consistent, signal);
        return undefined;
      case "createPlaceholder":
        await this.#createPlaceholder(signal);
        return undefined;
      case "readHistory":
        await this.#readHistory(signal);
        return undefined;
      case "wait":
        if (bid === undefined) this.#awaiting.tell(this.lease);
        void this.lastWill?.prepare();
        await this.#rest(move.untilMs, signal);
        return undefined;
      case "acquire":
        if (await isHealthy(this.options, this.emit)) {
          signal?.throwIfAborted();
          return this.#acquireOrBackOff(move, signal);
        }
        this.#leaveUnsettled();
        await sleep(this.options.clock, this.options.renewIntervalMs, signal);
        await this.#read(false, signal);
        return undefined;
    }
  }

  /**
   * After a founding that was refused without a row there is nothing to observe. A refusal that shows the same pair as
   * its condition has no explanation. After both it tries less and less often.
   */
  async #acquireOrBackOff(move: Acquire, signal: AbortSignal | undefined): Promise<Won | undefined> {
    const { clock, renewIntervalMs, random } = this.options;
    const won = await this.#acquire(move, signal);
    if (!won && this.#unexplainedRefusals > 0) {
      await sleep(clock, backoffMs(this.#unexplainedRefusals, renewIntervalMs, random), signal);
    }
    return won;
  }

  /** It was refused without a row, which says nothing of a holder: history or the floor has changed since it was read. */
  #isFoundingOutdated({ basis }: Acquire): boolean {
    return basis.founding !== undefined && this.#observation?.isHistoryOld === true;
  }

  async #read(consistent: boolean, signal: AbortSignal | undefined): Promise<void> {
    const following = consistent ? this.#following?.following : undefined;
    const isCalled = following?.isCalled === true;
    const unchangedUntilMs = following?.looking();
    const { answer, sent, received } = await this.#readRow(consistent, signal).catch((error: unknown) => {
      if (isCalled) following?.notLooked();
      throw error;
    });
    if (consistent) this.#acquireUnanswered = false;
    if (this.#observation && unchangedUntilMs !== undefined)
      this.#observation = unchangedUntil(this.#observation, unchangedUntilMs);
    this.#observe(answer.lease, received.monotonicMs, consistent, sent.monotonicMs);
  }

  #rest(untilMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#following) {
      const { observation, options } = { observation: this.#observation, options: this.options };
      const poll = (polledMs: number) =>
        observation && sessionPoll(observation, options, polledMs, this.client.time.now());
      return this.#following.following.wait(untilMs, signal, poll);
    }
    return sleep(this.options.clock, untilMs - this.client.time.now().monotonicMs, signal);
  }

  /** The elections of one session read together. */
  async #readRow(consistent: boolean, signal: AbortSignal | undefined): Promise<Timed<Read>> {
    if (this.under === undefined) return this.client.read(consistent, signal);
    signal?.throwIfAborted();
    const reading = this.#watch.rows.read(this.options.name, consistent);
    await endOrAbort(reading, signal);
    signal?.throwIfAborted();
    return (await reading) ?? inTurn("look", this.under, () => this.client.read(consistent, signal));
  }

  /** @param seenMs when the consistent read left that showed the row. Undefined: it may be older. */
  #follow(seenMs: number | undefined): void {
    const isMine = holderOf(this.lease) === this.options.candidateId;
    const id = this.#isWaiting && !isMine ? sessionOf(this.lease) : undefined;
    if (id === this.#following?.id) return;
    this.#following?.following.stop();
    this.#following =
      id === undefined ? undefined : { id, following: this.#watch.follow(id, this.options.name, seenMs) };
  }

  /** Nothing is left behind when a campaign ends: neither a wait, nor a lease that the session would keep alive for ever (rule 14f). */
  async #settled<T extends Won | NotElected | Unhealthy | Settled>(campaign: Promise<T>): Promise<T> {
    let outcome: T | undefined;
    try {
      outcome = await campaign;
      return outcome;
    } finally {
      this.#isWaiting = false;
      this.#follow(undefined);
      if (outcome?.kind !== "elected") this.#leaveUnsettled();
    }
  }

  /** Rule 14f. The row may name this candidate, which will not acquire it again now. */
  #leaveUnsettled(): void {
    const { candidateId, name: election } = this.options;
    const isMine = holderOf(this.lease) === candidateId;
    if (isMine || this.#mayLandOn) this.under?.unsettled({ election, candidateId });
  }

  /**
   * Rule 10c. That a tick need not run is said of a row that was read in this call: an operator may have reset the ticks
   * since an older one.
   */
  #nextFor(bid: TickBid | undefined, jitterMs: number): Move | Settled {
    const verdict = bid && verdictOn(bid.tick, bid.mode, this.#ticks);
    if (verdict === undefined || verdict.kind === "open") return this.#nextMove(jitterMs);
    if (!this.#isCurrent) return { kind: "read", consistent: true };
    return this.#isTickFromOldHistory ? { kind: "readHistory" } : { kind: "settled", verdict };
  }

  #begin(): void {
    this.#isCurrent = false;
    this.#isHistoryCurrent = false;
  }

  /** A placeholder that a late copy made again looks like the one beside which an earlier call read the history. */
  get #isTickFromOldHistory(): boolean {
    return this.lease?.kind === "placeholder" && !this.#isHistoryCurrent;
  }

  #nextMove(jitterMs: number): Move {
    // Rule 14g. The session's log names this election.
    const isCalled = this.#following?.following.isCalled;
    if (this.#acquireUnanswered || isCalled) return { kind: "read", consistent: true };
    const session = sessionOf(this.lease);
    return nextMove(
      this.#observation,
      { ...this.options, jitterMs },
      this.client.time.now(),
      this.client.time.service,
      session === undefined ? undefined : this.#watch.fateOf(session),
    );
  }

  async #createPlaceholder(signal: AbortSignal | undefined): Promise<void> {
    const { renewIntervalMs } = this.options;
    const { answer, sent, received } = await inTurn("claim", this.under, () =>
      this.client.createPlaceholder(renewIntervalMs, signal),
    );
    this.#observe(answer.lease, received.monotonicMs, true, sent.monotonicMs);
  }

  async #readHistory(signal: AbortSignal | undefined): Promise<void> {
    const { answer, received } = await inTurn("claim", this.under, () => this.client.readHistory(signal));
    if (this.#observation) this.#observation = observeHistory(this.#observation, answer.history, received);
    this.#isHistoryCurrent = true;
    // The row may be another one by now, and know more of ticks than the history does.
    this.#isCurrent = false;
  }

  async #acquire({ basis, term }: Acquire, signal: AbortSignal | undefined): Promise<Won | undefined> {
    const { under } = this;
    const session = await under?.open();
    signal?.throwIfAborted();
    const seen = this.#observation?.lease;
    const previous = seen?.kind === "placeholder" ? undefined : seen;
    const previousSession = this.#watch.rowOf(sessionOf(seen));
    const lastHolder = holderOf(seen) ?? this.#observation?.lastHolder;
    const vanishedTerm =
      this.#observation && previous === undefined ? unsettledTerm(this.#observation) : undefined;
    await this.lastWill?.beforeAcquire({ basis, term });
    let written: WriteResult<Held> | undefined;
    let isSent = false;
    try {
      const acquire = async () => {
        signal?.throwIfAborted();
        // The session was lost while this claim waited for its turn.
        if (session !== undefined && !this.#isTrusted(session)) return undefined;
        isSent = true;
        return this.client.acquire({ basis, term, session });
      };
      const acquiring = inTurn("claim", under, acquire);
      // Rule 11f. A leadership begins when also a kill would be noticed.
      [written] = await Promise.all([acquiring, this.lastWill?.prepare()]);
    } catch (error) {
      if (isSent) {
        this.#acquireUnanswered = true;
        if (under) this.#mayLandOn = basis;
      }
      throw error;
    }
    if (written === undefined) {
      this.#unexplainedRefusals += 1;
      return undefined;
    }
    const { succeeded, lease, sent, received } = written;
    if (lease === undefined && basis.founding && this.#observation) {
      // The row is gone, or history or the floor has changed since it was read. If it is the same row, then the wait for an
      // unknown holder counts (rule 13c).
      this.#observation = readAgain(this.#observation);
      this.#isCurrent = false;
      this.lastWill?.observed(undefined);
    } else {
      this.#observe(lease, received.monotonicMs, true, sent.monotonicMs);
    }
    const isAsSeen = lease?.term === basis.term && lease.revision === basis.revision;
    // Also an older row than the one that was seen: if reads and writes go on to disagree, nothing must run hot.
    const isOlderRow = lease !== undefined && lease.term < basis.term;
    const isUnexplained = !succeeded && (!lease || isOlderRow || (isAsSeen && lease.pausedBy === undefined));
    this.#unexplainedRefusals = isUnexplained ? this.#unexplainedRefusals + 1 : 0;
    if (!succeeded) {
      this.emit({ type: "refused", term: lease?.term });
      return undefined;
    }
    // Both local clocks may have stood still since the last header, so the row's end may be too early. The
    // lease is ours, but it is acquired again (rule 4c).
    if (written.contradicts && lease.expiresAt !== undefined) return undefined;
    // The answer may have taken longer than the lease lasts (pitfall: a lease that has already run out).
    const now = this.client.time.now();
    if (trustLeftMs(sent, trustMs(this.options), now) <= 0) return undefined;
    // Rule 14c. The session may have been lost meanwhile.
    if (session !== undefined && !this.#isTrusted(session)) return undefined;
    this.emit({ type: "elected", term: lease.term, tookMs: longestElapsedMs(sent, now) });
    return { kind: "elected", lease, sent, previous, previousSession, vanishedTerm, lastHolder };
  }

  #isTrusted(session: string): boolean {
    return this.under !== undefined && this.under.trustLeftMs(session) > 0;
  }

  #observe(lease: Lease | undefined, receivedMs: number, authoritative: boolean, sentMs = receivedMs): void {
    const { leaseDurationMs, random } = this.options;
    const before = this.#observation;
    this.#observation = observe(before, lease, receivedMs, authoritative, sentMs);
    this.#isCurrent = authoritative;
    if (authoritative) {
      this.lastWill?.observed(lease);
      // What was conditional on another pair is refused.
      const { term, revision } = this.#mayLandOn ?? {};
      if (lease?.term !== term || lease?.revision !== revision) this.#mayLandOn = undefined;
    }
    this.#follow(authoritative ? sentMs : undefined);
    if (lease && this.#observation.firstSeenMs !== before?.firstSeenMs) {
      // A row under a session lasts for many leases of its session.
      this.#jitterMs = Math.min(lease.leaseDurationMs, leaseDurationMs) * JITTER * random();
    }
  }
}
