import type { Instant } from "../clock.js";
import type { Held, Lease } from "../protocol/lease.js";
import type { Written } from "../protocol/verbs.js";
import type { Timed } from "../timed-request.js";

/** The outcome of a write. The row decides, not the refusal, because an answer can be lost (rule 3). */
export type WriteResult<L extends Lease> = WriteTimes &
  (
    | { readonly succeeded: true; readonly lease: L }
    /** The row as it stands. Undefined: there is none. */
    | { readonly succeeded: false; readonly lease: Lease | undefined }
  );

interface WriteTimes {
  /** Read before the request left. */
  readonly sent: Instant;
  readonly received: Instant;
  readonly contradicts: boolean;
}

/**
 * Rule 4c. Whether the end of an acquired row may be too early for others: both local clocks may have stood still since the last
 * header. The row is ours, but it is not used.
 */
export function isDoubted({
  contradicts,
  lease,
}: {
  readonly contradicts: boolean;
  readonly lease: Held;
}): boolean {
  return contradicts && lease.expiresAt !== undefined;
}

/** The answer to a write that landed. The check throws an `InternalError` if the row is not as it was written (rule 8g). */
export function checked<R, L extends Lease>(
  answer: Written,
  check: (lease: Lease, request: R) => L,
  request: R,
): Written<L> {
  return answer.done ? { ...answer, lease: check(answer.lease, request) } : answer;
}

export function resultOf<L extends Lease>(
  { answer, ...times }: Timed<Written<L>>,
  succeededBy: (lease: Lease | undefined) => lease is L,
): WriteResult<L> {
  const { done, lease } = answer;
  return done || succeededBy(lease)
    ? { succeeded: true, lease: lease as L, ...times }
    : { succeeded: false, lease, ...times };
}
