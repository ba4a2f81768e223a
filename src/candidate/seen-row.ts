import { endOrAbort, sleep } from "../async.js";
import { type Held, holderOf, type Lease, sessionOf } from "../protocol/lease.js";
import type { Basis, Move } from "../protocol/move.js";
import {
  isLater,
  isLatest,
  type Observation,
  observe,
  observeHistory,
  readAgain,
  unchangedUntil,
} from "../protocol/observation.js";
import { unsettledTerm } from "../protocol/placeholder.js";
import { sessionPoll } from "../protocol/polls.js";
import { nextMove } from "../protocol/takeover.js";
import { lastTickOf, type TickWindow, windowFrom } from "../protocol/ticks.js";
import type { Read } from "../protocol/verbs.js";
import type { Timed } from "../timed-request.js";
import type { Candidacy } from "./candidacy.js";
import type { Following } from "./follower.js";
import { SessionWatch } from "./session-watch.js";
import { inTurn } from "./under.js";

/**
 * Candidates spread their first tries after a holder's death over this part of its lease. So usually one is
 * first.
 */
const JITTER = 1 / 30;

/**
 * What one candidate has seen of the lease row, and how it reads it. It outlives each campaign, so that tries made one by one,
 * minutes apart, still notice a dead holder (pitfall: a takeover that never happens).
 */
export class SeenRow {
  #observation: Observation | undefined;
  /** A try to acquire got no answer. Only the row shows whether it succeeded (rule 3a). */
  #acquireUnanswered = false;
  /** What that try was conditional on. While the row shows it, the try may still land (rule 14f). */
  #mayLandOn: Basis | undefined;
  /** The row was seen in this call, by an answer that cannot be stale. */
  #isCurrent = false;
  /** The history was read in this call: what it says of ticks may have been reset since an earlier one. */
  #isHistoryCurrent = false;
  /** When the answer to another call came that showed a later row than any before. */
  #notedMs = Number.NEGATIVE_INFINITY;
  #jitterMs = 0;
  /** Only while a campaign waits: the session under which another candidate holds the lease. */
  #following: Following | undefined;
  #isWaiting = false;
  readonly #watch: SessionWatch;

  constructor(private readonly candidacy: Candidacy) {
    const { client, options, emit, under } = candidacy;
    this.#watch = under?.watch ?? new SessionWatch(client, options, emit);
    client.onNoted = (lease, sent, received) => this.#noted(lease, sent.monotonicMs, received.monotonicMs);
  }

  /** The row as it was last seen. */
  get lease(): Lease | undefined {
    return this.#observation?.lease;
  }

  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  /** The row may still be an older one than a consistent read would show. */
  get needsConsistentRead(): boolean {
    return this.#observation?.needsConsistentRead === true;
  }

  /** The history, or the floor, may have changed since it was read. */
  get isHistoryOld(): boolean {
    return this.#observation?.isHistoryOld === true;
  }

  /** What is known of completed ticks. */
  get ticks(): TickWindow | undefined {
    const { lease, history } = this.#observation ?? {};
    return lease && lease.kind !== "placeholder" ? lease.ticks : windowFrom(history?.lastTick);
  }

  /** A placeholder that a late copy made again looks like the one beside which an earlier call read the history. */
  get isTickFromOldHistory(): boolean {
    return this.lease?.kind === "placeholder" && !this.#isHistoryCurrent;
  }

  /** Undefined: none, or this call has not seen it. */
  get lastTick(): string | undefined {
    return this.isTickFromOldHistory ? undefined : lastTickOf(this.ticks);
  }

  /** Rule 14f. The row may name this candidate, now or when a request that is still under way lands. */
  get mayBeMine(): boolean {
    return this.#isMine || this.#mayLandOn !== undefined;
  }

