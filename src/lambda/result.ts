import type { RunOnceResult, TryLeadResult } from "../options.js";
import type { Leader } from "../protocol/leader.js";

/** The outcome of an invocation. */
export type LeaderResult<T> =
  /** The work ran here, and returned `result`. */
  | { readonly role: "leader"; readonly term: number; readonly result: T }
  /** The work did not run here. No `leader`: the lease is reserved for another group, or the election is paused. */
  | { readonly role: "follower"; readonly leader?: Leader }
  /** A run has completed this tick, or a later one, before. */
  | { readonly role: "done" };

export function follower(leader: Leader | undefined): LeaderResult<never> {
  return leader ? { role: "follower", leader } : { role: "follower" };
}

export function resultOf<T>(outcome: TryLeadResult<T> | RunOnceResult<T>): LeaderResult<T> {
  if (outcome.ran) return { role: "leader", term: outcome.term, result: outcome.result };
  return outcome.because === "done" || outcome.because === "superseded"
    ? { role: "done" }
    : follower(outcome.leader);
}
