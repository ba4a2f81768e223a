import { backoffMs, sleep } from "../async.js";
import type { Instant } from "../clock.js";
import { TooBusy } from "../error-summary.js";
import { TableUnavailableError } from "../errors.js";
import { type Lease, sessionOf } from "../protocol/lease.js";
import type { Acquire, Move } from "../protocol/move.js";
import { type TickMode, type TickVerdict, verdictOn } from "../protocol/ticks.js";
import { acquire, type NotWon, type Won } from "./acquire.js";
import { Awaiting } from "./awaiting.js";
import { CampaignReports } from "./campaign-reports.js";
import type { Candidacy } from "./candidacy.js";
import { isHealthy } from "./health.js";
import { letOthersGoFirst } from "./others-first.js";
import { SeenRow } from "./seen-row.js";

/** Of one try, when others hold the lease, and when the founding met other names of its shard (rule 13c). */
const MAX_REFUSALS = 3;
const MAX_OUTDATED_FOUNDINGS = 10;
const FOUNDING_BACKOFF_MS = 100;

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
 * The bid of one candidate.
 *
 *   unknown ──read──▶ row held ──wait/read──▶ free ──acquire──▶ elected
 *                 └──▶ no row ──placeholder, history, wait──┘  └─ refused: the row it brought is the next observation
 */
export class Campaign {
  readonly #seen: SeenRow;
  readonly #reports: CampaignReports;
  readonly #awaiting: Awaiting;
  /** Their number in a row. */
  #unexplainedRefusals = 0;

  constructor(private readonly candidacy: Candidacy) {
    this.#seen = new SeenRow(candidacy);
    this.#reports = new CampaignReports(candidacy);
    this.#awaiting = new Awaiting(candidacy);
  }

  /** The row as it was last seen. */
  get lease(): Lease | undefined {
    return this.#seen.lease;
  }

  /**
   * The highest completed tick by the row as it was last seen; after a run, the row that completed its tick. Undefined: none,
   * or this call has not seen it.
   */
  get lastTick(): string | undefined {
    return this.#seen.lastTick;
  }

  /**
   * Tries until elected, or until the tick need not run any more. Rejects with the signal's reason, or with an error that no
   * retry can fix.
   */
  run(options: CampaignOptions & { bid?: undefined }): Promise<Won>;
  run(options: CampaignOptions): Promise<Won | Settled>;
  run(options: CampaignOptions): Promise<Won | Settled> {
    this.#reports.begin();
    this.#seen.waits(true);
    return this.#settled(this.#wait(options));
  }

  async #wait({ signal, bid }: CampaignOptions): Promise<Won | Settled> {
    const { clock, renewIntervalMs, random } = this.candidacy.options;
    this.#seen.begin();
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
    const seen = this.#seen;
    const { options, emit } = this.candidacy;
    seen.begin();
    let hasRead = false;
    let checkedSession: string | undefined;
    let isUnhealthy = false;
    let outdatedFoundings = 0;
    for (let refusals = 0; refusals < MAX_REFUSALS; ) {
      signal?.throwIfAborted();
      const move = this.#nextFor(bid, 0);
      if (move.kind === "settled") return move;
      if (move.kind === "acquire") {
        isUnhealthy ||= !(await isHealthy(options, emit));
        if (isUnhealthy && hasRead) return { kind: "unhealthy" };
        if (isUnhealthy) {
          // What was seen earlier may be old: another candidate may lead by now, or have completed the tick.
          await seen.read(true, signal);
          hasRead = !seen.needsConsistentRead;
          continue;
        }
        signal?.throwIfAborted();
        const claim = await acquire(this.candidacy, seen, move, signal);
        if (this.#isWon(claim)) return claim;
        hasRead = !seen.needsConsistentRead && !claim.isUnsent;
        if (!this.#isFoundingOutdated(move)) {
          refusals += 1;
          continue;
        }
        outdatedFoundings += 1;
        if (outdatedFoundings === MAX_OUTDATED_FOUNDINGS) {
          throw new TableUnavailableError("acquire the lease", { cause: new TooBusy(outdatedFoundings) });
        }
        const { clock, random } = options;
        await sleep(clock, backoffMs(outdatedFoundings, FOUNDING_BACKOFF_MS, random), signal);
      } else if (move.kind === "createPlaceholder") {
        await seen.createPlaceholder(signal);
      } else if (move.kind === "readHistory") {
        await seen.readHistory(signal);
        hasRead = false;
      } else if (hasRead) {
        // The row of a lease under a session does not tell whether its holder lives.
        const session = sessionOf(this.lease);
        if (session === undefined || session === checkedSession) break;
        await seen.checkSession(session, signal);
        checkedSession = session;
      } else {
        await seen.read(true, signal);
        hasRead = !seen.needsConsistentRead;
      }
    }
    return { kind: "held", lease: this.lease };
  }

