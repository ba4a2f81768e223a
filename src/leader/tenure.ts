import { backoffMs, deferred, sleep, withTimeout } from "../async.js";
import type { Elected } from "../candidate/campaign.js";
import { isHealthy } from "../candidate/health.js";
import { type Instant, longestElapsedMs } from "../clock.js";
import { type EndReason, InternalError, LeaseLostError } from "../errors.js";
import type { Emit, ResignOutcome } from "../events.js";
import type { LeaseClient, OwnTry, ReleaseOptions } from "../lease-client.js";
import type { Held, Lease } from "../protocol/lease.js";
import { lossBy } from "../protocol/lost-answers.js";
import { placeOf } from "../protocol/takeover.js";
import type { ResolvedOptions } from "../resolve-options.js";
import { Announcement, noticeMs } from "./announcement.js";
import { Heartbeat } from "./heartbeat.js";
import { PublishedValue } from "./published-value.js";
import { StopDeadline } from "./stop-deadline.js";
import type { Succession } from "./succession.js";
import { announcementOf, type Renewing, releaseOf, type State, signalledReason } from "./tenure-state.js";
import type { TermHistory } from "./term-history.js";
import { Trust } from "./trust.js";
import { WriteQueue } from "./write-queue.js";

/** What runs beside a tenure, as long as it lasts. */
export interface SideTasks {
  readonly succession: Succession;
  readonly history: TermHistory;
  /** Called when the tenure is over, for whatever reason. A release waits for it. */
  readonly onOver: () => Promise<unknown>;
}

/** One term of one holder: its trust, its heartbeat and its end (rule 8). */
export class Tenure {
  readonly term: number;
  readonly writes = new WriteQueue();
  /** The highest revision of any try (rule 1b). */
  #tried: number;
  #state: State = { kind: "leading", announcement: undefined };
  #lease: Held;
  readonly #trust: Trust;
  readonly #publishedValue: PublishedValue;
  readonly #heartbeat: Heartbeat;
  readonly #stop: StopDeadline;
  readonly #endSignal = new AbortController();

  constructor(
    elected: Elected,
    private readonly client: LeaseClient,
    readonly options: ResolvedOptions,
    private readonly emit: Emit,
    /** Receives each row that this tenure sees, so that the next campaign need not start from nothing. */
    private readonly observer: { observed(lease: Lease): void },
    private readonly sideTasks: SideTasks,
  ) {
    this.term = elected.lease.term;
    this.#lease = elected.lease;
    this.#tried = elected.lease.revision;
    this.#publishedValue = new PublishedValue(elected.lease.value);
    this.#heartbeat = new Heartbeat(options.clock, elected.sent.monotonicMs, options.renewIntervalMs);
    this.#stop = new StopDeadline(options.clock, options.stopTimeoutMs);
    this.#trust = new Trust(elected.sent, options, () => void this.#check());
  }

