import { describe, expect, test } from "vitest";
import { pollForRelease } from "../../src/protocol/announced-end.js";
import { observe } from "../../src/protocol/observation.js";
import { heldLease } from "../support/lease.js";

/** When followers poll around an announced end (rule 7j). */

const LEASE_MS = 3_000;
const HELD = heldLease({ term: 1, revision: 7, leaseDurationMs: LEASE_MS, renewIntervalMs: 1_000 });
const ANNOUNCED = { ...HELD, announcement: { inMs: 1_000 } };

/** Written between 0 and `widthMs`, and polled last at `polledMs`. */
function seen(widthMs: number, polledMs = widthMs) {
  const first = observe(undefined, ANNOUNCED, widthMs, false);
  const schedule = { ...first.schedule, afterMs: 0, byMs: widthMs };
  return { ...first, polledMs, schedule };
}

function poll(widthMs: number, polledMs: number, { isNext = true, lease = ANNOUNCED } = {}) {
  return pollForRelease(seen(widthMs, polledMs), lease, { isNext, everyMs: 10 }, polledMs);
}

/** The moments at which the successor polls, if each poll is answered at once. */
function polls(widthMs: number, untilMs: number): number[] {
  const moments: number[] = [];
  for (let next = poll(widthMs, widthMs); next && next.atMs <= untilMs; next = poll(widthMs, next.atMs))
    moments.push(next.atMs);
  return moments;
}

describe("the successor", () => {
  test("begins before the announced moment, because its bracket may begin too late", () => {
    expect(poll(10, 10)).toEqual({ atMs: 950, consistent: true });
  });

  test("then polls every 10 ms with consistent reads, which show a release at once", () => {
    expect(poll(10, 1_005)).toEqual({ atMs: 1_015, consistent: true });
    expect(polls(10, 1_050)).toHaveLength(11);
  });

  test("polls less and less often while the work drains, with reads that cost half", () => {
    expect(poll(10, 1_110)).toEqual({ atMs: 1_120, consistent: true });
    expect(poll(10, 2_010)).toEqual({ atMs: 2_110, consistent: false });
  });

  test("that does not know the moment well polls often until the latest one that it can be, and at most 50 times more", () => {
    const moments = polls(1_000, 2_000);
    const pauses = moments.slice(1).map((atMs, i) => atMs - (moments[i] ?? 0));
    expect(Math.max(...pauses)).toBe(20);
    expect(moments.length).toBeLessThanOrEqual(55);
  });

  test("that was cut off for long polls as often as after a lease: written earlier, the row would have run out", () => {
    const byMs = 60_000;
    const moments = polls(byMs, byMs + 1_000);
    const pauses = [byMs, ...moments].slice(1).map((atMs, i) => atMs - ([byMs, ...moments][i] ?? 0));
    expect(Math.max(...pauses)).toBe(LEASE_MS / 50);
    expect(moments.length).toBeGreaterThanOrEqual(16);
  });

  test("stops a lease after the moment: the leader may be dead", () => {
    expect(poll(10, 10 + 1_000 + LEASE_MS - 1)).toBeDefined();
    expect(poll(10, 10 + 1_000 + LEASE_MS)).toBeUndefined();
  });
});

test("the others poll once, when the next leader should be there, and then as usual", () => {
  expect(poll(10, 500, { isNext: false })).toEqual({ atMs: 1_110, consistent: false });
  expect(poll(10, 1_110, { isNext: false })).toBeUndefined();
});

test("without an announcement everybody polls as usual", () => {
  expect(poll(10, 10, { lease: { ...HELD, announcement: { inMs: 1_000 } } })).toBeDefined();
  expect(pollForRelease(seen(10), HELD, { isNext: true, everyMs: 10 }, 10)).toBeUndefined();
});
