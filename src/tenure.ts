import { backoffMs } from "./backoff.js";
import { type Instant, longestElapsedMs } from "./clock.js";
import { type Deferred, deferred } from "./deferred.js";
import { type EndReason, LeaseLostError } from "./errors.js";
import type { Emit, ResignOutcome } from "./events.js";
import { Farewell, noticeMs } from "./farewell.js";
import { isHealthy } from "./health.js";
import { type GivingBack, Holder } from "./holder.js";
import { Lane } from "./lane.js";
import { type Lease, trustLeftMs } from "./lease.js";
import type { ResolvedOptions } from "./options.js";
import type { Requests } from "./requests.js";
import type { Succession } from "./succession.js";
import { placeOf } from "./takeover.js";

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

/** A lease just acquired. */
export interface Elected {
  readonly lease: Lease;
  /** Read before the acquiring request left. */
  readonly sent: Instant;
}

/** One term of one holder: its trust, its heartbeat and its end. */
export class Tenure {
  readonly term: number;
  readonly lane = new Lane();
  readonly #holder: Holder;
  #state: State = { kind: "leading" };
  #lease: Lease;
  /** When the last confirmed write left; trust counts from here. */
  #confirmed: Instant;
  /** When the next renewal is due, in monotonic time. On a grid, so that followers can keep in step. */
  #dueMs: number;
  #value: string | undefined;
  #awaitingProclaim: Array<Deferred> = [];
  #release: Promise<ResignOutcome> | undefined;
  #cancelExpiry: () => void = () => {};
  #wake: () => void = () => {};
  /** Set when the heartbeat must stop although the tenure is not over: a release, or an overrun drain. */
  #still = false;
  #givenBackAt: Instant | undefined;
  #farewell: Farewell | undefined;
  #cancelFarewell: () => void = () => {};
  readonly #told = new AbortController();
  /** History being written beside the work; a release waits for it, so that nothing is left running. */
  chronicle: Promise<unknown> = Promise.resolve();
  /** What ends with this tenure; a release waits for it. */
  afterwards: () => Promise<unknown> = () => Promise.resolve();

  constructor(
    elected: Elected,
    private readonly requests: Requests,
    readonly options: ResolvedOptions,
    private readonly emit: Emit,
    /** Told each row this tenure sees, so that the next campaign starts warm. */
    private readonly witness: { saw(lease: Lease): void },
    private readonly succession: Succession,
  ) {
    this.term = elected.lease.term;
    this.#lease = elected.lease;
    this.#holder = new Holder(requests, options, this.term, elected.lease.revision);
    this.#confirmed = elected.sent;
    this.#dueMs = elected.sent.monotonicMs + options.renewIntervalMs;
    this.#value = elected.lease.value;
    this.#armExpiry();
    void this.succession.refresh();
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
    const now = this.requests.now();
    return state.kind === "over" ? -longestElapsedMs(state.since, now) : this.#trustLeftMs(now);
  }

  /** False once the lease is over, or is being given back: that may take effect at any moment. */
  get mayWork(): boolean {
    return !this.isOver && this.#givenBackAt === undefined;
  }

