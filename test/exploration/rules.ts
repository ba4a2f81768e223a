import { type Instant, longestElapsedMs } from "../../src/clock.js";
import { trustLeftMs, trustMs } from "../../src/protocol/expiry.js";
import { acquireSucceeded, renewSucceeded, resignSucceeded } from "../../src/protocol/lost-answers.js";
import { observe, observeHistory } from "../../src/protocol/observation.js";
import { boundsOf, serviceClockOf } from "../../src/protocol/service-clock.js";
import { nextMove } from "../../src/protocol/takeover.js";
import {
  acquired,
  evicted,
  isFencePassed,
  placeholderCreated,
  renewed,
  resigned,
} from "../../src/protocol/transitions.js";

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
  evicted,
  isFencePassed,
  boundsOf,
  serviceClockOf,
  /** From campaign.ts and tenure.ts: trust counts from when the confirmed request left. */
  trustedFrom: (sent: Instant, _received: Instant): Instant => sent,
  /** From campaign.ts: what an answer shows counts as seen from when it had come. */
  seenFrom: (_sent: Instant, received: Instant): Instant => received,
};

export type Rules = typeof REAL_RULES;
