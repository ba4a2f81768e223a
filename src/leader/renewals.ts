import { backoffMs } from "../async.js";
import { isHealthy } from "../candidate/health.js";
import { inTurn } from "../candidate/under.js";
import { type Instant, longestElapsedMs } from "../clock.js";
import { type EndReason, InternalError, type LeaseLostError } from "../errors.js";
import type { Emit } from "../events.js";
import type { LeaseClient, OwnTry } from "../lease-client.js";
import type { Held, Lease } from "../protocol/lease.js";
import { lossBy } from "../protocol/lost-answers.js";
import type { ResolvedOptions } from "../resolve-options.js";
import type { Announcement } from "./announcement.js";
import { Heartbeat } from "./heartbeat.js";
import { PublishedValue } from "./published-value.js";
import type { SideTasks } from "./side-tasks.js";
import type { StandIns } from "./stand-ins.js";
import type { Renewing } from "./tenure-state.js";
import type { WriteQueue } from "./write-queue.js";

/** A tenure, as its renewals see it. */
export interface Renewable {
  readonly term: number;
  /** The row as the last confirmed write left it. */
  readonly lease: Held;
  /** Undefined when no renewal is due any more, by the clocks at this call. */
  renewing(): Renewing | undefined;
  readonly isOver: boolean;
  nextTry(): OwnTry;
  /** How long an answer is worth waiting for. */
  timeoutMs(): number;
  observed(lease: Lease, sent: Instant): void;
  noted(lease: Lease | undefined, sent: Instant): void;
  confirm(lease: Held, sent: Instant): void;
  /** The row has this announcement, or none: what that means for the end of the tenure. */
  followPlan(lease: Held, announcement: Announcement | undefined): void;
  end(reason: EndReason): void;
  /** Of the lease row, one at a time. */
  readonly writes: WriteQueue;
  remainingMs(): number;
  finish(reason: EndReason): void;
  fail(fault: InternalError): void;
  lostError(): LeaseLostError;
}

/** The heartbeat of a tenure, and the value that it publishes. */
export class Renewals {
  readonly #heartbeat: Heartbeat;
  readonly #publishedValue: PublishedValue;
  #hasBegun = false;
  #isRunning = false;

  constructor(
    private readonly tenure: Renewable,
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
    private readonly emit: Emit,
    private readonly sideTasks: Pick<SideTasks, "succession" | "history" | "under">,
    sent: Instant,
    private readonly standIns: StandIns | undefined,
  ) {
    this.#heartbeat = new Heartbeat(options.clock, sent.monotonicMs, options.renewIntervalMs);
    this.#publishedValue = new PublishedValue(tenure.lease.value);
  }

  /** Renews from now on until the tenure is over. */
  begin(): void {
    this.#hasBegun = true;
    void this.#run();
  }

  /** Something has changed: a renewal is sent now, if one is due at all. */
  wake(): void {
    this.#heartbeat.timer.wake();
    if (this.#hasBegun) void this.#run();
  }

  /** Resolves when a renewal has carried the value to the table. Rejects with `LeaseLostError`. */
  publish(value: string | undefined): Promise<void> {
    const there = this.#publishedValue.change(value);
    this.wake();
    return there;
  }

  /** The tenure is over. */
  stop(): void {
    this.wake();
    this.#publishedValue.refuse(() => this.tenure.lostError());
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    const { renewIntervalMs, random } = this.options;
    const { tenure } = this;
    let failures = 0;
    for (let state = tenure.renewing(); state && !this.#isIdle; state = tenure.renewing()) {
      const restMs = this.#heartbeat.dueMs - this.client.time.now().monotonicMs;
      const waitMs = failures === 0 ? restMs : backoffMs(failures, renewIntervalMs / 4, random);
      const isUrgent = this.#publishedValue.isAwaited || state.announcement?.isSent === false;
      if (!isUrgent || failures > 0) await this.#heartbeat.timer.wait(waitMs);
      if (tenure.renewing()?.kind === "leading" && !(await isHealthy(this.options, this.emit)))
        tenure.end("unhealthy");
      const renewed = this.#isQuiet() ? this.#skip() : await tenure.writes.run(() => this.#renew());
      failures = renewed === "failed" ? failures + 1 : 0;
      void this.sideTasks.history.refresh();
    }
    this.#isRunning = false;
  }

  /** It has nothing to do until something wakes it. It needs no timer then, for there may be thousands of tenures. */
  get #isIdle(): boolean {
    return this.#isQuiet() && this.sideTasks.history.isWritten && !this.options.healthy;
  }