  /** Trust left for the work; not above 0 when it must not go on. */
  workLeftMs(): number {
    const leftMs = this.remainingMs();
    if (this.#givenBackAt === undefined) return leftMs;
    return Math.min(leftMs, -longestElapsedMs(this.#givenBackAt, this.requests.now()));
  }

  lostError(lateByMs: number, what?: string): LeaseLostError {
    const reason = this.#state.kind === "leading" ? "expired" : this.#state.reason;
    return new LeaseLostError(this.options.name, this.term, reason, lateByMs, what);
  }

  /** Tells the work to stop; the lease is still renewed, so that nobody else starts meanwhile. */
  end(reason: EndReason): void {
    if (this.#check().kind !== "leading") return;
    this.#state = { kind: "ending", reason, since: this.requests.now() };
    this.#tell(reason, 0);
  }

  /**
   * A planned end, announced with a renewal sent now: the work goes on until the followers have had time to look,
   * and only then is told to stop.
   */
  announce(reason: EndReason, to?: string): void {
    if (this.#farewell || this.#check().kind !== "leading") return;
    this.#farewell = new Farewell(reason, to, this.#noticeMs(to));
    this.#wake();
  }

  /** The work overran its drain: no more renewals, and no release under it. The lease runs out. */
  letRunOut(): void {
    if (this.isOver) return;
    this.emit({ type: "drainOverrun", term: this.term });
    this.#still = true;
    this.#wake();
  }

  /** A fenced write showed the row as it stands: no longer mine. */
  superseded(lease: Lease | undefined): void {
    this.#over(this.#holder.lossBy(lease));
  }

  /** Gives the lease back, once: the work has stopped. Never rejects. */
  release(reason: EndReason, giving: GivingBack = {}): Promise<ResignOutcome> {
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
    this.#value = value;
    const waiter = deferred();
    this.#awaitingProclaim.push(waiter);
    this.#wake();
    return waiter.promise;
  }

  /** Longer than trust lasts, no answer is worth waiting for. */
  #timeoutMs(): number {
    return Math.min(this.options.requestTimeoutMs, this.remainingMs());
  }

  #trustLeftMs(now: Instant): number {
    const { leaseDurationMs, safetyMarginMs } = this.options;
    return trustLeftMs(this.#confirmed, leaseDurationMs - safetyMarginMs, now);
  }

  /** Every look at the state asks the clocks first: a timer that did not fire must not prolong trust. */
  #check(): State {
    if (this.#state.kind !== "over") {
      const leftMs = this.#trustLeftMs(this.requests.now());
      if (leftMs <= 0) this.#over("expired", -leftMs);
    }
    return this.#state;
  }

  #over(reason: EndReason, lateByMs = 0): void {
    const before = this.#state;
    if (before.kind === "over") return;
    const now = this.requests.now();
    this.#state = {
      kind: "over",
      reason,
      since: { monotonicMs: now.monotonicMs - lateByMs, wallMs: now.wallMs - lateByMs },
    };
    this.#cancelExpiry();
    this.#cancelFarewell();
    this.#wake();
    this.#refuse(this.#awaitingProclaim.splice(0));
    if (before.kind === "leading") this.#tell(reason, lateByMs);
    void this.afterwards();
  }

  /** The one place from which an end is told, so it is told once (pitfalls: silent loss, loss told twice). */
  #tell(reason: EndReason, lateByMs: number): void {
    this.emit({ type: "ended", term: this.term, reason, lateByMs });
    this.#told.abort(this.lostError(lateByMs));
  }

