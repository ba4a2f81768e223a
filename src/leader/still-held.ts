import { backoffMs, sleep } from "../async.js";
import { inTurn } from "../candidate/under.js";
import { TableUnavailableError } from "../errors.js";
import type { LeaseClient } from "../lease-client.js";
import { isHeldIn, type TermLease } from "../protocol/lease.js";
import type { ResolvedOptions } from "../resolve-options.js";
import type { HeldUnder } from "./held-under.js";
import type { Tenure } from "./tenure.js";

/**
 * Whether somebody can have founded the next term by now, if the lease row was deleted right after the acquire, `tookMs` ago. A
 * founder waits for the term before, unless that was given back for good. A founding itself writes history in the same step.
 */
export function mayBeFounded(previous: TermLease | undefined, tookMs: number): boolean {
  if (previous === undefined) return false;
  const isForgettable = previous.kind === "vacant" && previous.ttl !== undefined;
  return isForgettable || tookMs > previous.leaseDurationMs / 2;
}

/**
 * Rules 13d and 14i. A deletion of the lease row makes founders wait for this tenure only if history had its term by then. So one
 * consistent read that leaves after that shows whether the row was deleted before. It ends the tenure if so. Resolves when it has
 * been read, or when `isOver`. Rejects as reads do, but not while the table does not answer.
 */
export async function untilStillHeld(
  tenure: Tenure,
  client: LeaseClient,
  { clock, random, renewIntervalMs, candidateId }: ResolvedOptions,
  under: Pick<HeldUnder, "paced"> | undefined,
  isOver: () => boolean,
): Promise<void> {
  for (let failures = 1; !isOver(); failures++) {
    try {
      const { answer, sent } = await inTurn("finish", under, () => client.read(true));
      if (!isHeldIn(answer.lease, { candidateId, term: tenure.term })) tenure.looked(answer.lease, sent);
      return;
    } catch (error) {
      if (!(error instanceof TableUnavailableError)) throw error;
      await sleep(clock, backoffMs(failures, renewIntervalMs, random));
    }
  }
}
