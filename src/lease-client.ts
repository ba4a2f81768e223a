import { type Instant, readClock, TimedOut, withTimeout } from "./clock.js";
import { TableUnavailableError } from "./errors.js";
import type { Emit } from "./events.js";
import {
  believed,
  estimateMs,
  type HeaderBounds,
  type Hearing,
  hear,
  type ServiceClock,
  serviceClockOf,
} from "./protocol/service-clock.js";
import type { Answer } from "./protocol/verbs.js";
import type { ResolvedOptions } from "./resolve-options.js";
import type { LeaseStore } from "./store/lease-store.js";

/** An answer, and when its request left and it came: trust counts from `sent`, observation from `received`. */
export interface Timed<T> {
  readonly answer: T;
  readonly sent: Instant;
  readonly received: Instant;
  /** Its `Date` header contradicts what was known when the request left, and what the request said of time. */
  readonly contradicts: boolean;
}

/** How a candidate talks to the table: bounded in time, and learning the table's time from each answer. */
export class Requests {
  #hearing: Hearing | undefined;

  constructor(
    private readonly store: LeaseStore,
    private readonly options: ResolvedOptions,
    private readonly emit: Emit,
  ) {}

  now(): Instant {
    return readClock(this.options.clock);
  }

  /** For who may lead. Undefined while no header was heard, and while headers are doubted: then observation decides. */
  get service(): ServiceClock | undefined {
    return this.headers && serviceClockOf(this.headers, this.options.maxServiceClockErrorMs);
  }

  /** For people, and for who comes first: a wall clock that is hours behind must not keep the dead alive. */
  get headers(): HeaderBounds | undefined {
    return believed(this.#hearing);
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

  /** Rejects with `TableUnavailableError` after `timeoutMs`; whether the request took effect is then unknown. */
  async send<T extends Answer>(
    doing: string,
    request: (store: LeaseStore, sent: Instant, signal: AbortSignal) => Promise<T>,
    {
      timeoutMs = this.options.requestTimeoutMs,
      signal,
    }: { timeoutMs?: number; signal?: AbortSignal | undefined } = {},
  ): Promise<Timed<T>> {
    // Before the request leaves, whatever happens on the way (pitfall: trust counted from the response).
    const sent = this.now();
    const asked = withTimeout(
      this.options.clock,
      timeoutMs,
      (abort) => request(this.store, sent, abort),
      signal,
    ).catch((error: unknown) => {
      throw error instanceof TimedOut ? new TableUnavailableError(doing, { cause: error }) : error;
    });
    const answer = await asked;
    const received = this.now();
    const contradicts = answer.dateMs !== undefined && this.#learn(answer.dateMs, sent, received);
    return { answer, sent, received, contradicts };
  }

  /**
   * The time of doubt is the own lease, though others may hold longer ones. Exclusion does not rest on its length: while
   * the wall clock is right, no header does harm. It is for a host whose wall clock is wrong as well: there a spell of
   * lies that contradicts what was known is forgotten if it is shorter than this.
   */
  #learn(dateMs: number, sent: Instant, received: Instant): boolean {
    const { maxServiceClockErrorMs, leaseDurationMs: doubtMs } = this.options;
    const { hearing, contradicts } = hear(
      this.#hearing,
      { dateMs, sent, received },
      { maxServiceClockErrorMs, doubtMs },
    );
    this.#hearing = hearing;
    if (contradicts) this.emit({ type: "clockAnomaly" });
    return contradicts;
  }
}
