import { EVICTION_STEP, MAX_REVISION_TO_EVICT } from "../limits.js";
import { kept } from "./forgotten.js";
import { endedTerm, type Held, isHeldIn, type Lease, type OwnTerm, type Vacant } from "./lease.js";
import { OPENING_REVISION } from "./sessions.js";
import { type TickReset, windowFrom } from "./ticks.js";
import type {
  AcknowledgeRequest,
  AcquireRequest,
  AwaitRequest,
  BuryRequest,
  CommitRequest,
  CrashRequest,
  EvictRequest,
  NudgeRequest,
  OpenRequest,
  PauseRequest,
  PlaceholderRequest,
  RenewRequest,
  ResignRequest,
  SealRequest,
  StepDownRequest,
  TickResetRequest,
} from "./verbs.js";

/**
 * Rule 2. The lease row after each verb, or undefined if the verb is refused. Pure: the given row is not
 * changed. The memory table and the exploration use these rules. DynamoDB uses the same ones, written as
 * conditional expressions, and one conformance suite holds the two together.
 */

export function placeholderCreated(row: Lease | undefined, request: PlaceholderRequest): Lease | undefined {
  const { revision, leaseDurationMs, renewIntervalMs } = request;
  if (row !== undefined) return undefined;
  return { kind: "placeholder", term: 0, revision, leaseDurationMs, renewIntervalMs };
}

/** The store also checks history, which must refuse a term that was used before (rule 2c). */
export function acquired(row: Lease | undefined, request: AcquireRequest): Held | undefined {
  const {
    basis,
    term,
    candidateId,
    attemptId,
    leaseDurationMs,
    renewIntervalMs,
    value,
    expiresAt,
    at,
    atErrorMs,
    session,
  } = request;
  if (row?.term !== basis.term || row.revision !== basis.revision) return undefined;
  if (row.pausedBy !== undefined) return undefined;
  const { founding } = basis;
  const before = row.kind === "placeholder" ? undefined : row;
  return {
    kind: "held",
    term,
    revision: founding ? 1 : basis.revision + 1,
    holder: candidateId,
    session,
    attemptId,
    leaseDurationMs,
    renewIntervalMs,
    value,
    expiresAt,
    electedAt: at,
    renewedAt: at,
    electedErrorMs: atErrorMs,
    renewedErrorMs: atErrorMs,
    line: before?.line,
    pauseRevision: row.pauseRevision,
    ticks: founding ? windowFrom(founding.lastTick) : before?.ticks,
    tickTerm: before?.tickTerm,
    tickReset: founding ? resetIn(founding.tickResetTerm) : before?.tickReset,
    previousTerm: basis.previousTerm,
    previousEndReason: basis.previousEndReason,
    lastCommit: before?.lastCommit,
    commitBefore: before?.commitBefore,
  };
}

export function renewed(row: Lease | undefined, request: RenewRequest): Held | undefined {
  const { revision, renewIntervalMs, value, expiresAt, at, atErrorMs, line, announcement, ttl } = request;
  if (!isHeldIn(row, request) || row.revision >= revision) return undefined;
  if (request.isStandIn && putsBack(row.expiresAt, expiresAt)) return undefined;
  return {
    ...row,
    revision,
    renewIntervalMs,
    value,
    expiresAt,
    renewedAt: at,
    renewedErrorMs: atErrorMs,
    ...(line && { line }),
    announcement,
    ...(ttl !== undefined && { ttl }),
  };
}

/** A row without an end says that its holder doubts the table's time. A write that has one must not replace it. */
function putsBack(before: number | undefined, after: number | undefined): boolean {
  return after !== undefined && (before === undefined || before > after);
}

export function resigned(row: Lease | undefined, request: ResignRequest): Vacant | undefined {
  const { term, revision, reason, at, atErrorMs, ticks, reservation, ttl } = request;
  if (!isHeldIn(row, request)) return undefined;
  // A pause that came meanwhile must not be forgotten.
  if (ttl !== undefined && row.pausedBy !== undefined) return undefined;
  return {
    ...vacated(row),
    revision,
    endReason: reason,
    endedAt: at,
    endedErrorMs: atErrorMs,
    reservation,
    ...(ticks && { ticks, tickTerm: term }),
    ...(ttl !== undefined && { ttl }),
  };
}

/**
 * Rule 2n. `revision` grows, so that what the dead holder had sent under this pair is refused, and by one, so that the
 * pair never goes back.
 */
export function crashed(row: Lease | undefined, request: CrashRequest): Vacant | undefined {
  return isHeldIn(row, request)
    ? { ...vacated(row), revision: row.revision + 1, endReason: "crashed" }
    : undefined;
}

/** The attributes that stay on the row after its holder. */
function vacated({ holder, session, stepDown, announcement, isAwaited, ...row }: Held): Vacant {
  return { ...row, kind: "vacant" };
}

export function awaited(row: Lease | undefined, { term }: AwaitRequest): Held | undefined {
  return row?.kind === "held" && row.term === term ? { ...row, isAwaited: true } : undefined;
}

