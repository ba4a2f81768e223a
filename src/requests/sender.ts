import { type Instant, longestElapsedMs } from "../clock.js";
import { InternalError } from "../errors.js";
import type { Emit } from "../events.js";
import type { Answer } from "../protocol/verbs.js";
import type { ResolvedOptions } from "../resolve-options.js";
import type { LeaseStore } from "../store/lease-store.js";
import { TableTime } from "../table-time.js";
import { type Timed, timedRequest } from "../timed-request.js";

export interface SendOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends one candidate's requests. Each is bounded in time, and learns the table's time from the answer (rule 4c).
 *
 * The files beside this one add the requests to it, a subject each. They stand on each other as one class, and not as objects, so that
 * one of ten thousand leases has no more than this.
 */
export class Sender {
  readonly time: TableTime;
  /** When the last answer came. */
  #heard: Instant | undefined;

  constructor(
    private readonly store: LeaseStore,
    protected readonly options: ResolvedOptions,
    private readonly emit: Emit,
    /** What a process knows of the table's time serves all its elections under one session. */
    time?: TableTime,
  ) {
    this.time = time ?? new TableTime(options, emit);
  }

  /** Undefined before the first answer. */
  get msSinceContact(): number | undefined {
    return this.#heard && longestElapsedMs(this.#heard, this.time.now());
  }

  protected get name(): string {
    return this.options.name;
  }

  protected async send<T extends Answer>(
    doing: string,
    request: (store: LeaseStore, sent: Instant, signal: AbortSignal) => Promise<T>,
    { timeoutMs = this.options.requestTimeoutMs, signal }: SendOptions = {},
  ): Promise<Timed<T>> {
    const { time, store } = this;
    const timed = await timedRequest(doing, (sent, abort) => request(store, sent, abort), {
      time,
      timeoutMs,
      signal,
    }).catch((error: unknown) => {
      if (error instanceof InternalError) this.emit({ type: "internal-error", error });
      throw error;
    });
    this.#heard = timed.received;
    return timed;
  }
}
