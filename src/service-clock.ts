import { type Instant, longestElapsedMs, shortestElapsedMs } from "./clock.js";

/**
 * Bounds on service time (rule 4c): the table's own clock, as its `Date` headers show it.
 *
 * A header is cut to whole seconds and was stamped somewhere between request and answer, so each one
 * bounds service time at the moment of the answer. Between answers the bounds widen by what the local
 * clocks may be off: the lower one follows the slower of the two local clocks, the upper one the faster,
 * so neither a suspended machine nor a stepped wall clock can make them wrong. Each header is first
 * widened by half of `maxServiceClockErrorMs`, since the servers behind one endpoint agree only so far:
 * then every bound holds for one and the same reference time, and no further allowance is due later.
 */

/** Clock rates may differ from the reference by this part (promise P1). */
export const MAX_DRIFT = 1 / 500;

const HEADER_RESOLUTION_MS = 1_000;

export interface ServiceClock {
  /** Service time is not before this. */
  earliestMs(now: Instant): number;
  /** Service time is not after this. */
  latestMs(now: Instant): number;
  /** In how many ms `serviceTimeMs` has surely passed; not above 0: for how long it surely has. */
  surelyPastInMs(serviceTimeMs: number, now: Instant): number;
  /** Narrows by another answer; undefined when the two contradict each other, so some clock lied. */
  narrow(other: ServiceClock, now: Instant): ServiceClock | undefined;
}

/** What one answer with a `Date` header tells. */
export function serviceClockOf(
  dateMs: number,
  sent: Instant,
  received: Instant,
  maxServiceClockErrorMs: number,
): ServiceClock {
  const roundTripMs = longestElapsedMs(sent, received) * (1 + MAX_DRIFT);
  const errorMs = maxServiceClockErrorMs / 2;
  return new Bounds(received, dateMs - errorMs, dateMs + HEADER_RESOLUTION_MS + roundTripMs + errorMs);
}

/** What was known at one moment, and what follows from it for another. */
class Bounds implements ServiceClock {
  constructor(
    private readonly at: Instant,
    private readonly lowMs: number,
    private readonly highMs: number,
  ) {}

  earliestMs(now: Instant): number {
    return this.lowMs + shortestElapsedMs(this.at, now) * (1 - MAX_DRIFT);
  }

  latestMs(now: Instant): number {
    return this.highMs + longestElapsedMs(this.at, now) * (1 + MAX_DRIFT);
  }

  surelyPastInMs(serviceTimeMs: number, now: Instant): number {
    const missingMs = serviceTimeMs - this.earliestMs(now);
    return missingMs < 0 ? missingMs : (missingMs + 1) / (1 - MAX_DRIFT);
  }

  narrow(other: ServiceClock, now: Instant): ServiceClock | undefined {
    const low = Math.max(this.earliestMs(now), other.earliestMs(now));
    const high = Math.min(this.latestMs(now), other.latestMs(now));
    return low > high ? undefined : new Bounds(now, low, high);
  }
}

/** Best single guess, for display and history only: no decision rests on it. */
export function estimateMs(clock: ServiceClock, now: Instant): number {
  return Math.round((clock.earliestMs(now) + clock.latestMs(now)) / 2);
}
