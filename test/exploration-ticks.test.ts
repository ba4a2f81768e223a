import { expect, test } from "vitest";
import { isCompleted, lastTickOf, ticksInHistory, verdictOn } from "../src/protocol/ticks.js";
import { ticksReset } from "../src/protocol/transitions.js";
import { DEATHS, DELETED, RESET, SMALL, TICK_SEARCHES } from "./exploration/tick-bounds.js";
import type { TickBounds } from "./exploration/tick-state.js";
import { searchTicks, type TickRules } from "./exploration/ticks.js";

/** Every interleaving of calls, late and lost requests, resets and deletions, within small bounds (rule 10). */

test.each(TICK_SEARCHES)("%s: no tick completes twice, and what is said of each is true", (_name, bounds) => {
  const { broken, states } = searchTicks(bounds);
  expect(broken).toBeUndefined();
  expect(states).toBeGreaterThan(500);
});

test.each<[string, TickBounds, Partial<TickRules>, RegExp]>([
  [
    "done by the last tick",
    SMALL,
    {
      verdictOn: (tick, mode, window) =>
        lastTickOf(window) ? { kind: "done" } : verdictOn(tick, mode, window),
    },
    /is called done, and did not complete/,
  ],
  [
    "completed ticks that run again",
    SMALL,
    { verdictOn: () => ({ kind: "open" }), withTick: (_, tick) => ({ completed: [tick] }) },
    /has completed, and runs again/,
  ],
  [
    "a release that is taken for one's own by its tick alone",
    { ...SMALL, faults: 1 },
    {
      resignSucceeded: (lease, _, tick) =>
        isCompleted(lease?.kind === "placeholder" ? undefined : lease?.ticks, `${tick}`),
    },
    /reports 1 as run, but did not complete it/,
  ],
  [
    "a reset of a row that was not seen",
    RESET,
    {
      ticksReset: (row, request) =>
        ticksReset(row, {
          ...request,
          seen: { ...request.seen, term: row?.term ?? 0, revision: row?.revision ?? 0 },
        }),
    },
    /undoes what it has not seen/,
  ],
  [
    "a reset that is taken for one's own by its name and time",
    { ...SMALL, resets: ["1", "2"] },
    {
      ticksResetSucceeded: (lease, { by, at }) => {
        const reset = lease?.kind === "placeholder" ? undefined : lease?.tickReset;
        return reset?.by === by && reset.at === at;
      },
    },
    /is reported as done, and did not land/,
  ],
  [
    "a will that comes before the resignation under way",
    DEATHS,
    { willOf: () => "crash" },
    /and its last will loses that/,
  ],
  [
    "a history that ignores resets",
    DELETED,
    {
      ticksInHistory: (terms) => {
        const { tickResetTerm } = ticksInHistory(terms);
        const { lastTick } = ticksInHistory(
          terms.map(({ term, lastTick: tick }) => ({ term, lastTick: tick })),
        );
        return { lastTick, tickResetTerm };
      },
    },
    /is recorded, and did not complete/,
  ],
])("a fault in the rules is found: %s", (_fault, bounds, rules, message) => {
  expect(searchTicks(bounds, rules).broken?.at(-1)).toMatch(message);
});
