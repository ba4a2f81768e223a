import { leaderHandler } from "incumbent/lambda";

// Deployed by `ScheduledLeader`: at most one run completes per scheduled time, in however many Regions it is deployed.
export const handler = leaderHandler(async (leadership, { tick, signal }) => {
  signal.throwIfAborted();
  // Before a step that must not be late: at least two seconds of trust, by the clocks as they are now.
  leadership.throwIfLost(2_000);
  return `report for ${tick}, term ${leadership.term}`;
});
