import fc from "fast-check";
import { expect, test } from "vitest";
import {
  afterEarlyWrite,
  afterNoChange,
  afterWrite,
  betweenPolls,
  firstSchedule,
  nextPollMs,
} from "../../src/protocol/poll-schedule.js";

/** Looks at a lease renewed at `phase + k × interval`, starting at an arbitrary moment; also every `betweenMs`. */
function follow(
  phaseMs: number,
  startMs: number,
  intervalMs: number,
  renewals: number,
  lateMs = (_k: number) => 0,
  betweenMs = Number.POSITIVE_INFINITY,
) {
  const writtenAt = (k: number) => phaseMs + k * intervalMs + lateMs(k);
  const writesBy = (ms: number) => {
    let k = Math.floor((ms - phaseMs) / intervalMs) + 1;
    while (writtenAt(k) > ms) k -= 1;
    return k;
  };
  // Each write announces the next one's moment on the grid, as a holder does.
  const dueAfter = (k: number) => {
    const gridMs = phaseMs + Math.floor((writtenAt(k) - phaseMs) / intervalMs + 1) * intervalMs;
    return gridMs - writtenAt(k);
  };
  let seen = writesBy(startMs);
  let polledMs = startMs;
  let schedule = firstSchedule(startMs, dueAfter(seen));
  const lags: number[] = [];
  let looks = 0;
  for (let nowMs = startMs; lags.length < renewals; ) {
    nowMs = Math.max(nowMs, Math.min(nextPollMs(schedule, dueAfter(seen)), polledMs + betweenMs));
    looks += 1;
    const newest = writesBy(nowMs);
    if (newest > seen) {
      lags.push(nowMs - writtenAt(newest));
      schedule =
        newest === seen + 1 ? afterWrite(schedule, nowMs, dueAfter(seen)) : betweenPolls(polledMs, nowMs);
      seen = newest;
    } else {
      schedule = afterNoChange(schedule, nowMs);
    }
    polledMs = nowMs;
  }
  return { lags, looks };
}

test("a write out of turn is dated back from the next due one", () => {
  // Written by 20, due each 1,000; the next due is at about 1,010, and 400 before that something was written.
  const before = { afterMs: 0, byMs: 20, missed: 1, polledAtMs: 30 };
  expect(afterEarlyWrite(before, 900, 1_000, 400)).toEqual({
    afterMs: 600,
    byMs: 620,
    missed: 0,
    polledAtMs: 900,
  });
  // Not before the last look that did not show it, nor after the one that did.
  expect(afterEarlyWrite({ ...before, polledAtMs: 610 }, 900, 1_000, 400)).toMatchObject({
    afterMs: 610,
    byMs: 620,
  });
  expect(afterEarlyWrite(before, 605, 1_000, 400)).toMatchObject({ afterMs: 600, byMs: 605 });
});

test("a write that came just after the last poll, later than it should, is not taken for the next due one", () => {
  // It was written right after the renewal of about 10. A busy host took its time, so the poll at 30 did not show it.
  const before = { afterMs: 0, byMs: 20, missed: 0, polledAtMs: 30 };
  expect(afterEarlyWrite(before, 1_030, 1_000, 996)).toMatchObject({ afterMs: 30, byMs: 1_030 });
});

test("whatever the phase of the first look, one look a renewal notices it within 3 % of the interval", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4_999 }),
      fc.integer({ min: 20_000, max: 40_000 }),
      fc.integer({ min: 100, max: 5_000 }),
      (phaseMs, startMs, intervalMs) => {
        const { lags, looks } = follow(phaseMs, startMs, intervalMs, 40);
        // Up to six renewals find the phase, with at most one more look each.
        expect(looks).toBeLessThanOrEqual(40 + 8);
        for (const lagMs of lags.slice(8)) expect(lagMs).toBeLessThanOrEqual(intervalMs * 0.035);
      },
    ),
  );
});

test("looks between the renewals, however many, do not hide when a renewal is due", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4_999 }),
      fc.integer({ min: 20_000, max: 40_000 }),
      fc.integer({ min: 1_000, max: 5_000 }),
      fc.integer({ min: 3, max: 40 }),
      (phaseMs, startMs, intervalMs, parts) => {
        const { lags } = follow(phaseMs, startMs, intervalMs, 40, () => 0, intervalMs / parts);
        for (const lagMs of lags.slice(8)) expect(lagMs).toBeLessThanOrEqual(intervalMs * 0.035);
      },
    ),
  );
});

test("renewals that come late are still seen, and the schedule is found again", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 20, maxLength: 20 }), (lateness) => {
      const { lags } = follow(123, 10_000, 1_000, 60, (k) => lateness[k - 10] ?? 0);
      expect(lags).toHaveLength(60);
      for (const lagMs of lags.slice(-20)) expect(lagMs).toBeLessThanOrEqual(35);
    }),
  );
});

test("without a renewal, looks become rarer, down to one an interval", () => {
  let schedule = firstSchedule(0, 1_000);
  let nowMs = 0;
  const gaps: number[] = [];
  for (let looks = 0; looks < 12; looks++) {
    const next = nextPollMs(schedule, 1_000);
    gaps.push(next - nowMs);
    nowMs = next;
    schedule = afterNoChange(schedule, nowMs);
  }
  expect(Math.min(...gaps)).toBeGreaterThan(0);
  expect(gaps.slice(-3)).toEqual([1_000, 1_000, 1_000]);
});

test("the first look brackets the write with the interval before it", () => {
  expect(firstSchedule(5_000, 1_000)).toEqual(betweenPolls(4_000, 5_000));
});

test("a bracket that shrinks to nothing is out of step: only the two looks are known", () => {
  const before = afterNoChange(betweenPolls(0, 1_000), 2_000);
  // The bracket, one interval later, is (1_000, 2_000]; the last look without the write was at 2_000.
  expect(afterWrite(before, 2_600, 1_000)).toEqual(betweenPolls(2_000, 2_600));
});

test("a narrow bracket is not halved; an overdue write is looked for ever less often, up to once an interval", () => {
  const narrow = { afterMs: 0, byMs: 20, missed: 0, polledAtMs: 20 };
  expect(nextPollMs(narrow, 1_000)).toBe(1_030);
  expect(nextPollMs({ ...narrow, byMs: 21 }, 1_000)).toBe(1_010.5);
  const overdue = (missed: number, polledAtMs: number) =>
    nextPollMs({ ...narrow, missed, polledAtMs }, 1_000);
  expect(overdue(1, 1_005)).toBe(1_030);
  expect([1, 2, 3, 4, 5, 9].map((missed) => overdue(missed, 1_030))).toEqual([
    1_130, 1_230, 1_430, 1_830, 2_030, 2_030,
  ]);
});