  #armExpiry(): void {
    this.#cancelExpiry();
    const leftMs = this.#trustLeftMs(this.requests.now());
    this.#cancelExpiry = this.options.clock.setTimer(leftMs, () => {
      if (!this.isOver) this.#armExpiry();
    });
  }

  async #heartbeat(): Promise<void> {
    const { renewIntervalMs, random } = this.options;
    let failures = 0;
    while (!this.isOver && !this.#still) {
      const waitMs =
        failures === 0
          ? this.#dueMs - this.requests.now().monotonicMs
          : backoffMs(failures, renewIntervalMs / 4, random);
      const isUrgent = this.#awaitingProclaim.length > 0 || this.#farewell?.isUnderWay === false;
      if (!isUrgent || failures > 0) await this.#pause(waitMs);
      if (this.isOver || this.#still) return;
      if (this.#state.kind === "leading" && !(await isHealthy(this.options))) this.end("unhealthy");
      const confirmed = await this.lane.run(() => this.#renew(), true);
      failures = confirmed ? 0 : failures + 1;
    }
  }

  /** Until the time is up, or something wants the heartbeat's attention. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.options.clock.setTimer(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  /** The first grid point after `nowMs`: a late renewal does not shift those after it. */
  #dueAfter(nowMs: number): number {
    const { renewIntervalMs } = this.options;
    return (
      this.#dueMs + renewIntervalMs * Math.max(0, Math.floor((nowMs - this.#dueMs) / renewIntervalMs) + 1)
    );
  }

  /** Whether the lease was confirmed. A failure ends nothing: it is tried again as long as trust lasts. */
  async #renew(): Promise<boolean> {
    if (this.isOver || this.#still) return true;
    const proclaiming = this.#awaitingProclaim.splice(0);
    try {
      const farewell = this.#farewell;
      const { line } = this.succession;
      const { landed, lease, sent, received } = await this.#holder.renew({
        value: this.#value,
        nextInMs: (at) => this.#dueAfter(at.monotonicMs) - at.monotonicMs,
        line: isSame(line, this.#lease.line) ? undefined : line,
        lettingGo: farewell && ((at) => farewell.tell(at.monotonicMs)),
        timeoutMs: this.#timeoutMs(),
      });
      // Trust may have ended on the way; what is lost never comes back, not even by a late yes.
      if (this.isOver) {
        this.#refuse(proclaiming);
        return true;
      }
      if (lease) this.witness.saw(lease);
      if (!landed || !lease) {
        this.#awaitingProclaim.push(...proclaiming);
        this.#over(this.#holder.lossBy(lease));
        return true;
      }
      this.#confirmed = sent;
      this.#dueMs = this.#dueAfter(sent.monotonicMs);
      this.#lease = lease;
      this.#armExpiry();
      for (const waiter of proclaiming) waiter.resolve();
      this.emit({ type: "renewed", term: this.term, tookMs: longestElapsedMs(sent, received) });
      if (farewell) this.#armFarewell(farewell);
      else this.#heed(lease);
      void this.succession.refresh();
      return true;
    } catch (error) {
      this.#farewell?.unheard();
      this.#awaitingProclaim.unshift(...proclaiming);
      this.emit({ type: "renewalFailed", term: this.term, error, trustLeftMs: this.remainingMs() });
      if (this.isOver) this.#refuse(this.#awaitingProclaim.splice(0));
      return false;
    }
  }

  /** What others want, as the row tells, and what the line asks for. */
  #heed({ stepDown, paused }: Lease): void {
    const verdict = this.succession.verdict();
    if (paused !== undefined) this.announce("paused");
    else if (stepDown) this.announce(stepDown.to === undefined ? "stepped-down" : "handed-off", stepDown.to);
    else if (verdict) this.announce(verdict.reason, verdict.to);
  }

  /** The followers know: the work is told to stop when they expect it. */
  #armFarewell(farewell: Farewell): void {
    this.#cancelFarewell();
    const leftMs = farewell.heard(this.requests.now().monotonicMs);
    this.#cancelFarewell = this.options.clock.setTimer(leftMs, () => this.end(farewell.reason));
  }

  #refuse(proclaiming: Deferred[]): void {
    for (const waiter of proclaiming) waiter.reject(this.lostError(0));
  }

  async #giveBack(reason: EndReason, giving: GivingBack): Promise<ResignOutcome> {
    const to = this.#farewell?.to;
    const reserve = giving.reserve ?? (to === undefined ? undefined : this.reservationFor(to));
    this.end(reason);
    this.#givenBackAt = this.requests.now();
    this.#still = true;
    this.#wake();
    const outcome = await this.lane.run(() => this.#resign({ ...giving, reserve }), true);
    await Promise.all([this.chronicle, this.afterwards()]);
    this.emit({ type: "resigned", term: this.term, outcome });
    return outcome;
  }

  async #resign(giving: GivingBack): Promise<ResignOutcome> {
    for (let failures = 0; ; failures++) {
      const state = this.#check();
      // An earlier try may have landed all the same.
      if (state.kind !== "ending") return failures > 0 ? "unconfirmed" : "lost";
      try {
        const { landed, lease } = await this.#holder.resign(state.reason, giving, this.#timeoutMs());
        if (lease) this.witness.saw(lease);
        this.#over(landed ? state.reason : this.#holder.lossBy(lease));
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

function isSame(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return a === undefined || (a.length === (b?.length ?? 0) && a.every((id, i) => id === b?.[i]));
}
