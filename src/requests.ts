import { type Instant, readClock, TimedOut, withTimeout } from "./clock.js";
import { TableUnavailableError } from "./errors.js";
import type { Emit } from "./events.js";
import type { ResolvedOptions } from "./options.js";
import { estimateMs, type ServiceClock, serviceClockOf } from "./service-clock.js";
import type { Answer, LeaseStore } from "./store/lease-store.js";

/** An answer, and when its request left and it came: trust counts from `sent`, observation from `received`. */
export interface Timed<T> {
  readonly answer: T;
  readonly sent: Instant;
  readonly received: Instant;
}

/** How a candidate talks to the table: bounded in time, and learning the table's time from each answer. */
export class Requests {
  #service: ServiceClock | undefined;

  constructor(
    private readonly store: LeaseStore,
    private readonly options: ResolvedOptions,
    private readonly emit: Emit,
  ) {}

  now(): Instant {
    return readClock(this.options.clock);
  }

  get service(): ServiceClock | undefined {
    return this.#service;
  }

  /** What a lease written now says of its end: no earlier than any other clock may take the end to be. */
  expiresAt(sent: Instant): number | undefined {
    return this.latest(sent, this.options.leaseDurationMs);
  }

  /** No clock of the table is later than this, so long after `sent`. */
  latest(sent: Instant, afterMs: number): number | undefined {
    return this.#service && Math.ceil(this.#service.latestMs(sent)) + afterMs;
  }

  /** Service time, best guess, for people. */
  at(now: Instant): number | undefined {
    return this.#service && estimateMs(this.#service, now);
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
    if (answer.dateMs !== undefined) this.#learn(answer.dateMs, sent, received);
    return { answer, sent, received };
  }

  #learn(dateMs: number, sent: Instant, received: Instant): void {
    const told = serviceClockOf(dateMs, sent, received, this.options.maxServiceClockErrorMs);
    const narrowed = this.#service ? this.#service.narrow(told, received) : told;
    if (narrowed === undefined) this.emit({ type: "clockAnomaly" });
    this.#service = narrowed ?? told;
  }
}
