import { type Instant, longestElapsedMs, shortestElapsedMs } from "../clock.js";

/**
 * Bounds on service time (rule 4c), from two independent witnesses: the table's `Date` headers, and this host's
 * wall clock at the moment of use. A bound holds as long as one of the two is right, so a witness that lies
 * costs time, never exclusion.
 *
 * A header is cut to whole seconds and was stamped somewhere between request and answer, so each one bounds
 * service time at the moment of the answer. Between answers these bounds widen by what the local clocks may be
 * wrong by: the lower bound follows the slower of the two local clocks, the upper bound the faster. So neither
 * a suspended machine nor a stepped wall clock can make them wrong.
 *
 * Each witness is widened by half of `maxServiceClockErrorMs`, since right clocks agree only so far. Then every
 * bound holds for one and the same reference time, and no further allowance is needed later.
 */

/** Clock rates may differ from the reference by this part (promise P1). */
export const MAX_DRIFT = 1 / 500;

const HEADER_RESOLUTION_MS = 1_000;

/** Bounds from one witness or from two. */
export interface TimeBounds {
  /** Service time is not before this. */
  earliestMs(now: Instant): number;
  /** Service time is not after this. */
  latestMs(now: Instant): number;
  /** In how many ms `serviceTimeMs` has surely passed. At or below 0: it has, for so long. */
  surelyPastInMs(serviceTimeMs: number, now: Instant): number;
}

/** Bounds that safety may rest on. */
export interface ServiceClock extends TimeBounds {
  /** By how much the two witnesses contradict each other. 0 while both may be right. */
  disagreementMs(now: Instant): number;
}

/** A `Date` header, when its request left and when its answer came. */
export interface Header {
  readonly dateMs: number;
  readonly sent: Instant;
  readonly received: Instant;
}

/**
 * The bounds by headers alone: known at one moment, they follow for any other. They are for what people are
 * shown, and for the order of succession. Who leads rests on both witnesses.
 */
export class HeaderBounds implements TimeBounds {
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
    return surelyInMs(serviceTimeMs - this.earliestMs(now));
  }

  /**
   * Narrows by another header. Undefined when the two contradict each other, so one of the clocks was wrong.
   */
  narrow(other: HeaderBounds, now: Instant): HeaderBounds | undefined {
    const low = Math.max(this.earliestMs(now), other.earliestMs(now));
    const high = Math.min(this.latestMs(now), other.latestMs(now));
    return low > high ? undefined : new HeaderBounds(now, low, high);
  }
}

function surelyInMs(missingMs: number): number {
  return missingMs < 0 ? missingMs : (missingMs + 1) / (1 - MAX_DRIFT);
}

/** The bounds by one header. */
export function boundsOf({ dateMs, sent, received }: Header, maxServiceClockErrorMs: number): HeaderBounds {
  const roundTripMs = longestElapsedMs(sent, received) * (1 + MAX_DRIFT);
  const errorMs = maxServiceClockErrorMs / 2;
  return new HeaderBounds(received, dateMs - errorMs, dateMs + HEADER_RESOLUTION_MS + roundTripMs + errorMs);
}

/** The best estimate, for display and history only. No decision depends on it. */
export function estimateMs(headers: HeaderBounds, now: Instant): number {
  return Math.round((headers.earliestMs(now) + headers.latestMs(now)) / 2);
}

/** How far the true time may be from `estimateMs`. */
export function estimateErrorMs(headers: HeaderBounds, now: Instant): number {
  return Math.ceil((headers.latestMs(now) - headers.earliestMs(now)) / 2);
}

/** Both witnesses together. */
export function serviceClockOf(headers: HeaderBounds, maxServiceClockErrorMs: number): ServiceClock {
  return new TwoWitnesses(headers, maxServiceClockErrorMs / 2);
}

class TwoWitnesses implements ServiceClock {
  constructor(
    private readonly headers: HeaderBounds,
    private readonly wallErrorMs: number,
  ) {}

  earliestMs(now: Instant): number {
    return Math.min(this.headers.earliestMs(now), now.wallMs - this.wallErrorMs);
  }

  latestMs(now: Instant): number {
    return Math.max(this.headers.latestMs(now), now.wallMs + this.wallErrorMs);
  }

  surelyPastInMs(serviceTimeMs: number, now: Instant): number {
    return surelyInMs(serviceTimeMs - this.earliestMs(now));
  }

  disagreementMs(now: Instant): number {
    const behindMs = this.headers.earliestMs(now) - (now.wallMs + this.wallErrorMs);
    const aheadMs = now.wallMs - this.wallErrorMs - this.headers.latestMs(now);
    return Math.max(behindMs, aheadMs, 0);
  }
}

/**
 * What a host knows from all headers so far. After a contradiction nobody can tell which of the headers was
 * wrong, the older or the newer, so none is believed for a time. Headers of that time are only compared with
 * each other.
 */
export type HeaderState =
  | { readonly kind: "believed"; readonly bounds: HeaderBounds }
  | {
      readonly kind: "doubted";
      readonly bounds: HeaderBounds;
      /** As of `at`. */
      readonly leftMs: number;
      readonly at: Instant;
    };

export function believedBounds(state: HeaderState | undefined): HeaderBounds | undefined {
  return state?.kind === "believed" ? state.bounds : undefined;
}

export interface HeaderOptions {
  readonly maxServiceClockErrorMs: number;
  /** How long no header is believed after a contradiction. */
  readonly doubtMs: number;
}

/** What is known after another header, and whether the header contradicts what was known. */
export function afterHeader(
  before: HeaderState | undefined,
  header: Header,
  { maxServiceClockErrorMs, doubtMs }: HeaderOptions,
): { readonly state: HeaderState; readonly contradicts: boolean } {
  const { sent, received } = header;
  const fresh = boundsOf(header, maxServiceClockErrorMs);
  if (before === undefined) return { state: { kind: "believed", bounds: fresh }, contradicts: false };
  const bounds = before.bounds.narrow(fresh, received);
  if (bounds === undefined) {
    const state = { kind: "doubted", bounds: fresh, leftMs: doubtMs, at: received } as const;
    return { state, contradicts: true };
  }
  return { state: agreeing(before, { fresh, bounds, sent }), contradicts: false };
}

/**
 * Only a header whose request left after the time of doubt counts again: a late answer may carry an old lie.
 */
function agreeing(
  before: HeaderState,
  { fresh, bounds, sent }: { fresh: HeaderBounds; bounds: HeaderBounds; sent: Instant },
): HeaderState {
  if (before.kind === "believed") return { kind: "believed", bounds };
  // Counted from header to header by the slower clock, so that the time does not end early. A stepped clock
  // costs one stretch of it.
  const leftMs = before.leftMs - shortestElapsedMs(before.at, sent) * (1 - MAX_DRIFT);
  if (leftMs <= 0) return { kind: "believed", bounds: fresh };
  const at = sent.monotonicMs > before.at.monotonicMs ? sent : before.at;
  return { kind: "doubted", bounds, leftMs, at };
}
