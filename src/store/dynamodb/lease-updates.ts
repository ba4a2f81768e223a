import { EVICTION_STEP, MAX_REVISION_TO_EVICT } from "../../limits.js";
import type {
  AcquireRequest,
  EvictRequest,
  PauseRequest,
  PlaceholderRequest,
  RenewRequest,
  ResignRequest,
  StepDownRequest,
} from "../../protocol/verbs.js";
import { n, s } from "../attribute.js";
import {
  all,
  asSeen,
  mine,
  notPaused,
  notThere,
  pairAsSeen,
  revisionBelow,
  someHolder,
  termAsSeen,
} from "./conditions.js";
import { held, optional } from "./lease-codec.js";
import { keptVersion, ownVersion } from "./row-version.js";
import type { Update } from "./update-expression.js";

/** The condition and the changes of each verb on the lease row. Pure. */

export function placeholder({ revision, leaseDurationMs, renewIntervalMs }: PlaceholderRequest): Update {
  return {
    condition: notThere,
    set: {
      term: n(0),
      revision: n(revision),
      leaseDurationMs: n(leaseDurationMs),
      renewIntervalMs: n(renewIntervalMs),
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
};

/** On a placeholder there is nothing to remove, and only the history knows the last tick. */
export function foundation(request: AcquireRequest, lastTick: string | undefined): Update {
  return {
    condition: all(pairAsSeen(request.basis), notPaused),
    set: { ...held(request, 1), lastTick: optional(s, lastTick) },
    copy: keptVersion,
  };
}

export function renewal(request: RenewRequest): Update {
  return {
    condition: all(mine(request), revisionBelow(request.revision)),
    set: {
      revision: n(request.revision),
      renewIntervalMs: n(request.renewIntervalMs),
      expiresAt: optional(n, request.expiresAt),
      renewedAt: optional(n, request.at),
      value: optional(s, request.value),
      ...(request.line && { line: { L: request.line.map(s) } }),
      releaseInMs: optional(n, request.announcement?.inMs),
      releaseTo: optional(s, request.announcement?.to),
    },
  };
}

export function release(request: ResignRequest): Update {
  return {
    condition: mine(request),
    set: {
      holder: undefined,
      revision: n(request.revision),
      endReason: s(request.reason),
      endedAt: optional(n, request.at),
      reservedForCandidate: optional(s, request.reservation?.candidateId),
      reservedForGroup: optional(s, request.reservation?.group),
      reservedUntil: optional(n, request.reservation?.until),
      reservedForMs: optional(n, request.reservation?.forMs),
      ...(request.tick !== undefined && { lastTick: s(request.tick), lastTickTerm: n(request.term) }),
    },
  };
}

export function stepDownRequest(request: StepDownRequest): Update {
  return {
    condition: all(termAsSeen(request), someHolder),
    set: { stepDownBy: s(request.by), stepDownTo: optional(s, request.to) },
  };
}

export function pauseChange({ by, seen }: PauseRequest): Update {
  const { pauseRevision } = seen;
  const sameRow = seen.kind === "placeholder" ? pairAsSeen(seen) : termAsSeen(seen);
  return {
    condition: all(sameRow, asSeen("pauseRevision", optional(n, pauseRevision))),
    set: { pausedBy: optional(s, by), pauseRevision: n((pauseRevision ?? 0) + 1) },
  };
}

export function eviction(request: EvictRequest): Update {
  return {
    condition: all(termAsSeen(request), someHolder, revisionBelow(MAX_REVISION_TO_EVICT)),
    set: { holder: undefined, endReason: s("evicted"), endedAt: optional(n, request.at) },
    add: { term: n(1), revision: n(EVICTION_STEP) },
  };
}
