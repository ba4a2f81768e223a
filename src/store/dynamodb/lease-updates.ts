import { EVICTION_STEP, MAX_REVISION_TO_EVICT } from "../../limits.js";
import { endedTerm } from "../../protocol/lease.js";
import { OPENING_REVISION } from "../../protocol/sessions.js";
import { type TickHistory, windowFrom } from "../../protocol/ticks.js";
import type {
  AcknowledgeRequest,
  AcquireRequest,
  AwaitRequest,
  BuryRequest,
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
} from "../../protocol/verbs.js";
import {
  all,
  asSeen,
  expiresBy,
  mine,
  noHolder,
  notPaused,
  notThere,
  pairAsSeen,
  revisionBelow,
  someHolder,
  termAsSeen,
  wasEvicted,
} from "./conditions.js";
import type { Facts } from "./facts.js";
import { held, ofTicks } from "./lease-codec.js";
import { keptVersion, ownVersion, sessionVersion } from "./row-version.js";
import type { Update } from "./update-expression.js";

/** The condition and the changes of each verb on the lease row. Pure. */

export function placeholder({ revision, leaseDurationMs, renewIntervalMs }: PlaceholderRequest): Update {
  return {
    condition: notThere,
    set: {
      term: 0,
      revision,
      leaseDurationMs,
      renewIntervalMs,
      ...ownVersion,
    },
  };
}

export function acquisition(request: AcquireRequest): Update {
  const { basis } = request;
  return {
    condition: all(pairAsSeen(basis), notPaused),
    ...inVersion(request, { ...held(request, basis.revision + 1), ...CLEARED }),
  };
}

/** Rule 14b. A client that does not know sessions must not take the lease of one that lives. */
function inVersion({ session }: AcquireRequest, set: Facts): Pick<Update, "set" | "copy"> {
  return session === undefined ? { set, copy: keptVersion } : { set: { ...set, ...sessionVersion } };
}

/** The attributes of the tenure before, and of requests to its holder. */
const CLEARED = {
  stepDownBy: undefined,
  stepDownTo: undefined,
  releaseInMs: undefined,
  releaseTo: undefined,
  reservedForCandidate: undefined,
  reservedForGroup: undefined,
  reservedUntil: undefined,
  reservedForMs: undefined,
  endReason: undefined,
  endedAt: undefined,
  endedErrorMs: undefined,
  acknowledgedTerm: undefined,
  ttl: undefined,
};

/** On a placeholder there is nothing to remove, and only the history knows of ticks. */
export function foundation(request: AcquireRequest, { lastTick, tickResetTerm }: TickHistory): Update {
  return {
    condition: all(pairAsSeen(request.basis), notPaused),
    ...inVersion(request, { ...held(request, 1), ...ofTicks(windowFrom(lastTick)), tickResetTerm }),
  };
}

export function renewal(request: RenewRequest): Update {
  return {
    condition: all(
      mine(request),
      revisionBelow(request.revision),
      ...(request.isStandIn && request.expiresAt !== undefined ? [expiresBy(request.expiresAt)] : []),
    ),
    set: {
      revision: request.revision,
      renewIntervalMs: request.renewIntervalMs,
      expiresAt: request.expiresAt,
      renewedAt: request.at,
      renewedErrorMs: request.atErrorMs,
      value: request.value,
      ...(request.line && { line: request.line }),
      releaseInMs: request.announcement?.inMs,
      releaseTo: request.announcement?.to,
      ...(request.ttl !== undefined && { ttl: request.ttl }),
    },
  };
}

/** Whoever ends a tenure ends what its row says of a session. */
const NO_HOLDER = { holder: undefined, session: undefined };

