import { sleep } from "../async.js";
import { TableUnavailableError } from "../errors.js";
import type { Lease } from "../protocol/lease.js";
import type { Candidacy } from "./candidacy.js";
import type { SeenRow } from "./seen-row.js";

/**
 * Rule 8f. After a requested hand-over: lets the others poll once before this candidate tries again, also those for
 * whom the lease is not reserved. Returns as soon as another one has led: it may hand over to this candidate at once.
 */
export async function letOthersGoFirst(
  { client, options }: Candidacy,
  seen: SeenRow,
  signal?: AbortSignal,
): Promise<void> {
  const { clock, renewIntervalMs, slotMs, candidateId } = options;
  const nowMs = () => client.time.now().monotonicMs;
  const untilMs = nowMs() + renewIntervalMs * 1.5 + keptForAnotherMs(seen.lease, candidateId);
  const before = seen.lease?.term ?? 0;
  for (
    let pauseMs = slotMs;
    nowMs() < untilMs && !hasAnotherLed(seen.lease, candidateId, before);
    pauseMs *= 2
  ) {
    await sleep(clock, Math.min(pauseMs, untilMs - nowMs()), signal);
    await seen.read(false, signal).catch((error: unknown) => {
      if (!(error instanceof TableUnavailableError)) throw error;
    });
  }
}

function keptForAnotherMs(lease: Lease | undefined, own: string): number {
  const reservation = lease?.kind === "vacant" ? lease.reservation : undefined;
  const keptFor = reservation?.candidateId;
  return reservation && keptFor !== undefined && keptFor !== own ? reservation.forMs : 0;
}

function hasAnotherLed(lease: Lease | undefined, own: string, before: number): boolean {
  if (lease?.kind === "held") return lease.holder !== own;
  return lease?.kind === "vacant" && lease.term > before && lease.endReason !== "evicted";
}
