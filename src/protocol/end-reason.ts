import type { EndReason } from "../errors.js";

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
