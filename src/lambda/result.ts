import type { RunOnceResult } from "../options.js";
import type { Leader } from "../protocol/leader.js";

/** What became of an invocation. */
export type LeaderResult<T> =
  | { readonly role: "leader"; readonly term: number; readonly result: T }
  /** Not run here. `leader` is absent if nobody is known to lead: the lease is kept for another group, or paused. */
  | { readonly role: "follower"; readonly leader?: Leader }
  /** Not run here, although nobody leads: `healthy` did not say yes. */
  | { readonly role: "unhealthy" }
  /** This tick, or a later one, was completed before. */
  | { readonly role: "done" };

export function follower(leader: Leader | undefined): LeaderResult<never> {
  return leader ? { role: "follower", leader } : { role: "follower" };
}

export function resultOf<T>(outcome: RunOnceResult<T>): LeaderResult<T> {
  if (outcome.ran) return { role: "leader", term: outcome.term, result: outcome.result };
  return outcome.because === "held" ? follower(outcome.leader) : { role: outcome.because };
}
