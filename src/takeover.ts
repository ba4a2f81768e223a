import type { Instant } from "./clock.js";
import { isPlaceholder, isVacant, type Lease } from "./lease.js";
import { nextLookMs } from "./rhythm.js";
import type { ServiceClock } from "./service-clock.js";
import type { Sighting } from "./sighting.js";

/** When a candidate may take the lease, and what it does until then. Pure: what was seen, what time it is. */

/** What an acquire claims to have seen; the write is refused if the row no longer is like this. */
export interface Basis {
  readonly term: number;
  readonly revision: number;
  /** Only on a placeholder: where the history says that terms go on. */
  readonly founding?: Founding | undefined;
}

export interface Founding {
  readonly firstTerm: number;
  readonly lastTick?: string | undefined;
}

export type Move =
  | { readonly kind: "read"; readonly consistent: boolean }
  /** Puts a placeholder where there is no row. */
  | { readonly kind: "holdPlace" }
  | { readonly kind: "readHistory" }
  | { readonly kind: "acquire"; readonly basis: Basis }
  | { readonly kind: "wait"; readonly untilMs: number };

export interface Candidacy {
  readonly candidateId: string;
  /** Whether a service clock may declare a holder dead (rule 4c), or only observation (4b). */
  readonly useServiceClock: boolean;
  /** Delay after a holder's death, drawn per sighting, so that not all candidates try at once. */
  readonly jitterMs: number;
}

/**
 * Rule 4b: by observation alone, a holder is dead when its pair has not changed for a whole lease of the
 * observer's own time. Also bounds reservations, and the unknown holder of a row that was deleted.
 */
function observedDeadAtMs(sighting: Sighting, leaseMs: number): number {
  return sighting.firstSeenMs + leaseMs;
}

/** Rule 4c: `undefined` when it cannot be told by the service clock. */
function pastByServiceClockAtMs(
  serviceTimeMs: number | undefined,
  now: Instant,
  clock: ServiceClock | undefined,
): number | undefined {
  if (serviceTimeMs === undefined || clock === undefined) return undefined;
  return now.monotonicMs + clock.surelyPastInMs(serviceTimeMs, now);
}

/** What a candidate does next. */
export function nextMove(
  sighting: Sighting | undefined,
  me: Candidacy,
  now: Instant,
  service: ServiceClock | undefined,
): Move {
  if (sighting === undefined || sighting.doubted) return { kind: "read", consistent: true };
  const { lease } = sighting;
  if (lease === undefined) return { kind: "holdPlace" };
  if (isPlaceholder(lease)) return moveOnPlaceholder(sighting, lease, now);
  const acquire: Move = { kind: "acquire", basis: { term: lease.term, revision: lease.revision } };
  // Mine, from a try whose answer was lost: nobody else can be leading.
  if (lease.holder === me.candidateId) return acquire;
  const freeAtMs = freeForMeAtMs(sighting, lease, me, now, service);
  if (freeAtMs <= now.monotonicMs) return acquire;
  const lookAtMs = nextLookMs(sighting.rhythm, lease.renewIntervalMs);
  if (lookAtMs <= now.monotonicMs) return { kind: "read", consistent: false };
  return { kind: "wait", untilMs: Math.min(freeAtMs, lookAtMs) };
}

/** The earliest moment, in my monotonic time, at which this row may be taken if it stays as it is. */
function freeForMeAtMs(
  sighting: Sighting,
  lease: Lease,
  me: Candidacy,
  now: Instant,
  service: ServiceClock | undefined,
): number {
  const usable = me.useServiceClock ? service : undefined;
  const observedMs = observedDeadAtMs(sighting, lease.leaseDurationMs);
  if (isVacant(lease) && lease.endReason !== "evicted") {
    const reserved = lease.reservedFor !== undefined && lease.reservedFor !== me.candidateId;
    if (!reserved) return now.monotonicMs;
    return Math.min(observedMs, pastByServiceClockAtMs(lease.reservedUntil, now, usable) ?? observedMs);
  }
  // An evicted holder is fenced off, but it may trust its lease until that has run out: as if it still held it.
  const byServiceMs = pastByServiceClockAtMs(lease.expiresAt, now, usable) ?? observedMs;
  return Math.min(observedMs, byServiceMs) + me.jitterMs;
}

/**
 * A new election, or somebody deleted the row. The history that was read since the placeholder stood there is
 * whole: no term can begin beside it. While there is history, the election counts as held by an unknown, for
 * one whole lease of observation.
 */
function moveOnPlaceholder(
  sighting: Sighting,
  { term, revision, renewIntervalMs }: Lease,
  now: Instant,
): Move {
  const { history } = sighting;
  if (history === undefined) return { kind: "readHistory" };
  const freeAtMs =
    history.highestTerm === 0 ? now.monotonicMs : observedDeadAtMs(sighting, history.longestLeaseMs);
  if (freeAtMs > now.monotonicMs) {
    const lookAtMs = nextLookMs(sighting.rhythm, renewIntervalMs);
    if (lookAtMs <= now.monotonicMs) return { kind: "read", consistent: false };
    return { kind: "wait", untilMs: Math.min(freeAtMs, lookAtMs) };
  }
  const founding = { firstTerm: history.highestTerm + 1, lastTick: history.lastTick };
  return { kind: "acquire", basis: { term, revision, founding } };
}