  /** Renews from now on until the tenure is over. */
  start(): void {
    void this.sideTasks.succession.refresh();
    void this.#renewUntilOver();
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
    return state.kind === "over" ? -longestElapsedMs(state.since, now) : this.#trust.leftMs(now);
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

  lostError(lateByMs: number, what?: string): LeaseLostError {
    const reason = this.#state.kind === "leading" ? "expired" : this.#state.reason;
    return new LeaseLostError(this.options.name, this.term, reason, lateByMs, what, { cause: this.fault });
  }

  /** The bug of this library that ended this leadership. */
  get fault(): InternalError | undefined {
    return this.#state.kind === "over" ? this.#state.fault : undefined;
  }

  /** Trusts nothing any more. The lease is neither renewed nor given back: what is known of it may be wrong. */
  fail(fault: InternalError): void {
    this.#finish("internal-error", { fault });
  }

  /** Tells the work to stop. The lease is still renewed, so that nobody else starts meanwhile (rule 8b). */
  end(reason: EndReason): void {
    const state = this.#check();
    if (state.kind !== "leading") return;
    this.#stop.request();
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
    this.#stop.request();
    const announcement = new Announcement(reason, to, this.#noticeMs(to), this.#stop.announceByMs);
    this.#state = { kind: "leading", announcement };
    this.#endBy(announcement, announcement.latestMs - this.client.time.now().monotonicMs);
    this.#heartbeat.timer.wake();
  }

  /**
   * The work did not stop in time: no more renewals, and no release under running work. The lease runs out
   * (rule 8c).
   */
  letRunOut(): void {
    const state = this.#check();
    if (state.kind === "over") return;
    this.#stop.lift();
    // Before the event: a listener can release.
    if (state.kind === "draining") this.#state = { ...state, kind: "abandoned" };
    this.emit({ type: "drain-overrun", term: this.term });
    this.#heartbeat.timer.wake();
  }

  /** What is left of `stopTimeoutMs`, once an end is requested (rule 8c). */
  get stopLeftMs(): number {
    return Math.max(0, this.#stop.leftMs);
  }

  /** Waits for what runs, but not longer than `stopTimeoutMs` allows. */
  waitToStop(running: Promise<unknown>): Promise<void> {
    return this.#stop.wait(running);
  }

  /** A fenced write brought the row: it is no longer this holder's. */
  superseded(lease: Lease | undefined): void {
    this.#finish(lossBy(lease));
  }

  /** Gives the lease back, once, when the work has stopped. Never rejects. */
  release(reason: EndReason, releaseOptions: ReleaseOptions = {}): Promise<ResignOutcome> {
    const before = this.#check();
    const earlier = releaseOf(before)?.outcome;
    // The work gave the lease back by itself: that release did not carry this tick, and no other can.
    if (earlier !== undefined)
      return releaseOptions.tick === undefined ? earlier : earlier.then(() => "lost");
    this.#stop.beginRelease(this.options.requestTimeoutMs);
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
    this.#heartbeat.timer.wake();
    void this.#giveBack({ ...releaseOptions, reserve }).then(resolve);
    return outcome;
  }

  /** Keeps the lease for one candidate until it must have polled, and no longer: it may be dead. */
  reservationFor(candidateId: string): ReleaseOptions["reserve"] {
    return { candidateId, forMs: this.#noticeMs(candidateId) };
  }

  /** Keeps the lease for this candidate's group, or for this candidate (rule 7g). */
  reservationForGroup(forMs: number | undefined): ReleaseOptions["reserve"] {
    if (forMs === undefined) return undefined;
    const { group, candidateId } = this.options;
    return { ...(group === undefined ? { candidateId } : { group }), forMs };
  }

  #noticeMs(to: string | undefined): number {
    return noticeMs(this.options.renewIntervalMs, to === undefined ? 0 : placeOf(this.#lease, to));
  }

  /** Resolves when a renewal has carried the value to the table. Rejects with `LeaseLostError`. */
  proclaim(value: string | undefined): Promise<void> {
    if (!this.#renewing()) return Promise.reject(this.lostError(-this.remainingMs()));
    const there = this.#publishedValue.change(value);
    this.#heartbeat.timer.wake();
    return there;
  }

  /** No answer is worth waiting for longer than trust lasts, or than an end may take. */
  #timeoutMs(): number {
    return this.#stop.cut(Math.min(this.options.requestTimeoutMs, this.remainingMs()));
  }

  /** Every access to the state asks the clocks first: a timer that did not fire must not prolong trust. */
  #check(): State {
    if (this.#state.kind !== "over") {
      const leftMs = this.#trust.leftMs();
      if (leftMs <= 0) this.#finish("expired", { lateByMs: -leftMs });
    }
    return this.#state;
  }

  /** Undefined when no renewal is due any more. */
  #renewing(): Renewing | undefined {
    const state = this.#check();
    return state.kind === "leading" || state.kind === "draining" ? state : undefined;
  }

  #finish(
    reason: EndReason,
    { lateByMs = 0, fault }: { lateByMs?: number; fault?: InternalError } = {},
  ): void {
    const before = this.#state;
    if (before.kind === "over") return;
    const now = this.client.time.now();
    this.#state = {
      kind: "over",
      reason,
      signalled: signalledReason(before) ?? reason,
      since: { ...now, monotonicMs: now.monotonicMs - lateByMs, wallMs: now.wallMs - lateByMs },
      release: releaseOf(before),
      fault,
    };
    this.#trust.stop();
    announcementOf(before)?.cancel();
    this.#heartbeat.timer.wake();
    this.#publishedValue.refuse(() => this.lostError(0));
    if (before.kind === "leading") this.#reportEnd(reason, lateByMs);
    void this.sideTasks.onOver();
  }

  /** Every end is reported here, so it is reported once (pitfalls: silent loss, loss told twice). */
  #reportEnd(reason: EndReason, lateByMs: number): void {
    this.emit({ type: "ended", term: this.term, reason, lateByMs });
    this.#endSignal.abort(this.lostError(lateByMs));
  }