  get #isMine(): boolean {
    return holderOf(this.lease) === this.candidacy.options.candidateId;
  }

  /** A call begins: what was seen before may be old. */
  begin(): void {
    this.#isCurrent = false;
    this.#isHistoryCurrent = false;
  }

  /** A campaign that waits begins, or a campaign ends: then no session is followed. */
  waits(isWaiting: boolean): void {
    this.#isWaiting = isWaiting;
    this.#follow(undefined);
  }

  /** What a campaign that waits adds to the end of a lease before it acquires. */
  get jitterMs(): number {
    return this.#jitterMs;
  }

  nextMove(jitterMs: number): Move {
    // Rule 14g. The session's log names this election.
    const isCalled = this.#following?.isCalled;
    if (this.#acquireUnanswered || isCalled) return { kind: "read", consistent: true };
    const { client, options } = this.candidacy;
    const session = sessionOf(this.lease);
    return nextMove(
      this.#observation,
      { ...options, jitterMs },
      client.time.now(),
      client.time.service,
      session === undefined ? undefined : this.#watch.fateOf(session),
    );
  }

  async read(consistent: boolean, signal: AbortSignal | undefined): Promise<void> {
    const following = consistent ? this.#following : undefined;
    const isCalled = following?.isCalled === true;
    const unchangedUntilMs = following?.looking();
    const { answer, sent, received } = await this.#readRow(consistent, signal).catch((error: unknown) => {
      if (isCalled) following?.notLooked();
      throw error;
    });
    if (consistent) this.#acquireUnanswered = false;
    if (this.#observation && unchangedUntilMs !== undefined)
      this.#observation = unchangedUntil(this.#observation, unchangedUntilMs);
    this.observe(answer.lease, received.monotonicMs, consistent, sent.monotonicMs);
  }

  /** The elections of one session read together. */
  async #readRow(consistent: boolean, signal: AbortSignal | undefined): Promise<Timed<Read>> {
    const { client, options, under } = this.candidacy;
    if (under === undefined) return client.read(consistent, signal);
    signal?.throwIfAborted();
    const reading = this.#watch.rows.read(options.name, consistent);
    await endOrAbort(reading, signal);
    signal?.throwIfAborted();
    return (await reading) ?? inTurn("look", under, () => client.read(consistent, signal));
  }

  async readHistory(signal: AbortSignal | undefined): Promise<void> {
    const { client, under } = this.candidacy;
    const { answer, received } = await inTurn("claim", under, () => client.readHistory(signal));
    // Another row may have been noted meanwhile.
    if (this.#observation?.lease?.kind === "placeholder")
      this.#observation = observeHistory(this.#observation, answer.history, received);
    this.#isHistoryCurrent = true;
    // The row may be another one by now, and know more of ticks than the history does.
    this.#isCurrent = false;
  }

  async createPlaceholder(signal: AbortSignal | undefined): Promise<void> {
    const { client, options, under } = this.candidacy;
    const { renewIntervalMs } = options;
    const create = () => client.createPlaceholder(renewIntervalMs, signal);
    const { answer, sent, received } = await inTurn("claim", under, create);
    this.observe(answer.lease, received.monotonicMs, true, sent.monotonicMs);
  }

  /** The session of a lease that is held under one, for a try that does not wait. */
  checkSession(id: string, signal: AbortSignal | undefined): Promise<void> {
    return this.#watch.check(id, signal);
  }

  /** Waits until then, or until something is heard of the session under which the lease is held. */
  rest(untilMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { client, options } = this.candidacy;
    if (this.#following) {
      const observation = this.#observation;
      const poll = (polledMs: number) =>
        observation && sessionPoll(observation, options, polledMs, client.time.now());
      return this.#following.wait(untilMs, signal, poll);
    }
    return sleep(options.clock, untilMs - client.time.now().monotonicMs, signal);
  }

  /** Whether this is still the row that was seen last. Another one may have been noted since. */
  isLast({ term, revision }: Basis): boolean {
    return this.lease?.term === term && this.lease.revision === revision;
  }

  /** Whether a row was noted while this acquire was under way that is not its own, and no earlier one. */
  hasOvertaken(acquired: Held): boolean {
    const { lease } = this;
    if (lease === undefined || isLater(acquired, lease)) return false;
    return lease.kind === "placeholder" || lease.attemptId !== acquired.attemptId;
  }

  /** What an acquire follows. */
  beforeAcquire() {
    const observation = this.#observation;
    const lease = observation?.lease;
    const previous = lease?.kind === "placeholder" ? undefined : lease;
    return {
      previous,
      previousSession: this.#watch.rowOf(sessionOf(lease)),
      vanishedTerm: observation && previous === undefined ? unsettledTerm(observation) : undefined,
      lastHolder: holderOf(lease) ?? observation?.lastHolder,
    };
  }

  /** An acquire with this condition got no answer. */
  unanswered(basis: Basis): void {
    this.#acquireUnanswered = true;
    this.#mayLandOn = basis;
  }

  /**
   * The row is gone, or history or the floor has changed since it was read. If it is the same row, then the wait for an unknown
   * holder counts (rule 13c).
   */
  foundingRefused(): void {
    if (this.#observation) this.#observation = readAgain(this.#observation);
    this.#isCurrent = false;
    this.candidacy.lastWill?.observed(undefined);
  }

  observe(lease: Lease | undefined, receivedMs: number, authoritative: boolean, sentMs = receivedMs): void {
    const before = this.#observation;
    // Answers overtake each other: one that left before that later row was seen does not show that an older one was put back.
    const isNewest = authoritative && sentMs >= this.#notedMs;
    this.#observation = observe(before, lease, receivedMs, isNewest, sentMs);
    this.#isCurrent = authoritative && !this.needsConsistentRead;
    if (authoritative) {
      this.candidacy.lastWill?.observed(lease);
      // What was conditional on another pair is refused.
      const { term, revision } = this.#mayLandOn ?? {};
      if (lease?.term !== term || lease?.revision !== revision) this.#mayLandOn = undefined;
    }
    this.#follow(authoritative ? sentMs : undefined);
    this.#drawJitter(before);
  }

  /**
   * Rule 6a. Another call was shown this row. What the campaign knows from before is still true of all but a later row. A campaign that
   * waits looks again when it would have done so anyway, but for what it hears of a session.
   */
  #noted(lease: Lease, sentMs: number, receivedMs: number): void {
    const before = this.#observation;
    if (lease.kind === "placeholder" || (before && !isLatest(before, lease))) return;
    this.#notedMs = receivedMs;
    this.#observation = observe(before, lease, receivedMs, false, sentMs);
    this.#follow(undefined);
    this.#drawJitter(before);
  }

  #drawJitter(before: Observation | undefined): void {
    const { lease, firstSeenMs } = this.#observation ?? {};
    if (!lease || firstSeenMs === before?.firstSeenMs) return;
    const { leaseDurationMs, random } = this.candidacy.options;
    // A row under a session lasts for many leases of its session.
    this.#jitterMs = Math.min(lease.leaseDurationMs, leaseDurationMs) * JITTER * random();
  }

  /** @param seenMs when the consistent read left that showed the row. Undefined: it may be older. */
  #follow(seenMs: number | undefined): void {
    const id = this.#isWaiting && !this.#isMine ? sessionOf(this.lease) : undefined;
    if (id === this.#following?.session) return;
    this.#following?.stop();
    const { name } = this.candidacy.options;
    this.#following = id === undefined ? undefined : this.#watch.follow(id, name, seenMs);
  }
}
