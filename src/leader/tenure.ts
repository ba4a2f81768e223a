import { backoffMs } from "../async.js";
import type { Elected } from "../candidate/campaign.js";
import { isHealthy } from "../candidate/health.js";
import { type Instant, longestElapsedMs } from "../clock.js";
import { type EndReason, LeaseLostError } from "../errors.js";
import type { Emit, ResignOutcome } from "../events.js";
import type { GivingBack, LeaseClient, OwnTry } from "../lease-client.js";
import type { Lease } from "../protocol/lease.js";
import { lossBy } from "../protocol/lost-answers.js";
import { placeOf } from "../protocol/takeover.js";
import type { ResolvedOptions } from "../resolve-options.js";
import { Farewell, noticeMs } from "./announcement.js";
import { Metronome } from "./heartbeat.js";
import { Lane } from "./lane.js";
import { Proclamation } from "./published-value.js";
import type { Succession } from "./succession.js";
import type { TermHistory } from "./term-history.js";
import { Trust } from "./trust.js";

/**
 *            end(reason)              release()
 *  leading ───────────────▶ ending ───────────────▶ over
 *     │   signal aborts,       │                      ▲
 *     │   still renewing       │                      │
 *     └────────────────────────┴──── trust runs out, or the row is another's
 */
type State =
  | { readonly kind: "leading" }
  /** The work was told to stop, and the lease is kept for it while it does. */
  | { readonly kind: "ending"; readonly reason: EndReason; readonly since: Instant }
  | { readonly kind: "over"; readonly reason: EndReason; readonly since: Instant };

/** What goes on beside a tenure, as long as it lasts. */
export interface Beside {
  readonly succession: Succession;
  readonly history: TermHistory;
  /** Called when it is over, for whatever reason; a release waits for it. */
  readonly afterwards: () => Promise<unknown>;
}

/** One term of one holder: its trust, its heartbeat and its end. */
export class Tenure {
  readonly term: number;
  readonly lane = new Lane();
  /** The highest revision of any try. */
  #tried: number;
  #state: State = { kind: "leading" };
  #lease: Lease;
  readonly #trust: Trust;
  readonly #proclamation: Proclamation;
  readonly #metronome: Metronome;
  #release: Promise<ResignOutcome> | undefined;
  /** Set when the heartbeat must stop although the tenure is not over: a release, or an overrun drain. */
  #still = false;
  #givenBackAt: Instant | undefined;
  #farewell: Farewell | undefined;
  #cancelFarewell: () => void = () => {};
  readonly #told = new AbortController();

  constructor(
    elected: Elected,
    private readonly client: LeaseClient,
    readonly options: ResolvedOptions,
    private readonly emit: Emit,
    /** Told each row this tenure sees, so that the next campaign starts warm. */
    private readonly witness: { saw(lease: Lease): void },
    private readonly beside: Beside,
  ) {
    this.term = elected.lease.term;
    this.#lease = elected.lease;
    this.#tried = elected.lease.revision;
    this.#proclamation = new Proclamation(elected.lease.value);
    this.#metronome = new Metronome(options.clock, elected.sent.monotonicMs, options.renewIntervalMs);
    this.#trust = new Trust(elected.sent, options, () => void this.#check());
    void this.beside.succession.refresh();
    void this.#heartbeat();
  }

  get signal(): AbortSignal {
    return this.#told.signal;
  }

  /** The row as the last confirmed write left it. */
  get lease(): Lease {
    return this.#lease;
  }

