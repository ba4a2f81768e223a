import fc from "fast-check";
import { expect, test } from "vitest";
import type { Instant } from "../src/clock.js";
import { estimateMs, MAX_DRIFT, type ServiceClock, serviceClockOf } from "../src/service-clock.js";

/** A host whose two clocks run, jump and stand still against true time, within what the protocol allows. */
const step = fc.record({
  passMs: fc.integer({ min: 1, max: 20_000 }),
  frozenMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60_000 })),
  wallStepMs: fc.oneof(fc.constant(0), fc.integer({ min: -7_200_000, max: 7_200_000 })),
  requestMs: fc.integer({ min: 0, max: 500 }),
  answerMs: fc.integer({ min: 0, max: 500 }),
  serverErrorMs: fc.integer({ min: -500, max: 500 }),
});

test("service time always lies within the bounds, through freezes, wall clock steps, drift and disagreeing servers", () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 20 }),
      fc.double({ min: 1 - MAX_DRIFT, max: 1 + MAX_DRIFT, noNaN: true }),
      (steps, rate) => {
        let trueMs = 1_767_225_600_000;
        let monotonicMs = 0;
        let wallMs = trueMs - 3_000;
        const pass = (ms: number) => {
          trueMs += ms;
          monotonicMs += ms * rate;
          wallMs += ms * rate;
        };
        const now = (): Instant => ({ monotonicMs, wallMs });
        let clock: ServiceClock | undefined;
        for (const { passMs, frozenMs, wallStepMs, requestMs, answerMs, serverErrorMs } of steps) {
          pass(passMs);
          // A machine frozen and stepped back at once would blind both clocks: outside what is promised.
          if (frozenMs > 0) {
            trueMs += frozenMs;
            wallMs += frozenMs;
          } else {
            wallMs += wallStepMs;
          }
          const sent = now();
          pass(requestMs);
          const dateMs = Math.floor((trueMs + serverErrorMs) / 1_000) * 1_000;
          pass(answerMs);
          const received = now();
          const told = serviceClockOf(dateMs, sent, received, 1_000);
          clock = clock ? clock.narrow(told, received) : told;
          expect(clock).toBeDefined();
          for (const later of [0, 1, 2_345, 30_000]) {
            pass(later);
            expect(clock?.earliestMs(now())).toBeLessThanOrEqual(trueMs + 1e-3);
            expect(clock?.latestMs(now())).toBeGreaterThanOrEqual(trueMs - 1e-3);
          }
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

test("contradicting answers give no bounds at all", () => {
  const now = { monotonicMs: 0, wallMs: 0 };
  const one = serviceClockOf(1_000_000, now, now, 1_000);
  const other = serviceClockOf(1_005_000, now, now, 1_000);
  expect(one.narrow(other, now)).toBeUndefined();
});

test("many answers narrow the bounds to less than a header's second", () => {
  let clock: ServiceClock | undefined;
  for (let ms = 0; ms < 10_000; ms += 130) {
    const at = { monotonicMs: ms, wallMs: ms };
    const told = serviceClockOf(Math.floor(ms / 1_000) * 1_000, at, at, 0);
    clock = clock ? clock.narrow(told, at) : told;
  }
  const at = { monotonicMs: 10_000, wallMs: 10_000 };
  expect((clock?.latestMs(at) ?? 0) - (clock?.earliestMs(at) ?? 0)).toBeLessThan(300);
});

test("surelyPastInMs is the wait after which a moment has surely passed, and no shorter one is", () => {
  fc.assert(
    fc.property(fc.integer({ min: 10, max: 100_000 }), (aheadMs) => {
      const at = { monotonicMs: 0, wallMs: 0 };
      const clock = serviceClockOf(1_000_000, at, at, 0);
      const waitMs = clock.surelyPastInMs(1_000_000 + aheadMs, at);
      const then = { monotonicMs: waitMs, wallMs: waitMs };
      expect(clock.earliestMs(then)).toBeGreaterThan(1_000_000 + aheadMs);
      expect(clock.earliestMs({ monotonicMs: waitMs - 3, wallMs: waitMs - 3 })).toBeLessThan(
        1_000_000 + aheadMs,
      );
    }),
  );
});

test("a slow answer widens the upper bound by its whole round trip, and by drift", () => {
  const sent = { monotonicMs: 0, wallMs: 0 };
  const received = { monotonicMs: 1_000, wallMs: 1_000 };
  const clock = serviceClockOf(5_000, sent, received, 0);
  expect(clock.earliestMs(received)).toBe(5_000);
  expect(clock.latestMs(received)).toBeCloseTo(5_000 + 1_000 + 1_002, 6);
  expect(estimateMs(clock, received)).toBe(6_001);
});

test("surelyPastInMs tells for how long a moment has passed, too", () => {
  const at = { monotonicMs: 0, wallMs: 0 };
  const clock = serviceClockOf(5_000, at, at, 0);
  expect(clock.surelyPastInMs(4_500, at)).toBe(-500);
  expect(clock.surelyPastInMs(5_000, at)).toBeGreaterThan(0);
});

test("bounds that meet in one moment agree; a millisecond apart they contradict each other", () => {
  const at = { monotonicMs: 0, wallMs: 0 };
  const clock = serviceClockOf(5_000, at, at, 0);
  const meeting = clock.narrow(serviceClockOf(6_000, at, at, 0), at);
  expect([meeting?.earliestMs(at), meeting?.latestMs(at)]).toEqual([6_000, 6_000]);
  expect(clock.narrow(serviceClockOf(6_001, at, at, 0), at)).toBeUndefined();
});
