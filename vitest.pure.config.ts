import { defineConfig } from "vitest/config";

/** The tests that need no table, for mutation testing: `npm run mutate`. */
export default defineConfig({
  test: {
    include: [
      "takeover",
      "row-rules",
      "sighting",
      "rhythm",
      "service-clock",
      "trust",
      "lead",
      "observe",
      "run-once",
      "simulation",
      "line",
      "turns",
      "succession",
      "handoffs",
      "end-reasons",
      "operator",
      "records",
    ].map((name) => `test/${name}.test.ts`),
    // Always the same few histories, or a mutant's fate would be a matter of luck.
    env: { SEEDS: "12", FIRST_SEED: "1" },
    testTimeout: 60_000,
  },
});
