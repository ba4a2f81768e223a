import type { Instant } from "../clock.js";
import { isHeldIn, type Lease } from "./lease.js";
import { MAX_DRIFT } from "./service-clock.js";
import type { RenewRequest } from "./verbs.js";

/**
 * Rule 12: renewals that the holder signs ahead, for a thread that sends them while the holder's event loop is blocked.
 * Which there are, what they may write of time, and what their answers mean. Pure.
 */

/**
 * Each interval between two renewals has so many revisions. The last one is the stand-in's, so it is above the tries that
 * the holder makes in this interval, and below those of the next one.
 */
export const REVISIONS_PER_SLOT = 8;

/** When renewals are due (slot *k* is due *k* intervals after the acquire), and how long a stand-in waits after that. */
export interface Grid {
  readonly startMs: number;
  readonly intervalMs: number;
  readonly graceMs: number;
}

/** The slot that a moment of monotonic time is in. */
export function slotAt({ startMs, intervalMs }: Grid, nowMs: number): number {
  return Math.floor((nowMs - startMs) / intervalMs);
}

/**
 * Rule 12b. The slot whose revisions a try of the holder has that leaves now: the first one whose stand-in is not due yet.
 * A stand-in that is due may leave before this try and land after it. It must be refused then: the time that it writes is
 * that of its planned moment, and the trust of this try would last longer.
 */
export function slotOfTry(grid: Grid, nowMs: number): number {
  return slotAt(grid, nowMs - grid.graceMs) + 1;
}

/** The moment for which the stand-in of this slot is signed. */
export function plannedMs({ startMs, intervalMs, graceMs }: Grid, slot: number): number {
  return startMs + slot * intervalMs + graceMs;
}

/**
 * Rule 12a. How long after a renewal is due its stand-in leaves: late enough to leave the renewal its time, and so early
 * that one answer still fits into what is left of trust.
 */
export function graceMs(options: { renewIntervalMs: number; requestTimeoutMs: number }): number {
  return Math.min(options.renewIntervalMs / 4, options.requestTimeoutMs);
}

/**
 * Rule 12a. The slots that need a stand-in: those after the last confirmed renewal whose moment is to come, up to the
 * longest stall, and not beyond the end of the time to stop (rule 8c).
 */
export function slotsAhead(
  grid: Grid,
  at: { nowMs: number; renewedMs: number; maxStallMs: number; stopByMs: number },
): number[] {
  const untilMs = Math.min(at.renewedMs + at.maxStallMs, at.stopByMs);
  const slots: number[] = [];
  for (let slot = slotAt(grid, at.renewedMs) + 1; plannedMs(grid, slot) <= untilMs; slot++) {
    if (plannedMs(grid, slot) > at.nowMs) slots.push(slot);
  }
  return slots;
}

/**
 * Rule 12c. What both clocks will show at a planned moment. If they show something else by then, at least one of them was
 * wrong meanwhile, and trust goes by the one that shows more.
 */
export function plannedInstant(now: Instant, atMs: number): Instant {
  return { ...now, monotonicMs: atMs, wallMs: now.wallMs + (atMs - now.monotonicMs) };
}

/** Rule 12c. The same, as late as clocks within the promised rates can be: from here `expiresAt` is computed. */
export function latestInstant(now: Instant, atMs: number): Instant {
  const planned = plannedInstant(now, atMs);
  return { ...planned, wallMs: planned.wallMs + (atMs - now.monotonicMs) * MAX_DRIFT };
}

/**
 * Rule 12d. From when the trust of a confirmed stand-in counts: by each clock from the planned moment, or from the moment
 * when it left if that is earlier. What it says of time was computed for the planned moment.
 */
export function trustedFrom(planned: Instant, sent: Pick<Instant, "monotonicMs" | "wallMs">): Instant {
  return {
    ...planned,
    monotonicMs: Math.min(planned.monotonicMs, sent.monotonicMs),
    wallMs: Math.min(planned.wallMs, sent.wallMs),
  };
}

