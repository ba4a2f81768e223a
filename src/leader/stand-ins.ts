import { withTimeout } from "../async.js";
import type { Instant } from "../clock.js";
import { type EndReason, InternalError } from "../errors.js";
import type { Emit } from "../events.js";
import type { StandIn, StandInLane, StandInReport } from "../heartbeat-thread/sender.js";
import type { LeaseClient } from "../lease-client.js";
import { trustMs } from "../protocol/expiry.js";
import { checkRenewed } from "../protocol/invariants.js";
import { type Held, isHeldIn, type Lease } from "../protocol/lease.js";
import { lossBy } from "../protocol/lost-answers.js";
import {
  carriesTheSame,
  endsUntilDoubt,
  type Grid,
  graceMs,
  isStillGood,
  latestInstant,
  plannedInstant,
  plannedMs,
  type Revisions,
  slotAt,
  slotOfTry,
  slotsAhead,
  standInFate,
  trustedFrom,
} from "../protocol/stand-ins.js";
import type { RenewRequest } from "../protocol/verbs.js";
import type { ResolvedOptions } from "../resolve-options.js";
import type { Announcement } from "./announcement.js";
import type { HeartbeatAids } from "./heartbeat-aids.js";
import type { StopDeadline } from "./stop-deadline.js";
import type { Trust } from "./trust.js";

/** A tenure, as its stand-ins see it. */
export interface Covered {
  readonly term: number;
  /** Asks the clocks, and takes what the sender reports. */
  readonly isOver: boolean;
  readonly trust: Trust;
  readonly stop: StopDeadline;
  /** The row as the last confirmed write left it. */
  readonly lease: Held;
  /** A stand-in left it so. */
  adopt(lease: Held): void;
  observed(lease: Lease, sent: Instant): void;
  noted(lease: Lease | undefined, sent: Instant): void;
  remainingMs(): number;
  finish(reason: EndReason, lateByMs?: number): void;
  fail(fault: InternalError): void;
}

/** A stand-in, and what it asks for. */
interface Signed extends StandIn {
  readonly renewal: RenewRequest;
}

/** The renewals of one tenure that are signed ahead, and the lane to the thread that sends them (rule 12). */
export class StandIns {
  readonly #grid: Grid;
  readonly #lane: StandInLane;
  /** As the sender has them. */
  #signed: readonly Signed[] = [];
  /** Also those that were replaced, because the sender may have sent them before it knew. */
  readonly #handedOver = new Map<number, Signed>();
  #lastId = 0;
  #isClosed = false;
  /** The last write of the holder itself that was confirmed: the longest stall counts from it. */
  #renewed: Instant;
  #preparing: Promise<void> = Promise.resolve();
  /** Since the last stall was told. */
  #confirmed = 0;

