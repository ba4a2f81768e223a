import { type Instant, longestElapsedMs } from "../clock.js";
import type { Lease } from "./lease.js";
import type { TimeBounds } from "./service-clock.js";

/** When a lease has run out: for its holder (rule 4a), for observers (4b, 4c), and for people. Pure. */

/**
 * Rule 4a. How long a holder trusts its lease. The margin pays for clocks of holder and taker that run at
 * different rates.
 */
export function trustMs({ leaseDurationMs, safetyMarginMs }: LeaseTimes): number {
  return leaseDurationMs - safetyMarginMs;
}

interface LeaseTimes {
  readonly leaseDurationMs: number;
  readonly safetyMarginMs: number;
}

/** Rule 4a. How much longer a holder may trust a lease whose confirmed write left at `sent`. May be negative. */
export function trustLeftMs(sent: Instant, lastsMs: number, now: Instant): number {
  return lastsMs - longestElapsedMs(sent, now);
}

/** A part of a row that ends by itself: a lease, a reservation, a candidate's registration. */
export interface Lapse {
  /** When the observer first saw it as it is, in the observer's monotonic time. */
  readonly firstSeenMs: number;
  readonly durationMs: number;
  /** Its end in service time, if its writer knew that. */
  readonly until: number | undefined;
}

/**
 * Rule 4b. By observation it ends when it has not changed for its whole duration, by the observer's own clock.
 */
export function observedEndMs({ firstSeenMs, durationMs }: Omit<Lapse, "until">): number {
  return firstSeenMs + durationMs;
}

/** Rule 4c. In how many ms this service time has surely passed. Undefined: there is no service clock. */
function passesInMs(
  serviceTimeMs: number | undefined,
  now: Instant,
  clock: TimeBounds | undefined,
): number | undefined {
  if (serviceTimeMs === undefined || clock === undefined) return undefined;
  return clock.surelyPastInMs(serviceTimeMs, now);
}

/** Rule 4c. Also false if there is no service clock. */
export function hasSurelyPassed(
  serviceTimeMs: number | undefined,
  now: Instant,
  clock: TimeBounds | undefined,
): boolean {
  const inMs = passesInMs(serviceTimeMs, now, clock);
  return inMs !== undefined && inMs <= 0;
}

/** Rules 4b and 4c: the earlier of the two ends, in the observer's monotonic time. */
export function endsAtMs(lapse: Lapse, now: Instant, clock: TimeBounds | undefined): number {
  const observedMs = observedEndMs(lapse);
  const inMs = passesInMs(lapse.until, now, clock);
  return inMs === undefined ? observedMs : Math.min(observedMs, now.monotonicMs + inMs);
}

/**
 * When the lease of this row runs out, in service time as its writer knew it. For people and alarms only: nobody takes
 * a lease by it. Undefined when nobody holds it, and when its writer had no service clock.
 */
export function statedEndMs(lease: Lease): number | undefined {
  if (lease.kind !== "held") return undefined;
  const { expiresAt, renewedAt, leaseDurationMs } = lease;
  return expiresAt ?? (renewedAt === undefined ? undefined : renewedAt + leaseDurationMs);
}
