import { backoffMs, sleep, withTimeout } from "../async.js";
import { inTurn } from "../candidate/under.js";
import type { Instant } from "../clock.js";
import { type EndReason, InternalError } from "../errors.js";
import type { Emit, ResignOutcome } from "../events.js";
import type { LeaseClient, OwnTry, ReleaseOptions } from "../lease-client.js";
import { type Held, isHeldIn, type Lease } from "../protocol/lease.js";
import { lossBy } from "../protocol/lost-answers.js";
import type { ResignRequest } from "../protocol/verbs.js";
import type { ResolvedOptions } from "../resolve-options.js";
import type { SideTasks } from "./side-tasks.js";
import type { StopDeadline } from "./stop-deadline.js";
import type { WriteQueue } from "./write-queue.js";

const TRIES = 3;

/** A tenure, as its release sees it. */
export interface Releasable {
  /** The row as the last confirmed write left it. */
  readonly lease: Held;
  /** Why it is being given back. Undefined: it is over, by the clocks at this call. */
  releasing(): EndReason | undefined;
  nextTry(): OwnTry;
  /** How long an answer is worth waiting for. */
  timeoutMs(): number;
  observed(lease: Lease, sent: Instant): void;
  finish(reason: EndReason): void;
  fail(fault: InternalError): void;
}

/** Gives a lease back when the work has stopped, within what is left of the time to stop (rule 8c). */
export class GiveBack {
  constructor(
    private readonly tenure: Releasable,
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
    private readonly emit: Emit,
    private readonly stop: StopDeadline,
    private readonly sideTasks: SideTasks,
  ) {}

  /** Never rejects. */
  async run(term: number, writes: WriteQueue, releaseOptions: ReleaseOptions): Promise<ResignOutcome> {
    const { history, idleDeletion, under } = this.sideTasks;
    const written = history.insist();
    await this.#whileTrusted(Promise.all([under ? undefined : written, idleDeletion.insist()]));
    const outcome = await writes.run(() => this.#resign(releaseOptions));
    history.hurry();
    await this.stop.wait(Promise.all([written, this.#deletable, this.sideTasks.onOver()]));
    this.emit({ type: "resigned", term, outcome });
    return outcome;
  }

  /** Records that the term was given back, if its row can be deleted. */
  #deletable: Promise<void> | undefined;

  /**
   * Observers would miss a tenure that is shorter than one write of history. So the release waits for that write, but not for long:
   * it needs trust too. Under a session no work began before the own term was written (rule 14i), and how the term before ended
   * has its turn after the claims of others. That can be written after the release: decisions go by the newest term in history
   * (rules 5b, 5c, 10e, 13d), and it is never written before the own term (rule 5e).
   */
  async #whileTrusted(history: Promise<unknown>): Promise<void> {
    await withTimeout(this.options.clock, this.tenure.timeoutMs() / 2, () => history).catch(() => {});
  }

  async #resign(releaseOptions: ReleaseOptions): Promise<ResignOutcome> {
    const { under } = this.sideTasks;
    const own = { candidateId: this.options.candidateId, term: this.tenure.lease.term };
    let failures = 0;
    let isDeletable = this.sideTasks.idleDeletion.allows(this.tenure.lease);
    for (let reason = this.#mayTry(failures); reason !== undefined; reason = this.#mayTry(failures)) {
      try {
        const resignation = { ...releaseOptions, reason, isDeletable };
        const { succeeded, lease, sent } = await inTurn("finish", under, () => this.#send(resignation));
        if (lease) this.tenure.observed(lease, sent);
        if (!succeeded && isDeletable && isHeldIn(lease, own)) {
          // Somebody has paused the election, and the pause must not be forgotten.
          isDeletable = false;
          continue;
        }
        if (succeeded && lease.kind === "vacant" && lease.ttl !== undefined) {
          this.#deletable = this.sideTasks.history.givenBack(lease);
        }
        if (succeeded) under?.changed();
        this.tenure.finish(succeeded ? reason : lossBy(lease));
        return succeeded ? "released" : "lost";
      } catch (error) {
        if (error instanceof InternalError) this.tenure.fail(error);
        failures += 1;
        if (this.#mayTry(failures) !== undefined) await this.#pause(failures);
      }
    }
    const reason = this.tenure.releasing();
    // An earlier try may still have succeeded.
    if (reason === undefined) return failures > 0 ? "unconfirmed" : "lost";
    this.tenure.finish(reason);
    return "unconfirmed";
  }

  #send(resignation: ReleaseOptions & { readonly reason: EndReason; readonly isDeletable: boolean }) {
    const timeoutMs = this.tenure.timeoutMs();
    const before =
      resignation.tick === undefined
        ? undefined
        : (request: ResignRequest) => this.#leaveAsWill(request, timeoutMs);
    const ticksBefore = this.tenure.lease.ticks;
    return this.client.resign(this.tenure.nextTry(), { ...resignation, ticksBefore, before }, timeoutMs);
  }

  /** Rule 11d. Half of the time is left for the request itself. */
  async #leaveAsWill(request: ResignRequest, timeoutMs: number): Promise<void> {
    await this.sideTasks.lastWill?.beforeResignation(request, timeoutMs / 2);
  }

  /** The reason to write with another try. Undefined: no more tries. */
  #mayTry(failures: number): EndReason | undefined {
    return failures < TRIES && this.stop.leftMs > 0 ? this.tenure.releasing() : undefined;
  }

  async #pause(failures: number): Promise<void> {
    const { clock, random, renewIntervalMs } = this.options;
    await sleep(clock, this.stop.cut(backoffMs(failures - 1, renewIntervalMs / 4, random)));
  }
}
