import { type Clock, type Instant, readClock } from "./clock.js";
import type { Emit } from "./events.js";
import {
  afterHeader,
  believedBounds,
  estimateMs,
  type Header,
  type HeaderBounds,
  type HeaderState,
  type ServiceClock,
  serviceClockOf,
} from "./protocol/service-clock.js";
import type { ResolvedOptions } from "./resolve-options.js";

/** The table's time, as one candidate knows it from the answers so far. */
export class TableTime {
  #headerState: HeaderState | undefined;

  constructor(
    private readonly options: Pick<ResolvedOptions, "clock" | "leaseDurationMs" | "maxServiceClockErrorMs">,
    private readonly emit: Emit,
  ) {}

  get clock(): Clock {
    return this.options.clock;
  }

  now(): Instant {
    return readClock(this.clock);
  }

  /** For who may lead. Undefined while no header was heard, and while headers are doubted: then observation decides. */
  get service(): ServiceClock | undefined {
    return this.headers && serviceClockOf(this.headers, this.options.maxServiceClockErrorMs);
  }

  /** For people, and for who comes first: a wall clock that is hours behind must not keep the dead alive. */
  get headers(): HeaderBounds | undefined {
    return believedBounds(this.#headerState);
  }

  /** What a lease written now says of its end: no earlier than any other clock may take the end to be. */
  expiresAt(sent: Instant): number | undefined {
    return this.latest(sent, this.options.leaseDurationMs);
  }

  /**
   * No clock of the table is later than this, so long after `sent`. Undefined also where wall clock and headers are
   * more than a lease apart: it would be so late that observation comes first, and people would be misled.
   */
  latest(sent: Instant, afterMs: number): number | undefined {
    const { service } = this;
    if (!service || service.disagreementMs(sent) > this.options.leaseDurationMs) return undefined;
    return Math.ceil(service.latestMs(sent)) + afterMs;
  }

  /** Service time by the headers, best guess, for people. */
  at(now: Instant): number | undefined {
    return this.headers && estimateMs(this.headers, now);
  }

  /**
   * Returns whether this header contradicts what was known.
   *
   * The time of doubt is the own lease, though others may hold longer ones. Exclusion does not rest on its length: while
   * the wall clock is right, no header does harm. It is for a host whose wall clock is wrong as well: there a spell of
   * lies that contradicts what was known is forgotten if it is shorter than this.
   */
  learn(header: Header): boolean {
    const { maxServiceClockErrorMs, leaseDurationMs: doubtMs } = this.options;
    const { state, contradicts } = afterHeader(this.#headerState, header, {
      maxServiceClockErrorMs,
      doubtMs,
    });
    this.#headerState = state;
    if (contradicts) this.emit({ type: "clockAnomaly" });
    return contradicts;
  }
}
