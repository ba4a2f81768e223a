import { deferred } from "../async.js";
import type { Elected } from "../candidate/acquire.js";
import { type Instant, longestElapsedMs } from "../clock.js";
import { type EndReason, type InternalError, LeaseLostError } from "../errors.js";
import type { Emit, ResignOutcome } from "../events.js";
import type { LeaseClient, OwnTry, ReleaseOptions } from "../lease-client.js";
import { trustMs } from "../protocol/expiry.js";
import { type Held, isHeldIn, type Lease } from "../protocol/lease.js";
import { lossBy } from "../protocol/lost-answers.js";
import { Revisions } from "../protocol/stand-ins.js";
import type { ResolvedOptions } from "../resolve-options.js";
import { Announcement, noticeMs } from "./announcement.js";
import { GiveBack, type Releasable } from "./give-back.js";
import { Notice } from "./notice.js";
import { type Renewable, Renewals } from "./renewals.js";
import type { SideTasks } from "./side-tasks.js";
import { type Covered, StandIns } from "./stand-ins.js";
import { StopDeadline } from "./stop-deadline.js";
import { announcementOf, type Renewing, releaseOf, type State, signalledReason } from "./tenure-state.js";
import { Trust } from "./trust.js";
import { WriteQueue } from "./write-queue.js";

/**
 * One term of one holder: its trust, its heartbeat and its end (rule 8). There may be thousands of them in a process, so what few
 * of them need is made when it is needed.
 */
export class Tenure implements Renewable, Releasable, Covered {
  readonly term: number;
  readonly writes = new WriteQueue();
  /** Of each try (rule 1b). */
  readonly #revisions: Revisions;
  #state: State = { kind: "leading", announcement: undefined };
  #lease: Held;
  readonly trust: Trust;
  readonly #notice: Notice;
  readonly #renewals: Renewals;
  /** Undefined: only the event loop renews. */
  readonly #standIns: StandIns | undefined;
  /** How long an end may take (rule 8c). */
  readonly stop: StopDeadline;
  readonly #endSignal = new AbortController();
  #stopLastWill: (() => void) | undefined;