export function askedToStepDown(row: Lease | undefined, { term, by, to }: StepDownRequest): Held | undefined {
  return row?.kind === "held" && row.term === term ? { ...row, stepDown: { by, to } } : undefined;
}

export function paused(row: Lease | undefined, { by, seen }: PauseRequest): Lease | undefined {
  const { pauseRevision = 0 } = seen;
  if (row?.term !== seen.term || (row.pauseRevision ?? 0) !== pauseRevision) return undefined;
  // Terms do not repeat. Placeholders do, but each has a revision of its own that nobody changes.
  if (row.kind === "placeholder" && row.revision !== seen.revision) return undefined;
  return { ...kept(row), pausedBy: by, pauseRevision: pauseRevision + 1 };
}

/** Rule 10d. The new pair keeps out acquires that saw the old ticks, and late copies of the reset. */
export function ticksReset(row: Lease | undefined, request: TickResetRequest): Vacant | undefined {
  const { seen, by, at, id, to } = request;
  if (row?.kind !== "vacant" || row.term !== seen.term || row.revision !== seen.revision) return undefined;
  const tickReset = { term: endedTerm(row), by, at, id };
  return { ...kept(row), revision: row.revision + 1, ticks: windowFrom(to), tickReset };
}

function resetIn(term: number | undefined): TickReset | undefined {
  return term === undefined ? undefined : { term };
}

export function evicted(row: Lease | undefined, { term, at, atErrorMs }: EvictRequest): Vacant | undefined {
  if (row?.kind !== "held" || row.term !== term) return undefined;
  if (row.revision >= MAX_REVISION_TO_EVICT) return undefined;
  return {
    ...vacated(row),
    term: term + 1,
    revision: row.revision + EVICTION_STEP,
    endReason: "evicted",
    endedAt: at,
    endedErrorMs: atErrorMs,
  };
}

/** Rule 14a. */
export function sessionOpened(row: Lease | undefined, request: OpenRequest): Held | undefined {
  const { candidateId, attemptId, leaseDurationMs, renewIntervalMs, expiresAt, at, atErrorMs, ttl } = request;
  if (row !== undefined) return undefined;
  return {
    kind: "held",
    term: 1,
    revision: OPENING_REVISION,
    holder: candidateId,
    attemptId,
    leaseDurationMs,
    renewIntervalMs,
    expiresAt,
    electedAt: at,
    renewedAt: at,
    electedErrorMs: atErrorMs,
    renewedErrorMs: atErrorMs,
    ttl,
  };
}

/** Rule 14d. The pair pins the heartbeat that was seen last. The new one tells when the seal was first seen. */
export function sessionSealed(row: Lease | undefined, request: SealRequest): Vacant | undefined {
  const { seen, at, atErrorMs, ttl } = request;
  if (row?.kind !== "held" || row.term !== seen.term || row.revision !== seen.revision) return undefined;
  return {
    ...vacated(row),
    revision: row.revision + 1,
    endReason: "expired",
    endedAt: at,
    endedErrorMs: atErrorMs,
    ...(ttl !== undefined && { ttl }),
  };
}

/** Rule 14e. */
export function sessionBuried(row: Lease | undefined, request: BuryRequest): Vacant | undefined {
  const { revision, leaseDurationMs, renewIntervalMs, ttl } = request;
  if (row !== undefined) return undefined;
  return { kind: "vacant", term: 1, revision, leaseDurationMs, renewIntervalMs, endReason: "deleted", ttl };
}

/** Rule 14h. The pair stays, so that the session lives no longer because of it. */
export function sessionNudged(row: Lease | undefined, { name }: NudgeRequest): Held | undefined {
  return row?.kind === "held" ? { ...row, nudges: (row.nudges ?? 0) + 1, nudged: name } : undefined;
}

/** Rule 14h. It names the evicted term, so it cannot be about another one. */
export function evictionAcknowledged(
  row: Lease | undefined,
  { term }: AcknowledgeRequest,
): Vacant | undefined {
  if (row?.kind !== "vacant" || row.endReason !== "evicted" || row.term !== term + 1) return undefined;
  return { ...row, isAcknowledged: true };
}

/**
 * Rule 9a. A transaction passes only as the next of its term. Whatever lands as number *n* keeps out every
 * other try of *n*, however old, and every copy of it.
 */
export function committed(row: Lease | undefined, request: CommitRequest): Held | undefined {
  const { term, commit } = request;
  if (!isFencePassed(row, request)) return undefined;
  const { lastCommit, commitBefore } = row;
  const isFirst = lastCommit?.term !== term;
  if ((isFirst ? 0 : lastCommit.number) !== commit.number - 1) return undefined;
  return { ...row, lastCommit: { term, ...commit }, commitBefore: isFirst ? lastCommit : commitBefore };
}

/** Whether a fenced write of this holder's term may pass. */
export function isFencePassed(row: Lease | undefined, writer: OwnTerm): row is Held {
  return isHeldIn(row, writer);
}