  /** Why the work was told to stop; undefined while it was not. */
  get endReason(): EndReason | undefined {
    this.#check();
    return (this.#told.signal.reason as LeaseLostError | undefined)?.reason;
  }

  get isOver(): boolean {
    return this.#check().kind === "over";
  }

  /** Trust left by the clocks as they are now; negative when it is over. */
  remainingMs(): number {
    const state = this.#check();
    const now = this.client.time.now();
    return state.kind === "over" ? -longestElapsedMs(state.since, now) : this.#trust.leftMs(now);
  }

  /** False once the lease is over, or is being given back: that may take effect at any moment. */
  get mayWork(): boolean {
    return !this.isOver && this.#givenBackAt === undefined;
  }

  /** Trust left for the work; not above 0 when it must not go on. */
  workLeftMs(): number {
    const leftMs = this.remainingMs();
    if (this.#givenBackAt === undefined) return leftMs;
    return Math.min(leftMs, -longestElapsedMs(this.#givenBackAt, this.client.time.now()));
  }

  lostError(lateByMs: number, what?: string): LeaseLostError {
    const reason = this.#state.kind === "leading" ? "expired" : this.#state.reason;
    return new LeaseLostError(this.options.name, this.term, reason, lateByMs, what);
  }

  /** Tells the work to stop; the lease is still renewed, so that nobody else starts meanwhile. */
  end(reason: EndReason): void {
    if (this.#check().kind !== "leading") return;
    this.#state = { kind: "ending", reason, since: this.client.time.now() };
    this.#tell(reason, 0);
  }

  /**
   * A planned end, announced with a renewal sent now: the work goes on until the followers have had time to look,
   * and only then is told to stop.
   */
  announce(reason: EndReason, to?: string): void {
    if (this.#farewell || this.#check().kind !== "leading") return;
    this.#farewell = new Farewell(reason, to, this.#noticeMs(to));
    this.#metronome.wake();
  }

  /** The work overran its drain: no more renewals, and no release under it. The lease runs out. */
  letRunOut(): void {
    if (this.isOver) return;
    this.emit({ type: "drainOverrun", term: this.term });
    this.#still = true;
    this.#metronome.wake();
  }

  /** A fenced write showed the row as it stands: no longer mine. */
  superseded(lease: Lease | undefined): void {
    this.#over(lossBy(lease));
  }

  /** Gives the lease back, once: the work has stopped. Never rejects. */
  release(reason: EndReason, giving: GivingBack = {}): Promise<ResignOutcome> {
    // The work gave it back by itself: that release did not carry this tick, and no other can.
    if (this.#release && giving.tick !== undefined) return this.#release.then(() => "lost");
    this.#release ??= this.#giveBack(reason, giving);
    return this.#release;
  }

  /** Kept for one candidate until it has surely looked, and no longer: it may be dead. */
  reservationFor(candidateId: string): GivingBack["reserve"] {
    return { candidateId, forMs: this.#noticeMs(candidateId) };
  }

  /** Kept for the own group, or for this candidate. */
  hold(forMs: number | undefined): GivingBack["reserve"] {
    if (forMs === undefined) return undefined;
    const { group, candidateId } = this.options;
    return { ...(group === undefined ? { candidateId } : { group }), forMs };
  }

  #noticeMs(to: string | undefined): number {
    return noticeMs(this.options.renewIntervalMs, to === undefined ? 0 : placeOf(this.#lease, to));
  }

  /** Resolves when a renewal carried the value to the table. Rejects with `LeaseLostError`. */
  proclaim(value: string | undefined): Promise<void> {
    if (this.isOver || this.#still) return Promise.reject(this.lostError(-this.remainingMs()));
    const there = this.#proclamation.change(value);
    this.#metronome.wake();
    return there;
  }

  /** Longer than trust lasts, no answer is worth waiting for. */
  #timeoutMs(): number {
    return Math.min(this.options.requestTimeoutMs, this.remainingMs());
  }

  /** Every look at the state asks the clocks first: a timer that did not fire must not prolong trust. */
  #check(): State {
    if (this.#state.kind !== "over") {
      const leftMs = this.#trust.leftMs();
      if (leftMs <= 0) this.#over("expired", -leftMs);
    }
    return this.#state;
  }

  #over(reason: EndReason, lateByMs = 0): void {
    const before = this.#state;
    if (before.kind === "over") return;
    const now = this.client.time.now();
    this.#state = {
      kind: "over",
      reason,
      since: { ...now, monotonicMs: now.monotonicMs - lateByMs, wallMs: now.wallMs - lateByMs },
    };
    this.#trust.stop();
    this.#cancelFarewell();
    this.#metronome.wake();
    this.#proclamation.refuse(() => this.lostError(0));
    if (before.kind === "leading") this.#tell(reason, lateByMs);
    void this.beside.afterwards();
  }

  /** The one place from which an end is told, so it is told once (pitfalls: silent loss, loss told twice). */
  #tell(reason: EndReason, lateByMs: number): void {
    this.emit({ type: "ended", term: this.term, reason, lateByMs });
    this.#told.abort(this.lostError(lateByMs));
  }

  async #heartbeat(): Promise<void> {
    const { renewIntervalMs, random } = this.options;
    let failures = 0;
    while (!this.isOver && !this.#still) {
      const waitMs =
        failures === 0
          ? this.#metronome.dueMs - this.client.time.now().monotonicMs
          : backoffMs(failures, renewIntervalMs / 4, random);
      const isUrgent = this.#proclamation.isAwaited || this.#farewell?.isUnderWay === false;
      if (!isUrgent || failures > 0) await this.#metronome.pause(waitMs);
      if (this.isOver || this.#still) return;
      if (this.#state.kind === "leading" && !(await isHealthy(this.options))) this.end("unhealthy");
      const confirmed = await this.lane.run(() => this.#renew());
      failures = confirmed ? 0 : failures + 1;
      void this.beside.history.refresh();
    }
  }

  /** Whether the lease was confirmed. A failure ends nothing: it is tried again as long as trust lasts. */
  async #renew(): Promise<boolean> {
    if (this.isOver || this.#still) return true;
    const proclaiming = this.#proclamation.take();
    try {
      const farewell = this.#farewell;
      const { landed, lease, sent, received } = await this.client.renew(
        this.#nextTry(),
        {
          value: this.#proclamation.value,
          nextInMs: (at) => this.#metronome.after(at.monotonicMs) - at.monotonicMs,
          line: this.beside.succession.newLine(this.#lease),
          lettingGo: farewell && ((at) => farewell.tell(at.monotonicMs)),
        },
        this.#timeoutMs(),
      );
      // Trust may have ended on the way; what is lost never comes back, not even by a late yes.
      if (this.isOver) {
        this.#proclamation.refuse(() => this.lostError(0), proclaiming);
        return true;
      }
      if (lease) this.witness.saw(lease);
      if (!landed || !lease) {
        this.#proclamation.putBack(proclaiming);
        this.#over(lossBy(lease));
        return true;
      }
      this.#trust.confirm(sent);
      this.#metronome.renewed(sent.monotonicMs);
      this.#lease = lease;
      for (const waiter of proclaiming) waiter.resolve();
      this.emit({ type: "renewed", term: this.term, tookMs: longestElapsedMs(sent, received) });
      const wish = this.beside.succession.wish(lease);
      if (farewell) this.#armFarewell(farewell);
      else if (wish) this.announce(wish.reason, wish.to);
      void this.beside.succession.refresh();
      return true;
    } catch (error) {
      this.#farewell?.unheard();
      this.#proclamation.putBack(proclaiming);
      this.emit({ type: "renewalFailed", term: this.term, error, trustLeftMs: this.remainingMs() });
      if (this.isOver) this.#proclamation.refuse(() => this.lostError(0));
      return false;
    }
  }

  #nextTry(): OwnTry {
    this.#tried += 1;
    return { term: this.term, revision: this.#tried };
  }

  /** The followers know: the work is told to stop when they expect it. */
  #armFarewell(farewell: Farewell): void {
    this.#cancelFarewell();
    const leftMs = farewell.heard(this.client.time.now().monotonicMs);
    this.#cancelFarewell = this.options.clock.setTimer(leftMs, () => this.end(farewell.reason));
  }

  async #giveBack(reason: EndReason, giving: GivingBack): Promise<ResignOutcome> {
    const to = this.#farewell?.to;
    const reserve = giving.reserve ?? (to === undefined ? undefined : this.reservationFor(to));
    this.end(reason);
    this.#givenBackAt = this.client.time.now();
    this.#still = true;
    this.#metronome.wake();
    const history = this.beside.history.insist();
    await this.#whileTrusted(history);
    const outcome = await this.lane.run(() => this.#resign({ ...giving, reserve }));
    await Promise.all([history, this.beside.afterwards()]);
    this.emit({ type: "resigned", term: this.term, outcome });
    return outcome;
  }

  /**
   * A tenure shorter than one write of history would be missed by who observes: waits for it, but not for long. The
   * release needs trust too.
   */
  async #whileTrusted(history: Promise<unknown>): Promise<void> {
    let cancel = () => {};
    const enough = new Promise<void>((resolve) => {
      cancel = this.options.clock.setTimer(this.#timeoutMs() / 2, resolve);
    });
    await Promise.race([history, enough]);
    cancel();
  }

  async #resign(giving: GivingBack): Promise<ResignOutcome> {
    for (let failures = 0; ; failures++) {
      const state = this.#check();
      // An earlier try may have landed all the same.
      if (state.kind !== "ending") return failures > 0 ? "unconfirmed" : "lost";
      try {
        const { landed, lease } = await this.client.resign(
          this.#nextTry(),
          { ...giving, reason: state.reason },
          this.#timeoutMs(),
        );
        if (lease) this.witness.saw(lease);
        this.#over(landed ? state.reason : lossBy(lease));
        return landed ? "released" : "lost";
      } catch {
        if (failures >= 2) {
          this.#over(state.reason);
          return "unconfirmed";
        }
        const pauseMs = backoffMs(failures, this.options.renewIntervalMs / 4, this.options.random);
        await new Promise<void>((resolve) => this.options.clock.setTimer(pauseMs, resolve));
      }
    }
  }
}