export function release(request: ResignRequest): Update {
  return {
    // A pause that came meanwhile must not be forgotten.
    condition: all(mine(request), ...(request.ttl === undefined ? [] : [notPaused])),
    set: {
      ...NO_HOLDER,
      revision: request.revision,
      endReason: request.reason,
      endedAt: request.at,
      endedErrorMs: request.atErrorMs,
      reservedForCandidate: request.reservation?.candidateId,
      reservedForGroup: request.reservation?.group,
      reservedUntil: request.reservation?.until,
      reservedForMs: request.reservation?.forMs,
      ...(request.ticks && { ...ofTicks(request.ticks), tickTerm: request.term }),
      ...(request.ttl !== undefined && { ttl: request.ttl }),
    },
  };
}

/** No time: nobody knows yet when it will be sent. */
export function lastWill(request: CrashRequest): Update {
  return {
    condition: mine(request),
    set: { ...NO_HOLDER, endReason: "crashed" },
    add: { revision: 1 },
  };
}

/** The attribute names the term, because an older client does not clear it (rule 1h). */
export function awaiting(request: AwaitRequest): Update {
  return { condition: all(termAsSeen(request), someHolder), set: { awaitedTerm: request.term } };
}

export function stepDownRequest(request: StepDownRequest): Update {
  return {
    condition: all(termAsSeen(request), someHolder),
    set: { stepDownBy: request.by, stepDownTo: request.to },
  };
}

export function pauseChange({ by, seen }: PauseRequest): Update {
  const { pauseRevision } = seen;
  const sameRow = seen.kind === "placeholder" ? pairAsSeen(seen) : termAsSeen(seen);
  return {
    condition: all(sameRow, asSeen("pauseRevision", pauseRevision)),
    set: { pausedBy: by, pauseRevision: (pauseRevision ?? 0) + 1, ttl: undefined },
  };
}

export function tickReset({ seen, by, at, id, to }: TickResetRequest): Update {
  return {
    condition: all(pairAsSeen(seen), noHolder),
    set: {
      revision: seen.revision + 1,
      ...ofTicks(windowFrom(to)),
      tickResetTerm: endedTerm(seen),
      tickResetBy: by,
      tickResetAt: at,
      tickResetId: id,
      ttl: undefined,
    },
  };
}

export function eviction(request: EvictRequest): Update {
  return {
    condition: all(termAsSeen(request), someHolder, revisionBelow(MAX_REVISION_TO_EVICT)),
    set: { ...NO_HOLDER, endReason: "evicted", endedAt: request.at, endedErrorMs: request.atErrorMs },
    add: { term: 1, revision: EVICTION_STEP },
  };
}

export function opening(request: OpenRequest): Update {
  return {
    condition: notThere,
    set: {
      holder: request.candidateId,
      term: 1,
      revision: OPENING_REVISION,
      attemptId: request.attemptId,
      leaseDurationMs: request.leaseDurationMs,
      renewIntervalMs: request.renewIntervalMs,
      expiresAt: request.expiresAt,
      electedAt: request.at,
      electedErrorMs: request.atErrorMs,
      renewedAt: request.at,
      renewedErrorMs: request.atErrorMs,
      ttl: request.ttl,
      ...ownVersion,
    },
  };
}

export function seal({ seen, at, atErrorMs, ttl }: SealRequest): Update {
  return {
    condition: all(pairAsSeen(seen), someHolder),
    set: {
      ...NO_HOLDER,
      revision: seen.revision + 1,
      endReason: "expired",
      endedAt: at,
      endedErrorMs: atErrorMs,
      ...(ttl !== undefined && { ttl }),
    },
  };
}

export function burial({ revision, leaseDurationMs, renewIntervalMs, ttl }: BuryRequest): Update {
  return {
    condition: notThere,
    set: { term: 1, revision, leaseDurationMs, renewIntervalMs, endReason: "deleted", ttl, ...ownVersion },
  };
}

export function nudge({ name }: NudgeRequest): Update {
  return { condition: someHolder, set: { nudged: name }, add: { nudges: 1 } };
}

export function acknowledgement({ term }: AcknowledgeRequest): Update {
  return {
    condition: all(termAsSeen({ term: term + 1 }), noHolder, wasEvicted),
    set: { acknowledgedTerm: term },
  };
}