  constructor(
    elected: Elected,
    private readonly client: LeaseClient,
    readonly options: ResolvedOptions,
    private readonly emit: Emit,
    /** Receives each row that this tenure sees, so that the next campaign need not start from nothing. */
    private readonly observer: { observed(lease: Lease, sent: Instant): void },
    private readonly sideTasks: SideTasks,
  ) {
    this.term = elected.lease.term;
    this.#lease = elected.lease;
    this.#revisions = new Revisions(elected.lease.revision);
    this.stop = new StopDeadline(options.clock, options.stopTimeoutMs);
    const { under } = sideTasks;
    const lastsMs = under?.rowTrustMs ?? trustMs(options);
    this.trust = new Trust(elected.sent, options.clock, lastsMs, () => void this.#check(), under);
    this.#notice = new Notice(options.renewIntervalMs);
    if (elected.previous) this.#notice.stood(elected.previous, elected.sent.monotonicMs);
    const { heartbeat } = sideTasks;
    this.#standIns =
      heartbeat && new StandIns(this, heartbeat, client, options, this.#revisions, emit, elected.sent);
    this.#renewals = new Renewals(this, client, options, emit, sideTasks, elected.sent, this.#standIns);
  }

  /**
   * Renews from now on until the tenure is over. Returns what the work must wait for: if it blocks the event loop at once,
   * the stand-ins must be signed before.
   */
  start(): Promise<void> | undefined {
    // Rule 11e. The process is about to exit.
    this.#stopLastWill = this.sideTasks.lastWill?.during(() => this.finish("crashed"));
    void this.sideTasks.succession.refresh();
    this.#renewals.begin();
    return this.#standIns?.prepare(this.#lease.value, undefined);
  }

  get signal(): AbortSignal {
    return this.#endSignal.signal;
  }

  /** The row as the last confirmed write left it. */
  get lease(): Held {
    return this.#lease;
  }

  /** The reason with which the work's signal aborted. Undefined: it has not aborted. */
  get endReason(): EndReason | undefined {
    return signalledReason(this.#check());
  }

  get isOver(): boolean {
    return this.#check().kind === "over";
  }

  /** Trust left by the clocks at this call. Negative when it is over. */
  remainingMs(): number {
    const state = this.#check();
    const now = this.client.time.now();
    return state.kind === "over" ? -longestElapsedMs(state.since, now) : this.trust.leftMs(now);
  }

  /**
   * False once the tenure is over, or the lease is being given back: the release may take effect at any moment
   * (rule 8e).
   */
  get mayWork(): boolean {
    const { kind } = this.#check();
    return kind !== "over" && kind !== "releasing";
  }

  /** Trust left for the work. At or below 0 it must not go on. */
  workLeftMs(): number {
    const leftMs = this.remainingMs();
    const release = releaseOf(this.#state);
    if (release === undefined) return leftMs;
    return Math.min(leftMs, -longestElapsedMs(release.since, this.client.time.now()));
  }

  lostError(lateByMs = 0, what?: string): LeaseLostError {
    const reason = this.#state.kind === "leading" ? "expired" : this.#state.reason;
    return new LeaseLostError(this.options.name, this.term, reason, lateByMs, what, { cause: this.fault });
  }

  /** The bug of this library that ended this leadership. */
  get fault(): InternalError | undefined {
    return this.#state.kind === "over" ? this.#state.fault : undefined;
  }

  /** Trusts nothing any more. The lease is neither renewed nor given back: what is known of it may be wrong. */
  fail(fault: InternalError): void {
    this.finish("internal-error", 0, fault);
  }

  /** Tells the work to stop. The lease is still renewed, so that nobody else starts meanwhile (rule 8b). */
  end(reason: EndReason): void {
    const state = this.#check();
    if (state.kind !== "leading") return;
    this.#requestStop();
    this.#state = { kind: "draining", reason, announcement: state.announcement };
    this.#reportEnd(reason, 0);
  }

  /**
   * Plans an end and announces it with a renewal that is sent now (rule 7e). The work goes on until the followers have
   * polled. Only then its signal aborts.
   */
  announce(reason: EndReason, to?: string): void {
    const state = this.#check();
    if (state.kind !== "leading" || state.announcement) return;
    this.#requestStop();
    const announcement = new Announcement(reason, to, this.#noticeMs(to), this.stop.announceByMs);
    this.#state = { kind: "leading", announcement };
    this.#endBy(announcement, announcement.latestMs - this.client.time.now().monotonicMs);
    this.#renewals.wake();
  }

  /**
   * The work did not stop in time: no more renewals, and no release under running work. The lease runs out
   * (rule 8c).
   */
  letRunOut(): void {
    const state = this.#check();
    if (state.kind === "over") return;
    this.stop.lift();
    this.#standIns?.withdraw();
    // Nobody renews the row of a lease under a session, so it would last as long as the session (rule 14f).
    if (this.sideTasks.under) this.trust.cap(trustMs(this.options));
    // Before the event: a listener can release.
    if (state.kind === "draining") this.#state = { ...state, kind: "abandoned" };
    this.emit({ type: "drain-overrun", term: this.term });
    this.#renewals.wake();
  }

  /** A fenced write brought the row: it is no longer this holder's. */
  superseded(lease: Lease | undefined): void {
    this.finish(lossBy(lease));
  }

  /**
   * Rule 14c. What a consistent look at the row showed that left at `at`, when this tenure had begun. Any other holder or
   * term ends it. A release of its own may have landed before such a look.
   */
  looked(lease: Lease | undefined, at: Instant): void {
    const { kind } = this.#check();
    if (kind === "over" || kind === "releasing") {
      this.noted(lease, at);
      return;
    }
    if (!isHeldIn(lease, { candidateId: this.options.candidateId, term: this.term })) {
      if (lease) this.observer.observed(lease, at);
      this.finish(lossBy(lease));
      return;
    }
    this.trust.confirm(at);
    if (!this.#isOvertaken(lease)) {
      this.#lease = lease;
      this.observer.observed(lease, at);
    }
    // Also of an older row, which perhaps was put back: nothing else would ever show what is asked for there.
    if (kind === "leading") this.followPlan(lease);
  }

  /** Rule 14j. The session under which the lease is held is over. */
  sessionEnded(reason: EndReason): void {
    const lateByMs = Math.max(0, -this.trust.leftMs());
    this.finish(reason === "crashed" ? reason : "session-lost", lateByMs);
  }

  /** Gives the lease back, once, when the work has stopped. Never rejects. */
  release(reason: EndReason, releaseOptions: ReleaseOptions = {}): Promise<ResignOutcome> {
    const before = this.#check();
    const earlier = releaseOf(before)?.outcome;
    // The work gave the lease back by itself: that release did not carry this tick, and no other can.
    if (earlier !== undefined)
      return releaseOptions.tick === undefined ? earlier : earlier.then(() => "lost");
    this.stop.beginRelease(this.options.requestTimeoutMs);
    this.#standIns?.withdraw();
    const announcement = announcementOf(before);
    announcement?.cancel();
    const to = announcement?.to;
    const reserve = releaseOptions.reserve ?? (to === undefined ? undefined : this.reservationFor(to));
    const { promise: outcome, resolve } = deferred<ResignOutcome>();
    const release = { since: this.client.time.now(), outcome };
    // Before the event: a listener that releases too gets the same outcome.
    if (before.kind === "over") this.#state = { ...before, release };
    else this.#state = { kind: "releasing", reason: signalledReason(before) ?? reason, release };
    if (before.kind === "leading") this.#reportEnd(reason, 0);
    this.#renewals.wake();
    const { client, options, emit, stop, sideTasks } = this;
    const giveBack = new GiveBack(this, client, options, emit, stop, sideTasks);
    void giveBack.run(this.term, this.writes, { ...releaseOptions, reserve }).then(async (how) => {
      await stop.wait(sideTasks.under?.released(how, this.#overReason) ?? Promise.resolve());
      resolve(how);
    });
    return outcome;
  }

  get #overReason(): EndReason | undefined {
    return this.#state.kind === "over" ? this.#state.reason : undefined;
  }

  #requestStop(): void {
    this.stop.request();
    this.#standIns?.stopBy(this.stop.byMs);
  }

  /** Keeps the lease for one candidate until it must have polled, and no longer: it may be dead. */
  reservationFor(candidateId: string): NonNullable<ReleaseOptions["reserve"]> {
    return { candidateId, forMs: this.#noticeMs(candidateId) };
  }

  /** For the named candidate, or for the first in line by the row that the next renewal writes. */
  #noticeMs(to: string | undefined): number {
    const { candidateId, renewIntervalMs } = this.options;
    const line = this.sideTasks.succession.newLine(this.#lease) ?? this.#lease.line;
    const next = to ?? line?.find((id) => id !== candidateId);
    if (next === undefined) return noticeMs(renewIntervalMs, 0);
    const nowMs = this.client.time.now().monotonicMs;
    this.#notice.stood(this.#lease, nowMs);
    return this.#notice.msFor(next, nowMs);
  }

  /** Resolves when a renewal has carried the value to the table. Rejects with `LeaseLostError`. */
  proclaim(value: string | undefined): Promise<void> {
    if (!this.renewing()) return Promise.reject(this.lostError(-this.remainingMs()));
    return this.#renewals.publish(value);
  }

  /** Every access to the state asks the clocks first: a timer that did not fire must not prolong trust. */
  #check(): State {
    if (this.#state.kind !== "over") this.#standIns?.takeReports();
    if (this.#state.kind !== "over") {
      const leftMs = this.trust.leftMs();
      const reason = this.trust.isSessionOver ? "session-lost" : "expired";
      if (leftMs <= 0) this.finish(reason, -leftMs);
    }
    return this.#state;
  }

  finish(reason: EndReason, lateByMs = 0, fault?: InternalError): void {
    const before = this.#state;
    if (before.kind === "over") return;
    this.stop.request();
    const now = this.client.time.now();
    this.#state = {
      kind: "over",
      reason,
      signalled: signalledReason(before) ?? reason,
      since: { ...now, monotonicMs: now.monotonicMs - lateByMs, wallMs: now.wallMs - lateByMs },
      release: releaseOf(before),
      fault,
    };
    this.trust.stop();
    this.#stopLastWill?.();
    this.#standIns?.withdraw();
    announcementOf(before)?.cancel();
    this.#renewals.stop();
    if (before.kind === "leading") this.#reportEnd(reason, lateByMs);
    this.sideTasks.under?.over(reason, fault);
    void this.sideTasks.onOver();
  }

  /** Every end is reported here, so it is reported once (pitfalls: silent loss, loss told twice). */
  #reportEnd(reason: EndReason, lateByMs: number): void {
    this.emit({ type: "ended", term: this.term, reason, lateByMs });
    this.#endSignal.abort(this.lostError(lateByMs));
  }

  /** The row has the announcement: the work must stop at the moment that the followers know. */
  #endWhenDue(announcement: Announcement): void {
    const nowMs = this.client.time.now().monotonicMs;
    if (!announcement.isListenedTo(this.#lease, this.options.candidateId)) announcement.dueNow(nowMs);
    const leftMs = announcement.confirmed(nowMs);
    if (this.#state.kind !== "leading") return;
    if (leftMs > 0) this.#endBy(announcement, leftMs);
    else this.end(announcement.reason);
  }

  #endBy(announcement: Announcement, leftMs: number): void {
    announcement.onDue(this.options.clock, leftMs, () => this.end(announcement.reason));
  }

  /** Whether this tenure knows a later row of its own. */
  #isOvertaken(lease: Lease): boolean {
    const { candidateId } = this.options;
    return isHeldIn(lease, { candidateId, term: this.term }) && lease.revision < this.#lease.revision;
  }

  renewing(): Renewing | undefined {
    const state = this.#check();
    return state.kind === "leading" || state.kind === "draining" ? state : undefined;
  }

  releasing(): EndReason | undefined {
    const state = this.#check();
    return state.kind === "releasing" ? state.reason : undefined;
  }

  nextTry(): OwnTry {
    const at = this.client.time.now();
    return { term: this.term, revision: this.#revisions.next(this.#standIns?.slotOfTry(at)), at };
  }

  /** No answer is worth waiting for longer than trust lasts, or than an end may take. */
  timeoutMs(): number {
    return this.stop.cut(Math.min(this.options.requestTimeoutMs, this.remainingMs()));
  }

  /** The answer to a renewal can be read after a stand-in has written again. It is older, but no restore (rule 6). */
  observed(lease: Lease, sent: Instant): void {
    if (this.#state.kind === "over") this.noted(lease, sent);
    else if (!this.#isOvertaken(lease)) this.observer.observed(lease, sent);
  }

  /** An answer that came when the tenure was over: the next campaign may be under way. */
  noted(lease: Lease | undefined, sent: Instant): void {
    this.client.noted(lease, sent);
  }

  adopt(lease: Held): void {
    this.#lease = lease;
  }

  confirm(lease: Held, sent: Instant): void {
    this.trust.confirm(sent);
    this.#notice.stood(this.#lease, this.client.time.now().monotonicMs);
    if (!this.#isOvertaken(lease)) this.#lease = lease;
  }

  followPlan(lease: Held, announcement?: Announcement): void {
    const planned = announcement ? undefined : this.sideTasks.succession.plannedEnd(lease);
    if (announcement) this.#endWhenDue(announcement);
    else if (planned) this.announce(planned.reason, planned.to);
  }
}
