import type { EndReason } from "../errors.js";
import type { Lease } from "./lease.js";
import type { TermRecord } from "./verbs.js";

/** Typed, so that no reason is forgotten. */
const REASONS: Record<EndReason, 0> = {
  resigned: 0,
  "stepped-down": 0,
  "handed-off": 0,
  preempted: 0,
  rotated: 0,
  paused: 0,
  unhealthy: 0,
  crashed: 0,
  expired: 0,
  superseded: 0,
  evicted: 0,
  deleted: 0,
  "internal-error": 0,
  "session-lost": 0,
  unknown: 0,
};

/**
 * A reason as a row tells it. A newer version of this library may write a reason that this one does not know:
 * then it reads as `unknown`, and the row as a whole still counts.
 */
export function endReasonOf(text: string | undefined): EndReason | undefined {
  if (text === undefined) return undefined;
  return Object.hasOwn(REASONS, text) ? (text as EndReason) : "unknown";
}

/**
 * How a term ended that is not the latest one. The row of the next term says it, and then the history. Undefined: nobody
 * has recorded it yet.
 */
export function pastEndReason(
  { term, endReason }: Pick<TermRecord, "term" | "endReason">,
  lease: Lease | undefined,
): EndReason | undefined {
  if (endReason !== undefined) return endReason;
  if (lease === undefined || lease.kind === "placeholder") return "expired";
  if (lease.previousTerm === term && lease.previousEndReason !== undefined) return lease.previousEndReason;
  // If its successor leads now, it may be writing the reason at this moment.
  const isBeingWritten = lease.kind === "held" && lease.term === term + 1;
  return isBeingWritten ? undefined : "expired";
}
