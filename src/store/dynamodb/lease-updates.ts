import { EVICTION_STEP, MAX_REVISION_TO_EVICT } from "../../limits.js";
import { endedTerm } from "../../protocol/lease.js";
import { type TickHistory, windowFrom } from "../../protocol/ticks.js";
import type {
  AcquireRequest,
  AwaitRequest,
  CrashRequest,
  EvictRequest,
  PauseRequest,
  PlaceholderRequest,
  RenewRequest,
  ResignRequest,
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
} from "./conditions.js";
import { held, ofTicks } from "./lease-codec.js";
import { keptVersion, ownVersion } from "./row-version.js";
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
    set: { ...held(request, basis.revision + 1), ...CLEARED },
    copy: keptVersion,
  };
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
  ttl: undefined,
};

/** On a placeholder there is nothing to remove, and only the history knows of ticks. */
export function foundation(request: AcquireRequest, { lastTick, tickResetTerm }: TickHistory): Update {
  return {
    condition: all(pairAsSeen(request.basis), notPaused),
    set: { ...held(request, 1), ...ofTicks(windowFrom(lastTick)), tickResetTerm },
    copy: keptVersion,
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
    },
  };
}

export function release(request: ResignRequest): Update {
  return {
    // A pause that came meanwhile must not be forgotten.
    condition: all(mine(request), ...(request.ttl === undefined ? [] : [notPaused])),
    set: {
      holder: undefined,
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
    set: { holder: undefined, endReason: "crashed" },
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
    set: { holder: undefined, endReason: "evicted", endedAt: request.at, endedErrorMs: request.atErrorMs },
    add: { term: 1, revision: EVICTION_STEP },
  };
}
