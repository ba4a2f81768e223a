import { defineConfig } from "vitest/config";

/** The tests that need no table, for mutation testing: `npm run mutate`. */
export default defineConfig({
  test: {
    include: [
      "protocol/takeover",
      "protocol/transitions",
      "protocol/observation",
      "protocol/poll-schedule",
      "protocol/service-clock",
      "leader/trust",
      "lead",
      "views/observe",
      "run-once",
      "simulation",
      "protocol/line",
      "candidate/turns",
      "candidate/succession",
      "leader/hand-overs",
      "leader/end-reasons",
      "operator",
      "views/history",
    ].map((name) => `test/${name}.test.ts`),
    // Always the same few histories, or a mutant's fate would be a matter of luck.
    env: { SEEDS: "12", FIRST_SEED: "1" },
    testTimeout: 60_000,
  },
});
