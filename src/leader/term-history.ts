import { retry } from "../async.js";
import type { LeaseClient } from "../lease-client.js";
import { endedTerm, endReasonIn, type Held, type TermLease } from "../protocol/lease.js";
import { lastTickOf } from "../protocol/ticks.js";
import type { TermRecord } from "../protocol/verbs.js";
import type { ResolvedOptions } from "../resolve-options.js";

/** Tries in a row: at the beginning and at the end of a tenure, and for a completed tick. */
const TRIES = 5;

/**
 * Rule 5e. The history of one term, written beside the work: that `lease` began and, once that has landed, how
 * the term before it ended. In this order the newest recorded term never carries a `ttl`: terms go on from it
 * if the lease row is ever deleted. If there was no row before, the term before ended with that row's deletion.
 */
export class TermHistory {
  /** What is not written yet, in order. */
  readonly #waiting: Array<() => TermRecord>;
  #writing: Promise<void> | undefined;

  constructor(
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
    lease: Held,
    previous: TermLease | undefined,
  ) {
    const began: TermRecord = {
      term: lease.term,
      holder: lease.holder,
      leaseDurationMs: lease.leaseDurationMs,
      electedAt: lease.electedAt,
      electedErrorMs: lease.electedErrorMs,
      lastTickBefore: lastTickOf(lease.ticks),
      tickResetTermBefore: lease.tickReset?.term,
    };
    const before = lease.term === 1 ? [] : [() => this.#endOf(lease.term - 1, previous)];
    this.#waiting = [() => began, ...before];
    void this.insist();
  }

  /**
   * Tries once to write what is missing. Called with each heartbeat, so it is tried as long as the tenure lasts.
   */
  refresh(): Promise<void> {
    return this.#write(1);
  }

  /**
   * Several tries in a row. Resolves after a few request timeouts at the latest, whether it was written or not.
   */
  insist(): Promise<void> {
    return this.#write(TRIES);
  }

  /** One writer at a time: a call that comes meanwhile waits for the same tries. */
  #write(tries: number): Promise<void> {
    this.#writing ??= this.#writeAll(tries).finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #writeAll(tries: number): Promise<void> {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      if (!(await record(this.client, this.options, next, tries))) return;
      this.#waiting.shift();
    }
  }

  #endOf(term: number, previous: TermLease | undefined): TermRecord {
    const now = this.client.time.now();
    const tableMs = this.client.time.at(now);
    // By the later of two clocks: a term that is deleted too soon could be used again.
    const keptUntilMs = tableMs && Math.max(tableMs, now.wallMs) + this.options.historyRetentionMs;
    const ttl = keptUntilMs && Math.ceil(keptUntilMs / 1_000);
    if (!previous) return { term, endReason: "deleted", ttl };
    const { endedAt, endedErrorMs } = previous.kind === "vacant" ? previous : {};
    return {
      term: endedTerm(previous),
      endReason: endReasonIn(previous),
      endedAt: endedAt ?? previous.expiresAt,
      endedErrorMs,
      lastRenewedAt: previous.renewedAt,
      lastRenewedErrorMs: previous.renewedErrorMs,
      ttl,
    };
  }
}

/**
 * Rule 5f. Keeps a completed tick in history too, so that it outlives even the lease row. Only call it when the
 * fence has confirmed the release: a tick in history is never run again. The tick has a write of its own: the
 * record of the term's beginning may arrive after it, and must not remove it. Resolves after a few request
 * timeouts at the latest, whether it was written or not.
 */
export async function recordTick(client: LeaseClient, options: ResolvedOptions, term: number, tick: string) {
  await record(client, options, () => ({ term, lastTick: tick }), TRIES);
}

async function record(
  client: LeaseClient,
  options: ResolvedOptions,
  row: () => TermRecord,
  tries: number,
): Promise<boolean> {
  const { clock, random, renewIntervalMs: maxMs } = options;
  return retry(() => client.recordTerm(row()), { clock, random, tries, maxMs }).then(
    () => true,
    () => false,
  );
}
