import { backoffMs } from "./backoff.js";
import { sleep } from "./clock.js";
import { endedTerm, type Lease } from "./lease.js";
import type { ResolvedOptions } from "./options.js";
import type { Requests } from "./requests.js";
import type { TermRecord } from "./store/lease-store.js";

/** Tries per record; history is best effort and never on the safety path. */
const TRIES = 5;

/**
 * Writes the history of terms, beside the work: that `lease` began and, once that has landed, what became
 * of the term before it. In this order, so that the newest recorded term never carries a `ttl`: it is what
 * terms go on from if the lease row is ever deleted. Without a row before it, the term before ended with that row.
 */
export async function recordSuccession(
  requests: Requests,
  options: ResolvedOptions,
  lease: Lease,
  previous: Lease | undefined,
): Promise<void> {
  const began = await record(requests, options, {
    term: lease.term,
    holder: lease.holder,
    leaseDurationMs: lease.leaseDurationMs,
    electedAt: lease.electedAt,
    lastTickBefore: lease.lastTick,
  });
  if (!began || lease.term === 1) return;
  const nowMs = requests.at(requests.now());
  const ttl = nowMs && Math.ceil((nowMs + options.historyRetentionMs) / 1_000);
  if (!previous) {
    await record(requests, options, { term: lease.term - 1, endReason: "deleted", ttl });
    return;
  }
  await record(requests, options, {
    term: endedTerm(previous),
    endReason: previous.endReason ?? "expired",
    endedAt: previous.endedAt ?? previous.expiresAt,
    lastRenewedAt: previous.renewedAt,
    ttl,
  });
}

/**
 * Keeps a completed tick in history too, so that it outlives even the lease row. In a fact of its own: what is
 * written of a term's beginning may arrive after this, and must not take it back.
 */
export async function recordTick(requests: Requests, options: ResolvedOptions, term: number, tick: string) {
  await record(requests, options, { term, lastTick: tick });
}

async function record(requests: Requests, options: ResolvedOptions, row: TermRecord): Promise<boolean> {
  for (let failures = 0; failures < TRIES; failures++) {
    try {
      await requests.send("record a term", (store, _sent, signal) =>
        store.recordTerm(options.name, row, signal),
      );
      return true;
    } catch {
      await sleep(options.clock, backoffMs(failures, options.renewIntervalMs, options.random));
    }
  }
  return false;
}