  #skip(): "skipped" {
    this.#heartbeat.renewed(this.client.time.now().monotonicMs);
    return "skipped";
  }

  #nextInMs({ monotonicMs }: Instant): number {
    const { under } = this.sideTasks;
    return under?.isQuiet ? under.rowIntervalMs : this.#heartbeat.nextDueMs(monotonicMs) - monotonicMs;
  }

  /** Rule 14k. Nothing is to be written, and the session is renewed instead. */
  #isQuiet(): boolean {
    if (!this.sideTasks.under?.isQuiet || this.#publishedValue.isAwaited) return false;
    return this.tenure.renewing()?.announcement?.isSent !== false;
  }

  /** Undefined: while it waited for its turn, a renewal has come to be of no use. */
  async #send(value: string | undefined, announcement: Announcement | undefined) {
    const { tenure } = this;
    if (tenure.renewing() === undefined) return undefined;
    const own = tenure.nextTry();
    const renewed = await this.client.renew(
      own,
      {
        value,
        nextInMs: (at) => this.#nextInMs(at),
        line: announcement?.isAhead(this.client.time.now().monotonicMs)
          ? undefined
          : this.sideTasks.succession.newLine(tenure.lease),
        announcement: announcement && ((at) => announcement.toSend(at.monotonicMs)),
      },
      tenure.timeoutMs(),
    );
    return { own, ...renewed };
  }

  /** A failure ends nothing: the renewal is tried again as long as trust lasts (rule 3g). */
  async #renew(): Promise<"confirmed" | "overtaken" | "failed" | "ended"> {
    const { tenure } = this;
    const state = tenure.renewing();
    if (state === undefined) return "ended";
    const { announcement } = state;
    const awaiting = this.#publishedValue.take();
    const { value } = this.#publishedValue;
    try {
      // A stand-in of before is above this renewal, and would bring the old value back.
      if (awaiting.length > 0) await this.standIns?.prepare(value, announcement);
      const written = await inTurn("finish", this.sideTasks.under, () => this.#send(value, announcement));
      if (written === undefined) {
        if (tenure.isOver) this.#publishedValue.refuse(() => tenure.lostError(), awaiting);
        else this.#publishedValue.putBack(awaiting);
        return "ended";
      }
      const { own, succeeded, lease, sent, received } = written;
      // Trust may have ended meanwhile. What is lost never comes back, not even by a late success (rule 4a).
      if (tenure.isOver) {
        tenure.noted(lease, sent);
        this.#publishedValue.refuse(() => tenure.lostError(), awaiting);
        return "ended";
      }
      if (lease) tenure.observed(lease, sent);
      if (!succeeded) {
        this.#publishedValue.putBack(awaiting);
        if (this.standIns?.mayHaveWritten(lease)) {
          announcement?.notConfirmed();
          return "overtaken";
        }
        tenure.finish(lossBy(lease));
        return "ended";
      }
      // A stand-in that became due between the two may land after this renewal (rule 12b).
      tenure.confirm(lease, own.at);
      this.standIns?.renewed(sent, lease.value, announcement);
      this.#heartbeat.renewed(sent.monotonicMs);
      for (const waiter of awaiting) waiter.resolve();
      if (announcement || awaiting.length > 0) this.sideTasks.under?.changed();
      this.emit({ type: "renewed", term: tenure.term, tookMs: longestElapsedMs(sent, received) });
      tenure.followPlan(lease, announcement);
      void this.sideTasks.succession.refresh();
      return "confirmed";
    } catch (error) {
      announcement?.notConfirmed();
      this.#publishedValue.putBack(awaiting);
      if (error instanceof InternalError) {
        tenure.fail(error);
        return "ended";
      }
      this.emit({ type: "renewal-failed", term: tenure.term, error, trustLeftMs: tenure.remainingMs() });
      if (tenure.isOver) this.#publishedValue.refuse(() => tenure.lostError());
      return "failed";
    }
  }
}
