import { expect, test } from "vitest";
import type { Member } from "../../src/partitions/assignment.js";
import { freeSince, type Knowledge, planFor } from "../../src/partitions/plan.js";

const PACE = { settleMs: 5_000, maxMovesAtOnce: 2, patienceMs: 30_000 };
const member = (id: string, holds: number[], takes = true): Member => ({
  id,
  count: 8,
  maxPerMember: 8,
  takes,
  holds: new Set(holds),
});
const ALL = [0, 1, 2, 3, 4, 5, 6, 7];

/** By default everything has been as it is for long. */
function known(members: readonly Member[], given: Partial<Knowledge> = {}): Knowledge {
  const freeSinceMs = freeSince(new Map(), members, 90_000);
  const moments = { nowMs: 100_000, readMs: 100_000, joinedMs: 0, changedMs: 0 };
  return { me: "a", members, freeSinceMs, ...moments, ...given };
}

test("what another member should hold is handed over when the members have been the same for settleMs, so many at once", () => {
  const members = [member("a", ALL), member("b", [])];
  expect(planFor(known(members), PACE).handOver.map(({ to }) => to)).toEqual(["b", "b"]);
  expect(planFor(known(members, { changedMs: 96_000 }), PACE).handOver).toEqual([]);
});

test("settleMs counts to the last look: a member that has gone since may still seem to be there", () => {
  const members = [member("a", ALL), member("guest", [])];
  const seen = { changedMs: 95_000, nowMs: 100_100, readMs: 99_000 };
  expect(planFor(known(members, seen), PACE).handOver).toEqual([]);
  expect(planFor(known(members, { ...seen, readMs: 100_000 }), PACE).handOver).toHaveLength(2);
});

test("a partition that is free on its way counts, but not for ever", () => {
  const members = [member("a", [2, 3, 4, 5, 6, 7]), member("b", [0])];
  expect(planFor(known(members), PACE).handOver).toHaveLength(1);
  const paused = known(members, { freeSinceMs: new Map([[1, 60_000]]) });
  expect(planFor(paused, PACE).handOver).toHaveLength(2);
});

test("what is free is claimed at once, but not by a member that has just joined", () => {
  const members = [member("a", []), member("b", ALL.slice(4))];
  expect(planFor(known(members, { changedMs: 99_999 }), PACE).claim).toEqual([0, 1, 2, 3]);
  expect(planFor(known(members, { joinedMs: 96_000 }), PACE).claim).toEqual([]);
});

test("what a leaving member holds moves at once, all of it", () => {
  const members = [member("a", ALL, false), member("b", [])];
  expect(planFor(known(members, { changedMs: 99_999 }), PACE).handOver).toHaveLength(8);
  const taker = planFor(known(members, { me: "b", changedMs: 99_999 }), PACE);
  expect(taker.claim).toEqual(ALL);
});
