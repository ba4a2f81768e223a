import { leaderHandler } from "incumbent/lambda";

// `ScheduledLeader` deploys this function. At most one run completes per scheduled time, in all Regions together.
export const handler = leaderHandler(async (leadership, { tick, signal }) => {
  signal.throwIfAborted();
  // Call this before a step that must not be late. It throws unless two seconds of trust are left.
  leadership.throwIfLost(2_000);
  return `report for ${tick}, term ${leadership.term}`;
});