  constructor(
    private readonly tenure: Covered,
    private readonly aids: HeartbeatAids,
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
    private readonly revisions: Revisions,
    private readonly emit: Emit,
    elected: Instant,
  ) {
    const { name: election, candidateId, renewIntervalMs: intervalMs, clock } = options;
    const { term } = tenure;
    this.#renewed = elected;
    this.#grid = { startMs: elected.monotonicMs, intervalMs, graceMs: graceMs(options) };
    this.#lane = aids.sender.open({
      election,
      candidateId,
      term,
      graceMs: this.#grid.graceMs,
      clock,
      onTurn: () => void tenure.isOver,
      onStall: (blockedMs) => this.#stalled(blockedMs),
      onFailure: (error) => this.#failed(error),
    });
  }

  /** The slot of a try that leaves at this moment, which says what revisions it may have. */
  slotOfTry({ monotonicMs }: Instant): number {
    return slotOfTry(this.#grid, monotonicMs);
  }

  /** A write of the holder itself was confirmed. */
  renewed(sent: Instant, value: string | undefined, announcement: Announcement | undefined): void {
    this.#renewed = sent;
    void this.prepare(value, announcement);
  }

  /** Signs what is missing and hands it over. Never rejects, and takes no longer than two requests. */
  prepare(value: string | undefined, announcement: Announcement | undefined): Promise<void> {
    this.#preparing = this.#preparing.then(async () => {
      try {
        await this.#prepare(value, announcement);
      } catch (error) {
        this.#failed(error);
      }
    });
    return this.#preparing;
  }

  /** Takes the answers that have come. Each is judged by the clocks as they were when it came. */
  takeReports(): void {
    for (let report = this.#next(); report; report = this.#next()) this.#take(report);
  }

  #next(): StandInReport | undefined {
    return this.#isClosed ? undefined : this.#lane.take();
  }

  /** The time to stop is known: beyond it nothing is renewed (rule 8c). */
  stopBy(byMs: number): void {
    if (!this.#isClosed) this.#lane.sendUntil(byMs);
  }

  /** Whether the row shows that a stand-in has landed. A try of the holder that it has overtaken is sent anew. */
  mayHaveWritten(lease: Lease | undefined): boolean {
    const { candidateId } = this.options;
    if (!isHeldIn(lease, { candidateId, term: this.tenure.term })) return false;
    if (!this.revisions.mayBeStandIns(lease.revision)) return false;
    this.revisions.seen(lease.revision);
    return true;
  }

  /** No stand-in leaves any more. What has left meets the conditions of its write. */
  withdraw(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#lane.close();
    // A later try of the holder must be above those that may still land.
    this.revisions.leaveBehind(this.slotOfTry(this.client.time.now()));
  }

  async #prepare(value: string | undefined, announcement: Announcement | undefined): Promise<void> {
    const { clock, requestTimeoutMs } = this.options;
    const now = this.client.time.now();
    const renewals = this.#renewalsAhead(now, value, announcement);
    const signed: Signed[] = [];
    let failure: { readonly error: unknown } | undefined;
    for (const { slot, renewal } of renewals) {
      if (this.#isClosed) return;
      const before = this.#signed.find((each) => each.slot === slot && carriesTheSame(each.renewal, renewal));
      let kept = before;
      // So many that their signing takes long: the nearest come first, and the next call signs the others.
      const isLate = clock.monotonicMs() - now.monotonicMs > requestTimeoutMs;
      if (!failure && !isLate && !(before && isStillGood(before.renewal, renewal))) {
        kept = await this.#sign(slot, renewal, now).catch((error: unknown) => {
          failure = { error };
          return before;
        });
      }
      if (kept) signed.push(kept);
    }
    if (this.#isClosed) return;
    // Also after a failure: a stand-in that carries something else would bring that back.
    this.#signed = signed;
    this.#rememberAll(signed, now.monotonicMs);
    const { trust, stop } = this.tenure;
    const trusted = { trustedFrom: trust.confirmed, trustMs: trustMs(this.options) };
    this.#lane.sendUntil(stop.byMs);
    this.#lane.replace({ standIns: signed, ...trusted, timeoutMs: requestTimeoutMs });
    if (failure) this.#failed(failure.error);
  }

  /** Rules 12a to 12c. */
  #renewalsAhead(now: Instant, value: string | undefined, announcement: Announcement | undefined) {
    const { maxStallMs } = this.aids;
    const { monotonicMs: nowMs } = now;
    const slots = slotsAhead(this.#grid, {
      nowMs,
      renewedMs: this.#renewed.monotonicMs,
      maxStallMs,
      stopByMs: this.tenure.stop.byMs,
    });
    const [first] = slots;
    if (first !== undefined && this.revisions.hasPassed(first))
      this.revisions.leaveBehind(slotAt(this.#grid, nowMs));
    const ahead = slots.map((slot) => ({ slot, renewal: this.#renewal(slot, now, value, announcement) }));
    return endsUntilDoubt(ahead, this.tenure.lease);
  }

  #renewal(
    slot: number,
    now: Instant,
    value: string | undefined,
    announcement: Announcement | undefined,
  ): RenewRequest {
    const { name: election, candidateId, renewIntervalMs } = this.options;
    const { time } = this.client;
    const atMs = plannedMs(this.#grid, slot);
    return {
      election,
      candidateId,
      term: this.tenure.term,
      revision: this.revisions.ofStandIn(slot),
      renewIntervalMs,
      value,
      announcement: announcement?.isSent ? announcement.toSend(atMs) : undefined,
      isStandIn: true,
      expiresAt: time.expiresAt(latestInstant(now, atMs)),
      ...time.stamp(plannedInstant(now, atMs)),
    };
  }

  async #sign(slot: number, renewal: RenewRequest, now: Instant): Promise<Signed> {
    const { clock, requestTimeoutMs } = this.options;
    const sign = (abort: AbortSignal) => this.aids.signer.renew(renewal, abort);
    const request = await withTimeout(clock, requestTimeoutMs, sign);
    this.#lastId += 1;
    const planned = plannedInstant(now, plannedMs(this.#grid, slot));
    return { id: this.#lastId, slot, revision: renewal.revision, planned, request, renewal };
  }

  /** Those whose answers must have come are forgotten. */
  #rememberAll(signed: readonly Signed[], nowMs: number): void {
    for (const [id, { planned }] of this.#handedOver)
      if (planned.monotonicMs < nowMs - 2 * this.options.leaseDurationMs) this.#handedOver.delete(id);
    for (const each of signed) this.#handedOver.set(each.id, each);
  }

  #take({ id, sent, received, written }: StandInReport): void {
    const { tenure } = this;
    const signed = this.#handedOver.get(id);
    if (signed === undefined) return;
    const { planned, renewal } = signed;
    try {
      const answer = written();
      const lease = answer.done ? checkRenewed(answer.lease, renewal) : answer.lease;
      const fate = standInFate(lease, renewal);
      if (fate === "lost") {
        tenure.noted(lease, sent);
        tenure.finish(lossBy(lease));
        return;
      }
      this.revisions.seen((lease as Held).revision);
      if (fate === "confirmed") this.#confirm(lease as Held, planned, { sent, received });
    } catch (error) {
      if (error instanceof InternalError) tenure.fail(error);
      else this.emit({ type: "renewal-failed", term: tenure.term, error, trustLeftMs: tenure.remainingMs() });
    }
  }

  #confirm(
    lease: Held,
    planned: Instant,
    { sent, received }: Pick<StandInReport, "sent" | "received">,
  ): void {
    const { tenure } = this;
    // What is lost never comes back (rule 4a), and it is lost when the clocks say so, not when somebody asks.
    if (tenure.trust.leftMs(received) <= 0) {
      tenure.noted(lease, sent);
      tenure.finish("expired", Math.max(0, -tenure.trust.leftMs()));
      return;
    }
    this.#confirmed += 1;
    tenure.trust.confirm(trustedFrom(planned, sent));
    if (lease.revision > tenure.lease.revision) tenure.adopt(lease);
    tenure.observed(lease, sent);
  }

  #stalled(blockedMs: number): void {
    const renewals = this.#confirmed;
    this.#confirmed = 0;
    this.emit({ type: "stall", term: this.tenure.term, blockedMs, renewals });
  }

  #failed(error: unknown): void {
    this.emit({ type: "heartbeat-thread-failed", term: this.tenure.term, error });
  }
}