  /** Rule 8f. */
  letOthersGoFirst(signal?: AbortSignal): Promise<void> {
    return letOthersGoFirst(this.candidacy, this.#seen, signal);
  }

  /** The row as the leader last saw it. So a lease that it resigned can be acquired again with one request. */
  observed(lease: Lease, sent: Instant): void {
    this.#seen.observe(lease, this.candidacy.client.time.now().monotonicMs, true, sent.monotonicMs);
  }

  async #step(bid: TickBid | undefined, signal: AbortSignal | undefined): Promise<Won | Settled | undefined> {
    const seen = this.#seen;
    const { options, emit, lastWill } = this.candidacy;
    const move = this.#nextFor(bid, seen.jitterMs);
    switch (move.kind) {
      case "settled":
        return move;
      case "read":
        await seen.read(move.consistent, signal);
        return undefined;
      case "createPlaceholder":
        await seen.createPlaceholder(signal);
        return undefined;
      case "readHistory":
        await seen.readHistory(signal);
        return undefined;
      case "wait":
        if (bid === undefined) this.#awaiting.tell(this.lease);
        void lastWill?.prepare();
        await seen.rest(move.untilMs, signal);
        return undefined;
      case "acquire":
        if (await isHealthy(options, emit)) {
          signal?.throwIfAborted();
          return this.#acquireOrBackOff(move, signal);
        }
        this.#leaveUnsettled();
        await sleep(options.clock, options.renewIntervalMs, signal);
        await seen.read(false, signal);
        return undefined;
    }
  }

  /**
   * After a founding that was refused without a row there is nothing to observe. A refusal that shows the same pair as
   * its condition has no explanation. After both it tries less and less often.
   */
  async #acquireOrBackOff(move: Acquire, signal: AbortSignal | undefined): Promise<Won | undefined> {
    const { clock, renewIntervalMs, random } = this.candidacy.options;
    const claim = await acquire(this.candidacy, this.#seen, move, signal);
    if (this.#isWon(claim)) return claim;
    if (this.#unexplainedRefusals > 0)
      await sleep(clock, backoffMs(this.#unexplainedRefusals, renewIntervalMs, random), signal);
    return undefined;
  }

  /** Counts refusals that have no explanation, too. */
  #isWon(claim: Won | NotWon): claim is Won {
    const isWon = claim.kind === "elected";
    this.#unexplainedRefusals = isWon || !claim.isUnexplained ? 0 : this.#unexplainedRefusals + 1;
    return isWon;
  }

  /** It was refused without a row, which says nothing of a holder: history or the floor has changed since it was read. */
  #isFoundingOutdated({ basis }: Acquire): boolean {
    return basis.founding !== undefined && this.#seen.isHistoryOld;
  }

  /** Nothing is left behind when a campaign ends: neither a wait, nor a lease that the session would keep alive for ever (rule 14f). */
  async #settled<T extends Won | NotElected | Unhealthy | Settled>(campaign: Promise<T>): Promise<T> {
    let outcome: T | undefined;
    try {
      outcome = await campaign;
      return outcome;
    } finally {
      this.#seen.waits(false);
      if (outcome?.kind !== "elected") this.#leaveUnsettled();
    }
  }

  /** Rule 14f. This candidate will not acquire the row again now. */
  #leaveUnsettled(): void {
    const { candidateId, name: election } = this.candidacy.options;
    if (this.#seen.mayBeMine) this.candidacy.under?.unsettled({ election, candidateId });
  }

  /**
   * Rule 10c. That a tick need not run is said of a row that was read in this call: an operator may have reset the ticks
   * since an older one.
   */
  #nextFor(bid: TickBid | undefined, jitterMs: number): Move | Settled {
    const seen = this.#seen;
    const verdict = bid && verdictOn(bid.tick, bid.mode, seen.ticks);
    if (verdict === undefined || verdict.kind === "open") return seen.nextMove(jitterMs);
    if (!seen.isCurrent) return { kind: "read", consistent: true };
    return seen.isTickFromOldHistory ? { kind: "readHistory" } : { kind: "settled", verdict };
  }
}