  async #renewUntilOver(): Promise<void> {
    const { renewIntervalMs, random } = this.options;
    let failures = 0;
    for (let state = this.#renewing(); state; state = this.#renewing()) {
      const waitMs =
        failures === 0
          ? this.#heartbeat.dueMs - this.client.time.now().monotonicMs
          : backoffMs(failures, renewIntervalMs / 4, random);
      const isUrgent = this.#publishedValue.isAwaited || state.announcement?.isSent === false;
      if (!isUrgent || failures > 0) await this.#heartbeat.timer.wait(waitMs);
      if (this.#renewing()?.kind === "leading" && !(await isHealthy(this.options, this.emit)))
        this.end("unhealthy");
      const renewed = await this.writes.run(() => this.#renew());
      failures = renewed === "failed" ? failures + 1 : 0;
      void this.sideTasks.history.refresh();
    }
  }

  /** A failure ends nothing: the renewal is tried again as long as trust lasts (rule 3g). */
  async #renew(): Promise<"confirmed" | "failed" | "ended"> {
    const state = this.#renewing();
    if (state === undefined) return "ended";
    const { announcement } = state;
    const awaiting = this.#publishedValue.take();
    try {
      const { succeeded, lease, sent, received } = await this.client.renew(
        this.#nextTry(),
        {
          value: this.#publishedValue.value,
          nextInMs: (at) => this.#heartbeat.nextDueMs(at.monotonicMs) - at.monotonicMs,
          line: this.sideTasks.succession.newLine(this.#lease),
          announcement: announcement && ((at) => announcement.toSend(at.monotonicMs)),
        },
        this.#timeoutMs(),
      );
      // Trust may have ended meanwhile. What is lost never comes back, not even by a late success (rule 4a).
      if (this.isOver) {
        this.#publishedValue.refuse(() => this.lostError(0), awaiting);
        return "ended";
      }
      if (lease) this.observer.observed(lease);
      if (!succeeded) {
        this.#publishedValue.putBack(awaiting);
        this.#finish(lossBy(lease));
        return "ended";
      }
      this.#confirm(lease, sent);
      for (const waiter of awaiting) waiter.resolve();
      this.emit({ type: "renewed", term: this.term, tookMs: longestElapsedMs(sent, received) });
      if (announcement) this.#endWhenDue(announcement);
      else this.#followPlan(lease);
      void this.sideTasks.succession.refresh();
      return "confirmed";
    } catch (error) {
      announcement?.notConfirmed();
      this.#publishedValue.putBack(awaiting);
      if (error instanceof InternalError) {
        this.fail(error);
        return "ended";
      }
      this.emit({ type: "renewal-failed", term: this.term, error, trustLeftMs: this.remainingMs() });
      if (this.isOver) this.#publishedValue.refuse(() => this.lostError(0));
      return "failed";
    }
  }

  #confirm(lease: Held, sent: Instant): void {
    this.#trust.confirm(sent);
    this.#heartbeat.renewed(sent.monotonicMs);
    this.#lease = lease;
  }

  /** Ends this leadership if an operator's request on the row, or the line, asks for another leader. */
  #followPlan(lease: Held): void {
    const planned = this.sideTasks.succession.plannedEnd(lease);
    if (planned) this.announce(planned.reason, planned.to);
  }

  #nextTry(): OwnTry {
    this.#tried += 1;
    return { term: this.term, revision: this.#tried };
  }

  /** The row has the announcement: the work must stop at the moment that the followers know. */
  #endWhenDue(announcement: Announcement): void {
    const leftMs = announcement.confirmed(this.client.time.now().monotonicMs);
    if (this.#state.kind === "leading") this.#endBy(announcement, leftMs);
  }

  #endBy(announcement: Announcement, leftMs: number): void {
    announcement.onDue(this.options.clock, leftMs, () => this.end(announcement.reason));
  }

  async #giveBack(releaseOptions: ReleaseOptions): Promise<ResignOutcome> {
    const history = this.sideTasks.history.insist();
    await this.#whileTrusted(history);
    const outcome = await this.writes.run(() => this.#resign(releaseOptions));
    await this.#stop.wait(Promise.all([history, this.sideTasks.onOver()]));
    this.emit({ type: "resigned", term: this.term, outcome });
    return outcome;
  }

  /**
   * Observers would miss a tenure that is shorter than one write of history. So the release waits for that
   * write, but not for long: it needs trust too.
   */
  async #whileTrusted(history: Promise<unknown>): Promise<void> {
    await withTimeout(this.options.clock, this.#timeoutMs() / 2, () => history).catch(() => {});
  }

  async #resign(releaseOptions: ReleaseOptions): Promise<ResignOutcome> {
    for (let failures = 0; ; failures++) {
      const state = this.#check();
      // An earlier try may still have succeeded.
      if (state.kind !== "releasing") return failures > 0 ? "unconfirmed" : "lost";
      if (failures > 2 || this.#stop.leftMs <= 0) {
        this.#finish(state.reason);
        return "unconfirmed";
      }
      try {
        const { succeeded, lease } = await this.client.resign(
          this.#nextTry(),
          { ...releaseOptions, reason: state.reason },
          this.#timeoutMs(),
        );
        if (lease) this.observer.observed(lease);
        this.#finish(succeeded ? state.reason : lossBy(lease));
        return succeeded ? "released" : "lost";
      } catch (error) {
        if (error instanceof InternalError) this.fail(error);
        if (failures >= 2 || this.#stop.leftMs <= 0 || this.isOver) continue;
        const pauseMs = backoffMs(failures, this.options.renewIntervalMs / 4, this.options.random);
        await sleep(this.options.clock, this.#stop.cut(pauseMs));
      }
    }
  }
}
