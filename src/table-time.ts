import { type Clock, type Instant, readClock } from "./clock.js";
import type { Emit } from "./events.js";
import {
  afterHeader,
  believedBounds,
  estimateErrorMs,
  estimateMs,
  type Header,
  type HeaderBounds,
  type HeaderState,
  type ServiceClock,
  serviceClockOf,
} from "./protocol/service-clock.js";
import type { ResolvedOptions } from "./resolve-options.js";

/** The table's time, as one candidate knows it from the answers so far (rule 4c). */
export class TableTime {
  #headerState: HeaderState | undefined;
  #contradictions = 0;

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

  /**
   * For deciding who may lead. Undefined before any header was received, and while headers are doubted: then
   * observation decides.
   */
  get service(): ServiceClock | undefined {
    return this.headers && serviceClockOf(this.headers, this.options.maxServiceClockErrorMs);
  }

  /**
   * For people, and for the order of succession: a wall clock that is hours behind must not keep the dead
   * alive.
   */
  get headers(): HeaderBounds | undefined {
    return believedBounds(this.#headerState);
  }

  /**
   * The `expiresAt` of a lease that is written now: not before any other clock may believe that it has ended.
   */
  expiresAt(sent: Instant): number | undefined {
    return this.latest(sent, this.options.leaseDurationMs);
  }

  /**
   * The latest that the table's time can be `afterMs` after `sent`. Also undefined where the wall clock and the
   * headers are more than a lease apart: it would be so late that observation comes first, and it would mislead
   * people.
   */
  latest(sent: Instant, afterMs: number): number | undefined {
    const { service } = this;
    if (!service || service.disagreementMs(sent) > this.options.leaseDurationMs) return undefined;
    return Math.ceil(service.latestMs(sent)) + afterMs;
  }

  /** The best estimate of service time by the headers, for people. */
  at(now: Instant): number | undefined {
    return this.headers && estimateMs(this.headers, now);
  }

  /**
   * A `ttl` for a row that stays for so long, in seconds: by the later of two clocks, so that it is not deleted too soon.
   * Undefined: the table's time is not known.
   */
  ttlAfter(now: Instant, ms: number): number | undefined {
    const tableMs = this.at(now);
    return tableMs && Math.ceil((Math.max(tableMs, now.wallMs) + ms) / 1_000);
  }

  /** The best estimate, and how far the true time may be from it, as requests carry both. */
  stamp(now: Instant): { readonly at: number | undefined; readonly atErrorMs: number | undefined } {
    return { at: this.at(now), atErrorMs: this.headers && estimateErrorMs(this.headers, now) };
  }

  /** How many headers have contradicted what was known, so far. A request that was sent before one may have said what was wrong. */
  get contradictions(): number {
    return this.#contradictions;
  }

  /**
   * Learns from a header.
   *
   * The time of doubt is this candidate's own lease, though others may hold longer ones. Exclusion does not
   * rest on its length: while the wall clock is right, no header does harm. It helps a host whose wall clock is
   * wrong as well: there a series of wrong headers that contradicts what was known is forgotten if it is
   * shorter than this.
   */
  learn(header: Header): void {
    const { maxServiceClockErrorMs, leaseDurationMs: doubtMs } = this.options;
    const { state, contradicts } = afterHeader(this.#headerState, header, {
      maxServiceClockErrorMs,
      doubtMs,
    });
    this.#headerState = state;
    if (!contradicts) return;
    this.#contradictions += 1;
    this.emit({ type: "clock-anomaly" });
  }
}