/** Rule 12e. What the row that came with an answer says of the stand-in, and of its sender. */
export function standInFate(
  lease: Lease | undefined,
  renewal: RenewRequest,
): "confirmed" | "outranked" | "lost" {
  if (!isHeldIn(lease, renewal)) return "lost";
  // Another version of the same stand-in may have promised the others less.
  const isItself = lease.revision === renewal.revision && lease.expiresAt === renewal.expiresAt;
  return isItself ? "confirmed" : "outranked";
}

/** Whether a stand-in that is signed carries the same as one that would be signed now. It may promise less. */
export function carriesTheSame(signed: RenewRequest, fresh: RenewRequest): boolean {
  return (
    signed.revision === fresh.revision &&
    signed.value === fresh.value &&
    signed.announcement?.inMs === fresh.announcement?.inMs &&
    signed.announcement?.to === fresh.announcement?.to &&
    (signed.expiresAt === undefined) === (fresh.expiresAt === undefined)
  );
}

/**
 * Rule 12b. On a row without an end no stand-in with one can land. So once the row or one of them has none, those after it
 * have none either. The table's time can be in doubt for the near ones only: the bounds grow with the time that passes.
 */
export function endsUntilDoubt<R extends { readonly renewal: RenewRequest }>(
  ahead: readonly R[],
  row: { readonly expiresAt?: number | undefined },
): R[] {
  let isDoubted = row.expiresAt === undefined;
  return ahead.map((each) => {
    isDoubted ||= each.renewal.expiresAt === undefined;
    return isDoubted ? { ...each, renewal: { ...each.renewal, expiresAt: undefined } } : each;
  });
}

/** Whether a stand-in that is signed carries the same as one that would be signed now, and promises no less. */
export function isStillGood(signed: RenewRequest, fresh: RenewRequest): boolean {
  return carriesTheSame(signed, fresh) && (signed.expiresAt ?? 0) >= (fresh.expiresAt ?? 0);
}

/** Rule 12b. The revisions of one tenure. None is given twice. */
export class Revisions {
  /** The highest revision of any try. */
  #tried: number;
  /** Where slot 0 begins. */
  #base: number;
  /** The highest revision that a stand-in has. */
  #highest: number;

  constructor(acquired: number) {
    this.#tried = acquired;
    this.#base = acquired;
    this.#highest = acquired;
  }

  /** For a try of the holder. `slot` undefined: there are no stand-ins. */
  next(slot: number | undefined): number {
    const from =
      slot === undefined ? this.#tried : Math.max(this.#tried, this.#base + slot * REVISIONS_PER_SLOT);
    this.#tried = from + 1;
    const isStandIns = (this.#tried - this.#base) % REVISIONS_PER_SLOT === REVISIONS_PER_SLOT - 1;
    if (slot !== undefined && isStandIns) this.#tried += 1;
    return this.#tried;
  }

  /** For the stand-in of a slot, unless the holder's tries have passed it. */
  ofStandIn(slot: number): number {
    const revision = this.#ofStandIn(slot);
    this.#highest = Math.max(this.#highest, revision);
    return revision;
  }

  /** The holder's tries were so many that the stand-in of this slot would be refused. */
  hasPassed(slot: number): boolean {
    return this.#ofStandIn(slot) <= this.#tried;
  }

  /** Whether a stand-in may have written this revision. */
  mayBeStandIns(revision: number): boolean {
    return revision <= this.#highest;
  }

  /** The row has this revision. */
  seen(revision: number): void {
    this.#tried = Math.max(this.#tried, revision);
  }

  #ofStandIn(slot: number): number {
    return this.#base + slot * REVISIONS_PER_SLOT + REVISIONS_PER_SLOT - 1;
  }

  /** From now on all tries are above all stand-ins that were signed. Those of later slots can be signed anew. */
  leaveBehind(slot: number): void {
    this.#tried = Math.max(this.#tried, this.#highest);
    this.#base = this.#tried - slot * REVISIONS_PER_SLOT;
  }
}
