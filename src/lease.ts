import { type Instant, longestElapsedMs } from "./clock.js";

/** What a lease row means, and how long its holder may trust it. */

/** The lease row. Times in it are epoch milliseconds of service time. */
export interface Lease {
  /** The fencing token: +1 per acquisition, never restarts. 0 only on a placeholder. */
  readonly term: number;
  /** Grows with every write by a holder. Observers watch (`term`, `revision`). */
  readonly revision: number;
  readonly leaseDurationMs: number;
  /** How long after this write its holder means to write the next: followers keep in step with it. */
  readonly renewIntervalMs: number;
  /** The candidate in charge; absent when the lease is vacant. */
  readonly holder?: string | undefined;
  /** Which of the holder's tries took the lease: resolves lost answers. */
  readonly attemptId?: string | undefined;
  /** Absent when its writer had no bound on service time. */
  readonly expiresAt?: number | undefined;
  readonly electedAt?: number | undefined;
  readonly renewedAt?: number | undefined;
  readonly value?: string | undefined;
  readonly stepDown?: StepDown | undefined;
  /** A vacant lease kept for one candidate, until `reservedUntil`. */
  readonly reservedFor?: string | undefined;
  readonly reservedUntil?: number | undefined;
  /** The last tick that `runOnce` completed. */
  readonly lastTick?: string | undefined;
  /** The term that completed it: resolves lost answers. */
  readonly lastTickTerm?: number | undefined;
  /** How and when the last tenure was given back; absent while held. */
  readonly endReason?: string | undefined;
  readonly endedAt?: number | undefined;
}

export interface StepDown {
  readonly by: string;
}

/** Rule 4a. How much longer a holder may trust a lease whose confirmed write left at `sent`. May be negative. */
export function trustLeftMs(sent: Instant, trustMs: number, now: Instant): number {
  return trustMs - longestElapsedMs(sent, now);
}

/**
 * A row of term 0 is nobody's and never was: it stands where there was none, so that no term can begin and end
 * unseen while somebody reads in the history where terms go on.
 */
export function isPlaceholder(lease: Lease): boolean {
  return lease.term === 0;
}

export function isVacant(lease: Lease): boolean {
  return lease.holder === undefined;
}

/** A tick is done when a run recorded it, or a later one. Ticks are ordered strings. */
export function isTickDone(lastTick: string | undefined, tick: string): boolean {
  return lastTick !== undefined && lastTick >= tick;
}
