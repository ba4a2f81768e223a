import type { RunOnceResult, TryLeadResult } from "../options.js";
import type { Leader } from "../protocol/leader.js";

/** The outcome of an invocation. */
export type LeaderResult<T> =
  /** The work ran here, and returned `result`. */
  | { readonly role: "leader"; readonly term: number; readonly result: T }
  /**
   * The work did not run here. No `leader`: the lease is reserved for another group, the election is paused, or its last
   * leader has just ended. With `once: "tick"` nobody has completed the tick, so the invocation fails unless `onMissedTick`
   * is `"return"`.
   */
  | { readonly role: "follower"; readonly leader?: Leader }
  /** A run has completed this tick before. */
  | { readonly role: "done" }
  /**
   * A later tick has completed, so this one does not run any more. `completed`: whether this one has. `lastTick`: the
   * highest that has. The invocation fails unless `onMissedTick` is `"return"`.
   */
  | {
      readonly role: "superseded";
      readonly completed: "no" | "unknown";
      readonly lastTick: string | undefined;
    };

export function follower(leader: Leader | undefined): LeaderResult<never> {
  return leader ? { role: "follower", leader } : { role: "follower" };
}

export function resultOf<T>(outcome: TryLeadResult<T> | RunOnceResult<T>): LeaderResult<T> {
  if (outcome.ran) return { role: "leader", term: outcome.term, result: outcome.result };
  if (outcome.because === "done") return { role: "done" };
  if (outcome.because !== "superseded") return follower(outcome.leader);
  const { completed, lastTick } = outcome;
  return { role: "superseded", completed, lastTick };
}
