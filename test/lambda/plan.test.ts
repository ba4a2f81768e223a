import fc from "fast-check";
import { expect, test } from "vitest";
import { fits, planFor } from "../../src/lambda/plan.js";
import { resolveOptions } from "../../src/resolve-options.js";

const none = { leaseDurationMs: undefined, drainMs: undefined };

test("whatever time is left: the lease is no longer than that, and all of the plan fits into it", () => {
  const remaining = fc.integer({ min: 1_000, max: 900_000 });
  const lease = fc.option(fc.integer({ min: 300, max: 86_400_000 }), { nil: undefined });
  fc.assert(
    fc.property(remaining, lease, (remainingMs, leaseDurationMs) => {
      const plan = planFor(remainingMs, { leaseDurationMs, drainMs: undefined });
      expect(plan.leaseDurationMs).toBeLessThanOrEqual(remainingMs);
      expect(plan.stopTimeoutMs).toBeLessThan(plan.drainMs);
      expect(plan.drainMs).toBeLessThan(remainingMs);
      // Who takes over at the last moment of standing by has a whole lease before it must stop.
      expect(plan.standByMs + plan.leaseDurationMs + plan.drainMs).toBeLessThanOrEqual(remainingMs);
      expect(fits(plan, remainingMs)).toBe(true);
      const { leaseDurationMs: durationMs, stopTimeoutMs } = plan;
      resolveOptions({ name: "x", leaseDurationMs: durationMs, stopTimeoutMs }, () => "x");
    }),
  );
});

test.each([
  [60_000, { leaseDurationMs: 15_000, drainMs: 5_000, stopTimeoutMs: 3_000, standByMs: 40_000 }],
  [15_000, { leaseDurationMs: 5_000, drainMs: 3_000, stopTimeoutMs: 1_750, standByMs: 7_000 }],
  [3_000, { leaseDurationMs: 3_000, drainMs: 600, stopTimeoutMs: 300, standByMs: -600 }],
])("of %d ms", (remainingMs, plan) => {
  expect(planFor(remainingMs, none)).toEqual(plan);
});

test("cold and warm starts of one function make the same plan", () => {
  expect(planFor(59_998.7, none)).toEqual(planFor(59_912, none));
});

test("a plan is kept only while it fits", () => {
  const plan = planFor(60_000, none);
  expect(fits(plan, 59_000)).toBe(true);
  expect(fits(plan, 14_999)).toBe(false);
  expect(fits(planFor(6_000, { leaseDurationMs: 300, drainMs: 5_000 }), 5_400)).toBe(false);
});

test.each([
  [400, none],
  [5_000, { leaseDurationMs: undefined, drainMs: 5_000 }],
  [-5, none],
])("%d ms leave no time for work: refused", (remainingMs, wanted) => {
  expect(() => planFor(remainingMs, wanted)).toThrow(
    /^timeout: must leave at least 500 ms of the function's time for work/,
  );
});
