import type { Instant } from "../clock.js";
import { InternalError } from "../errors.js";
import type { Held, Lease, Vacant } from "./lease.js";
import { OPENING_REVISION } from "./sessions.js";
import { type TickWindow, windowFrom } from "./ticks.js";
import type {
  AcknowledgeRequest,
  AcquireRequest,
  BuryRequest,
  NudgeRequest,
  OpenRequest,
  RenewRequest,
  ResignRequest,
  SealRequest,
  TickResetRequest,
} from "./verbs.js";

/**
 * What holds whatever the network, the table and the clocks do. Each check stands where nobody would notice the
 * opposite, and a leader would trust its lease on wrong facts. Pure; each throws `InternalError`.
 */

/** Trust counts from before a request (rule 4a), and observation from after its answer (rule 4b). */
export function checkTimes(sent: Instant, received: Instant): void {
  if (received.monotonicMs >= sent.monotonicMs) return;
  throw new InternalError("an answer arrived before its request was sent, by the monotonic clock");
}

/** The row after an acquire that was done is the row that it asked for. */
export function checkAcquired(lease: Lease, request: AcquireRequest): Held {
  const {
    candidateId: holder,
    attemptId,
    basis,
    term,
    leaseDurationMs,
    renewIntervalMs,
    expiresAt,
    session,
  } = request;
  const revision = basis.founding ? 1 : basis.revision + 1;
  const asked = { holder, attemptId, term, revision, leaseDurationMs, renewIntervalMs, expiresAt, session };
  return checkRow<Held>("acquire", lease, { kind: "held", ...asked });
}

/** A renewal leaves the term as it was, and the revision is the one of this try, which is above all before it. */
export function checkRenewed(lease: Lease, request: RenewRequest): Held {
  const { candidateId: holder, term, revision, renewIntervalMs, expiresAt } = request;
  return checkRow<Held>("renewal", lease, {
    kind: "held",
    holder,
    term,
    revision,
    renewIntervalMs,
    expiresAt,
  });
}

/** A release leaves nobody in the lease, the term as it was, and the completed ticks as they were written. */
export function checkResigned(lease: Lease, { term, revision, reason, ticks }: ResignRequest): Vacant {
  const vacant = checkRow<Vacant>("release", lease, { kind: "vacant", term, revision, endReason: reason });
  if (ticks) checkTicks("release", vacant, ticks);
  return vacant;
}

/** A reset of ticks leaves the term as it was, and only the ticks that were asked for. */
export function checkTicksReset(lease: Lease, { seen, to }: TickResetRequest): Vacant {
  const pair = { term: seen.term, revision: seen.revision + 1 };
  const vacant = checkRow<Vacant>("reset of ticks", lease, { kind: "vacant", ...pair });
  checkTicks("reset of ticks", vacant, windowFrom(to));
  return vacant;
}

/** The row of a session that was opened is the one that was asked for. */
export function checkOpened(lease: Lease, request: OpenRequest): Held {
  const { candidateId: holder, attemptId, leaseDurationMs, renewIntervalMs, expiresAt } = request;
  const asked = { holder, attemptId, term: 1, revision: OPENING_REVISION };
  const times = { leaseDurationMs, renewIntervalMs, expiresAt };
  return checkRow<Held>("opening", lease, { kind: "held", ...asked, ...times });
}

/** A seal ends the session, on the pair that was seen. */
export function checkSealed(lease: Lease, { seen }: SealRequest): Vacant {
  const pair = { term: seen.term, revision: seen.revision + 1 };
  return checkRow<Vacant>("seal", lease, { kind: "vacant", ...pair, endReason: "expired" });
}

/** A tombstone is the one that was asked for, so that the wait for its leases begins with it. */
export function checkBuried(lease: Lease, { revision }: BuryRequest): Vacant {
  return checkRow<Vacant>("burial", lease, { kind: "vacant", revision, endReason: "deleted" });
}

/** A nudge leaves the holder where it is. */
export function checkNudged(lease: Lease, { name }: NudgeRequest): Held {
  return checkRow<Held>("nudge", lease, { kind: "held", nudged: name });
}

/** An acknowledgement is about the term that was evicted, and leaves nobody in the lease. */
export function checkAcknowledged(lease: Lease, { term }: AcknowledgeRequest): Vacant {
  const asked = { term: term + 1, isAcknowledged: true };
  return checkRow<Vacant>("acknowledgement", lease, { kind: "vacant", endReason: "evicted", ...asked });
}

function checkTicks(
  write: string,
  { ticks: read = NO_TICKS }: Vacant,
  { floor, completed }: TickWindow = NO_TICKS,
): void {
  const { floor: floorRead, completed: completedRead } = read;
  const isSame =
    completedRead.length === completed.length && completedRead.every((tick, i) => tick === completed[i]);
  if (floorRead !== floor || !isSame)
    throw new InternalError(`after a ${write} that was done, the row's ticks are not what was written`);
}

const NO_TICKS: TickWindow = { completed: [] };

/** What was written is what is read: every fact that others go by. Names of facts are told, and no values. */
function checkRow<L extends Lease>(write: string, lease: Lease, asked: Partial<L> & Pick<L, "kind">): L {
  const read: Readonly<Record<string, unknown>> = { ...lease };
  for (const [fact, value] of Object.entries(asked)) {
    if (read[fact] !== value)
      throw new InternalError(
        `after a ${write} that was done, \`${fact}\` of the row is not what was written`,
      );
  }
  return lease as L;
}
