import type { Election, RunOnceOptions } from "../election.js";
import type { Leadership } from "../leadership.js";
import { follower, type LeaderResult } from "./result.js";

/** At most one run completes per tick. */
export async function runTick<T>(
  election: Election,
  tick: string,
  work: (leadership: Leadership) => T | Promise<T>,
  options: RunOnceOptions,
): Promise<LeaderResult<T>> {
  const outcome = await election.runOnce(tick, work, options);
  if (outcome.ran) return { role: "leader", term: outcome.term, value: outcome.value };
  return outcome.because === "done" ? { role: "done" } : follower(outcome.leader);
}
