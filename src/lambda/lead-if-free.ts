import type { Election } from "../election.js";
import type { Leadership } from "../leadership.js";
import { follower, type LeaderResult } from "./result.js";

/** One try: without a tick there is nothing to complete, so nothing to stand by for. */
export async function leadIfFree<T>(
  election: Election,
  work: (leadership: Leadership, signal: AbortSignal) => T | Promise<T>,
  outOfTime: AbortSignal,
  holdForMs: number | undefined,
): Promise<LeaderResult<T>> {
  const leadership = await election.attempt({ signal: outOfTime });
  if (!leadership) return follower(await election.leader());
  // Who heeds the leadership's own signal is told too, a renewal later.
  outOfTime.addEventListener("abort", () => leadership.stepDown(), { once: true });
  let completed = false;
  try {
    const value = await work(leadership, AbortSignal.any([leadership.signal, outOfTime]));
    completed = true;
    return { role: "leader", term: leadership.term, value };
  } finally {
    await leadership.resign(completed ? { holdForMs } : {});
  }
}
