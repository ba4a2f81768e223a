import { type Instant, longestElapsedMs } from "../../src/clock.js";
import { trustLeftMs, trustMs } from "../../src/protocol/expiry.js";
import { isHeldIn, type Lease } from "../../src/protocol/lease.js";
import { acquireSucceeded, renewSucceeded, resignSucceeded } from "../../src/protocol/lost-answers.js";
import { observe, observeHistory } from "../../src/protocol/observation.js";
import { boundsOf, serviceClockOf } from "../../src/protocol/service-clock.js";
import { nextMove } from "../../src/protocol/takeover.js";
import {
  acquired,
  crashed,
  evicted,
  isFencePassed,
  placeholderCreated,
  renewed,
  resigned,
} from "../../src/protocol/transitions.js";
import type { Will } from "./state.js";

/** What is explored. Replaced one by one to prove that the exploration sees what breaks. */
export const REAL_RULES = {
  nextMove,
  observe,
  observeHistory,
  longestElapsedMs,
  trustLeftMs,
  trustMs,
  acquireSucceeded,
  renewSucceeded,
  resignSucceeded,
  placeholderCreated,
  acquired,
  renewed,
  resigned,
  crashed,
  evicted,
  isFencePassed,
  boundsOf,
  serviceClockOf,
  /** From campaign.ts and tenure.ts: trust counts from when the confirmed request left. */
  trustedFrom: (sent: Instant, _received: Instant): Instant => sent,
  /** From campaign.ts: what an answer shows counts as seen from when it had come. */
  seenFrom: (_sent: Instant, received: Instant): Instant => received,
  /** The will for the term that an acquire is to begin is handed over before the acquire leaves. */
  willsBeforeAcquire: (wills: readonly Will[], next: Will): readonly Will[] => [
    ...wills.filter(({ term }) => term !== next.term),
    next,
  ],
  /** What of them is left, by a row that cannot be stale. */
  willsAfter: (wills: readonly Will[], row: Lease | undefined, candidateId: string): readonly Will[] =>
    wills.flatMap((will) => {
      if (isHeldIn(row, { candidateId, term: will.term })) return { term: will.term, basis: undefined };
      return showsBasis(row, will) ? will : [];
    }),
  /** Whether a will that was refused can do nothing later either. */
  isRefusalFinal: (row: Lease | undefined, will: Will): boolean => !showsBasis(row, will),
  /** Whether wills are executed now. */
  isDead: ({ isGone }: { readonly isGone: boolean; readonly hasPipeEnded: boolean }): boolean => isGone,
};

/** Then the acquire may land later. */
function showsBasis(row: Lease | undefined, { basis }: Will): boolean {
  return basis !== undefined && row?.term === basis.term && row.revision === basis.revision;
}

export type Rules = typeof REAL_RULES;
